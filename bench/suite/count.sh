# SPDX-License-Identifier: MIT
#
# count.sh - to be read by pair.sh, traces.sh: instructions by callgrind.

me=${0##*/}
. "$here/../common.sh"
need valgrind valgrind
count_tmp=$(mktemp) || exit 99
trap 'rm -f "$count_tmp" "$count_tmp.log"' EXIT

# count LIBRARY PROGRAM ARGS...: for each function that calls another its name, the
# other's, the number of calls, and the instructions in those made below counted().
# What the program says is shown only if it fails.
count()
{
	count_lib=$1
	shift
	LD_PRELOAD=$count_lib QUERN_CONF=seed:1 setarch -R \
		valgrind -q --tool=callgrind --toggle-collect=counted \
		--callgrind-out-file="$count_tmp" "$@" \
		>"$count_tmp.log" 2>&1 || {
		cat "$count_tmp.log" >&2
		return 1
	}
	awk '
	function name(text,	id)
	{
		id = text
		sub(/\).*/, ")", id)
		sub(/^[^)]*\) ?/, "", text)
		if (text != "")
			names[id] = text
		return names[id]
	}
	/^fn=/ { caller = name(substr($0, 4)) }
	/^cfn=/ { called = name(substr($0, 5)) }
	/^calls=/ {
		sub(/calls=/, "")
		calls[caller " " called] += $1
		getline
		sum[caller " " called] += $NF
	}
	END { for (pair in sum) print pair, calls[pair], sum[pair] }
	' "$count_tmp"
}
