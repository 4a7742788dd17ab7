# SPDX-License-Identifier: MIT
# zsh: arrays, associative arrays, globbing with qualifiers and sorting flags

run()
{
	zsh -f "$IN/script" "$IN/words"
}

prepare()
{
	words 30000 >words
	cat >script <<-'END'
	typeset -A count
	local -a all
	all=(${(f)"$(<$1)"})
	for w in $all; do (( count[$w]++ )); done
	print $#all ${#${(u)all}} ${#count}
	print -l ${(o)${(k)count}[1,5]}
	for w in ${(k)count}; do
		[[ $w == (#b)(*)([aeiou])* ]] &&
			count[$w]=${(U)match[1]}$match[2]
	done
	print -l ${(on)${(v)count}} | cksum
	for i in {1..200}; do : >file$i.txt; done
	print -l file*<50-60>*.txt(.N) *(.OnN[1,3])
	END
}
