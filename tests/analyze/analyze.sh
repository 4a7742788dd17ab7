#!/bin/bash
# SPDX-License-Identifier: MIT
#
# analyze.sh - lib and preload under gcc -fanalyzer, clang-tidy and cppcheck: make analyze
#
#	analyze.sh [FILE...]	all by default, some 10 minutes
#
# Findings that are explained stand in known.txt, others fail. .clang-tidy says which checks of
# clang-tidy are off, and why. Asserts are left out: with them an analyzer walks each path twice.
# A tool that is not installed is left out with a word.

set -u
: "${srcdir:?run by make analyze}" "${DEFS?run by make analyze}"
cd "$srcdir" || exit 99
here=tests/analyze
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

[ $# -gt 0 ] || set -- $(git ls-files 'lib/*.c' 'preload/*.c' | grep -v '^lib/port/bare\.c$')
eval "defs=($DEFS -D_FORTIFY_SOURCE=0)"
flags=("${defs[@]}" -std=gnu11 -fexceptions -Ilib -iquote preload -iquote embedded)

# Two at a time; a line of findings begins with the file
each() # COMMAND...: {} is the file
{
	printf '%s\n' "${files[@]}" | xargs -P 2 -I{} "$@"
}

by_gcc()
{
	each "${CC:-gcc}" "${flags[@]}" -O2 -fno-builtin -fanalyzer -c -o /dev/null {} 2>&1 |
		grep 'Wanalyzer'
}

by_clang_tidy()
{
	each clang-tidy --quiet {} -- "${flags[@]}" 2>/dev/null | sed "s|^$PWD/||" |
		grep -E '^[a-z].*(warning|error):'
}

# It knows neither json_array_foreach() nor ElfW(), and gives up on two files; some expressions
# with a ?: b are beyond it
by_cppcheck()
{
	cppcheck -q -j 2 --std=c11 --enable=warning,performance,portability \
		--suppress=internalAstError --suppress=unknownMacro \
		-Ilib -Ipreload -I. "${files[@]}" 2>&1 | grep -E '(warning|error|performance|portability):'
}

# Same as a row of known.txt: the file, a word of the finding, the reason
is_known() # LINE
{
	local file words

	while IFS='|' read -r file words _; do
		case $file in
		'#'* | '') continue ;;
		esac
		case $1 in
		"$file":*"$words"*) return 0 ;;
		esac
	done <$here/known.txt
	return 1
}

nr_new=0
look() # TITLE PROGRAM FUNCTION
{
	local line new=0 known=0

	command -v "$2" >/dev/null || {
		echo "$1: not installed"
		return
	}
	$3 | sort -u >"$tmp/found"
	while read -r line; do
		if is_known "$line"; then
			known=$((known + 1))
		else
			new=$((new + 1))
			echo "$line"
		fi
	done <"$tmp/found"
	echo "$1: ${#files[@]} files, $new findings, $known explained in known.txt"
	nr_new=$((nr_new + new))
}

files=("$@")
look cppcheck cppcheck by_cppcheck
look 'gcc -fanalyzer' "${CC:-gcc}" by_gcc
look clang-tidy clang-tidy by_clang_tidy
[ $nr_new = 0 ]
