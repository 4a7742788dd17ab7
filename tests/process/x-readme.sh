#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-readme.sh - the commands of README.md and docs/TUNING.md that begin with "$": each
# succeeds, and its output has the words that the text shows at the begin of its lines.
# Figures differ. README's run as they stand; the comparisons of TUNING run for one round.

. "$(dirname "$0")/../x.sh"

build=${builddir:-$top/build}
# Of several rustc the one that configure took
PATH=$build:${RUSTC:+$(dirname "$RUSTC"):}$PATH
readme=$top/README.md

# The commands of a text, one a line, with the number of the line
commands()
{
	sed -n '=; s/^    \$ //p' "$1" |
		awk '/^[0-9]+$/ { at = $0; next } { print at, $0 }'
}

# What text $1 shows behind line $2
shown()
{
	sed -n "$(($2 + 1)),\$p" "$1" | sed -n '/^    [^$]/!q; s/^    //p'
}

# The label that a line begins with, if it has one
words()
{
	sed -n 's/^ \{0,6\}\([A-Za-z].*\)/\1/p' | sed 's/  .*//; s/[0-9.(].*//; s/ *$//' |
		sort -u
}

# A compiler, and its plugin among its arguments
can_plug()
{
	command -v "$1" || return 1
	while [ $# -gt 0 ]; do
		case $1 in
		*plugin=*) [ -e "${1#*=}" ]; return ;;
		esac
		shift
	done
}

needs()
{
	case $1 in
	*"plugin="*) can_plug ${1} ;;
	*rustc*) command -v rustc && [ -e build/plugin/rustc/quern.so ] ;;
	*"quern hints"*) [ -e "${1##* }" ] ;;
	*"quern fit"*) command -v qemu-arm && [ -e "$build/firmware/fit" ] ;;
	*gawk*) command -v gawk ;;
	*python3*) [ -x /usr/bin/python3 ] ;;
	esac >/dev/null
}

cp -r "$top/docs" "$tmp/docs" && cd "$tmp" && ln -s "$build" build || exit 99
run_all() # TEXT
{
	while read -r at line; do
		case $line in
		*gawk*|*python3*|*"quern fit"*|*plugin=*|*rustc*|*"quern hints"*)
			needs "$line" || {
				skip "$line" "what it runs is missing"
				continue
			} ;;
		esac
		sh -c "$line" >out 2>&1 </dev/null
		status=$?
		[ $status = 0 ] || sed 's/^/# /' out
		ok "$line" $status
		missing=
		shown "$1" "$at" | words >expected
		while read -r word; do
			grep -qF -e "$word" out || missing="$missing '$word'"
		done <expected
		[ -z "$missing" ] || echo "# not said:$missing"
		[ -z "$missing" ]
		ok "it prints what ${1##*/} shows" $?
	done
}

commands "$readme" >lines
[ "$(wc -l <lines)" -ge 6 ]
ok "README shows commands" $?
run_all "$readme" <lines
commands docs/TUNING.md | sed -E 's/quern compare( -n [0-9]+)?/quern compare -n 1/' >lines
[ "$(wc -l <lines)" -ge 5 ]
ok "TUNING shows commands" $?
run_all docs/TUNING.md <lines
finish
