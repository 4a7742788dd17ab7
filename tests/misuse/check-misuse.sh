#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-misuse.sh - which planted errors pass unnoticed, by class and by allocator.
#
#	tests/misuse/check-misuse.sh [NR]
#
# Runs one in NR of the errors of planted.c (default: all, some minutes) with the C library's
# malloc, the allocators that are there, and quern: as it is, without fences, and in the hardened
# mode. A cell is the part, in per cent, after which the program went on as if nothing had
# happened. Rows "crashed" have those that ended by another signal than SIGABRT, without a message:
# they count as noticed here, and not in planted.c.

. "$(dirname "$0")/../x.sh"
ulimit -c 0
one_in=${1:-1}
folders=$(echo /usr/lib/*-linux-gnu /usr/lib64 /usr/lib)

must $cc -O1 -g -w -fno-builtin -o "$tmp/planted" "$here/planted.c" \
	-lpthread -lstdc++
: >"$tmp/all"

subject() # NAME LIBRARY [VARIABLE=VALUE...]
{
	name=$1 library=$2
	shift 2
	env "$@" "$tmp/planted" -n "$one_in" $library |
		awk -v name="$name" '$NF == "%" && $1 != "none" {
			kind = $1 == "all" ? "all-" $2 : $1
			print name, kind, 100 * $(NF - 2) / ($(NF - 5) + !$(NF - 5))
			if ($1 == "all")
				print name, "crashed-" $2, 100 * $(NF - 3) / $(NF - 5)
		}
		$1 == "none" && $(NF - 1) < 100 {
			print "# " name ": runs without an error did not end well"
		}' >>"$tmp/all"
}

there() # FILE: its path
{
	for folder in $folders; do
		[ -f "$folder/$1" ] && echo "$folder/$1" && return
	done
	return 1
}

subject glibc ''
debug=$(there libc_malloc_debug.so.0) &&
	subject glibc:3 "$debug" GLIBC_TUNABLES=glibc.malloc.check=3
for peer in jemalloc:libjemalloc.so.2 mimalloc:libmimalloc.so.2.0 \
	secure:libmimalloc-secure.so.2.0 tcmalloc:libtcmalloc_minimal.so.4; do
	file=$(there "${peer#*:}") && subject "${peer%%:*}" "$file"
done
subject quern "$lib"
subject fence:0 "$lib" QUERN_CONF=fence:0
subject hard:1 "$lib" QUERN_CONF=hard:1
subject hard:2 "$lib" QUERN_CONF=hard:2

grep '^#' "$tmp/all"
awk '/^#/ { next }
!($1 in seen) { seen[$1] = 1; names[++nr_names] = $1 }
!($2 in known) { known[$2] = 1; kinds[++nr_kinds] = $2 }
{ cell[$1, $2] = $3 }
END {
	printf "%-28s", "unnoticed, %"
	for (i = 1; i <= nr_names; i++)
		printf " %8s", names[i]
	print ""
	for (k = 1; k <= nr_kinds; k++) {
		printf "%-28s", kinds[k]
		for (i = 1; i <= nr_names; i++)
			printf " %8.1f", cell[names[i], kinds[k]]
		print ""
	}
}' "$tmp/all"
