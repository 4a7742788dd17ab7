# SPDX-License-Identifier: MIT
# bash: associative arrays, pattern substitution and arithmetic; no child
# processes

run()
{
	local -A count length
	local word line n=0

	while read -r -a line; do
		for word in "${line[@]}"; do
			count[$word]=$((${count[$word]:-0} + 1))
			length[${word//[aeiou]/_}]=${#word}
			n=$((n + ${#word}))
		done
	done <"$IN/text"
	echo "$n ${#count[@]} ${#length[@]}"
	for word in "${!count[@]}"; do
		printf '%s %d\n' "${word^^}" "${count[$word]}"
	done | sort | cksum
}

prepare()
{
	text 2000 >text
}
