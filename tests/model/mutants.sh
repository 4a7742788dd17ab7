#!/bin/bash
# SPDX-License-Identifier: MIT
#
# mutants.sh - the programs e-NAME find code that is broken on purpose (mutants.txt).
#
# For each mutant a program is built of the changed file and of the library; it must stop
# with a finding. In make check the first mutant of each program, with MUTANTS=all all of
# them, each for longer sequences where short ones find nothing.

set -u
: "${srcdir:?run by make check}" "${builddir:?run by make check}"
. "$srcdir/tests/tap.sh"
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
CC=${CC:-cc}

# What a program is made of beside the library, where a file of lib may be changed
sources_of() # PROGRAM
{
	case $1 in
	e-bins) echo tests/model/e-bins.c ;;
	e-zone | e-zone-size) echo tests/model/e-zone.c lib/heap/zone.c lib/base/knobs.c ;;
	e-slab) echo tests/model/e-slab.c tests/unit/linuxport.c lib/process/slab.c ;;
	e-medium)
		echo tests/model/e-medium.c tests/unit/linuxport.c lib/process/medium.c \
			lib/process/medium-audit.c lib/process/medium-purge.c
		;;
	f-heap)
		echo tests/fuzz/f-heap.c lib/heap/heap.c lib/heap/heap-look.c \
			lib/heap/heap-make.c lib/heap/heap-step.c lib/heap/zone.c
		;;
	f-local) echo tests/fuzz/f-local.c tests/unit/linuxport.c lib/process/remote.c ;;
	f-segment)
		echo tests/fuzz/f-segment.c tests/unit/linuxport.c lib/process/segment.c
		;;
	f-process) echo tests/fuzz/f-process.c lib/process/process-realloc.c ;;
	f-conf)
		echo tests/fuzz/f-conf.c tests/unit/linuxport.c lib/format/conf.c \
			lib/process/control.c
		;;
	f-hint)
		echo tests/fuzz/f-hint.c lib/hint/record.c preload/command/base/elf.c \
			preload/command/base/fail.c preload/command/hints/granules.c \
			preload/command/hints/hint-file.c
		;;
	esac
}

# The changed file stands before the others, whether it is included or compiled
build() # PROGRAM FILE
{
	local source list= more=

	# A fuzzer may need a sanitizer to notice
	[ "${1#f-}" = "$1" ] || more="-g -fsanitize=address $srcdir/tests/fuzz/fuzz-main.c"
	[ "${1%-size}" = "$1" ] || more=-DQN_FOR_SIZE=1
	for source in $(sources_of "$1"); do
		[ "$source" = "$2" ] && list+=" $tmp/$source" || list+=" $srcdir/$source"
	done
	$CC -std=gnu11 -O1 -w -iquote "$tmp/lib" -iquote "$srcdir/lib" \
		-iquote "$srcdir/preload" -I"$tmp/lib" -I"$srcdir/lib" \
		-I"$srcdir/tests/model" -I"$srcdir/tests/unit" -o "$tmp/program" $list $more \
		"$builddir/libquern.a" -lpthread >"$tmp/log" 2>&1
}

# A mutant may also end the program, or never end by itself
is_found()
{
	local more status

	case $program in
	f-*)
		(
			cd "$tmp" && ASAN_OPTIONS=detect_leaks=0 timeout 120 \
				"$srcdir/tests/run-sanitized.sh" ./program -runs=20000 \
				-max_len=4096 "$srcdir/tests/fuzz/seeds/${program#f-}"
			true
		) >"$tmp/log" 2>&1
		grep -q 'nothing found' "$tmp/log" && return 1
		return 0
		;;
	esac
	for more in 0 1; do
		timeout 60 "$tmp/program" $more >"$tmp/log" 2>&1
		status=$?
		[ $status -ne 0 ] && return 0
		[ "${MUTANTS:-}" = all ] || return 1
	done
	return 1
}

explain()
{
	tail -n 5 "$tmp/log" | sed 's/^/#   /'
}

seen=
while IFS='|' read -r program file change; do
	case $program in
	'#'* | '') continue ;;
	esac
	if [ "${MUTANTS:-}" != all ]; then
		case $seen$program in
		*" $program "* | *f-*) continue ;;
		esac
	fi
	seen+=" $program "
	rm -rf "${tmp:?}/lib"
	mkdir -p "$tmp/${file%/*}"
	sed "$change" "$srcdir/$file" >"$tmp/$file"
	if cmp -s "$srcdir/$file" "$tmp/$file"; then
		ok "$program: nothing in $file is changed by $change" 1
	elif ! build "$program" "$file"; then
		ok "$program: $file compiles with $change" 1
	else
		ok "$program finds $file with $change" is_found
	fi
done <"$srcdir/tests/model/mutants.txt"
finish
