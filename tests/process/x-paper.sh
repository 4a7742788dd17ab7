#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-paper.sh - the founding experiment, one trial of it:
#
# - a second run counts the same to the bit;
# - buddy, buddy-fast and quern compute what the pipeline computes on this machine, and
#   so does the pipeline in Rust;
# - what buddy-fast puts off is what makes the difference to buddy;
# - a heap that is too small is said to be, and so is a word that is none.
#
# Prints TAP. Without the images or QEMU it is skipped.

set -u
: "${srcdir:?run by make check}" "${builddir:?run by make check}"
images=$builddir/firmware/paper
run=$srcdir/embedded/run-qemu.sh

for name in buddy buddy_fast quern; do
	[ -r "$images/$name-stm32f407.elf" ] || {
		echo "x-paper: $images/$name-stm32f407.elf was not built"
		exit 77
	}
done
command -v "${QEMU_SYSTEM_ARM:-qemu-system-arm}" >/dev/null || {
	echo "x-paper: no emulator"
	exit 77
}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

. "$(dirname "$0")/../tap.sh"

trial() # SYSTEM WORD...
{
	name=$1
	shift
	"$run" "$images/$name-stm32f407.elf" seed=2 ops=20000 "$@"
}

value() # KEY FILE
{
	tr ' ' '\n' <"$tmp/$2" | sed -n "s/^$1=//p"
}

same()
{
	trial "$1" >"$tmp/one" && trial "$1" >"$tmp/two" &&
		grep -q '^malloc.nr=[1-9]' "$tmp/one" &&
		cmp "$tmp/one" "$tmp/two"
}
ok "quern counts the same twice" same quern
ok "buddy counts the same twice" same buddy

computes()
{
	trial "$1" >"$tmp/$1" && [ "$(value fits "$1")" = 1 ] &&
		[ "$(value checksum "$1")" = "$sum" ]
}
sum=$("$builddir/firmware/pipeline-host" seed=2 ops=20000 |
	sed -n 's/^checksum  *//p')
for name in buddy buddy_fast quern; do
	ok "$name computes what this machine does" computes $name
done
for name in rust_quern rust_buddy rust_boundary; do
	if [ -r "$images/$name-stm32f407.elf" ]; then
		ok "$name computes what C does" computes $name
	else
		skip "$name" "there is no cargo, or no library's sources for it"
	fi
done

waits()
{
	trial buddy_fast beside=1 >"$tmp/beside" &&
		[ "$(value wait.nr beside)" -gt 100 ] &&
		[ "$(value malloc.max beside)" -lt "$(value malloc.max buddy)" ] &&
		[ "$(value malloc.max beside)" -lt \
			"$(value malloc.max buddy_fast)" ] &&
		[ "$(value gap.min beside)" -gt 0 ]
}
ok "without its waits buddy-fast has a lower worst case" waits

exhausted()
{
	trial buddy heap=65536 >"$tmp/small"
	[ $? -eq 3 ] && [ "$(value fits small)" = 0 ]
}
ok "too small a heap is told from a damaged one" exhausted

complains() # TEXT SYSTEM WORD...
{
	text=$1
	shift
	trial "$@" >"$tmp/out" 2>"$tmp/err"
	[ $? -eq 2 ] && grep -q -- "$text" "$tmp/err"
}
ok "an unknown word" complains "not understood. Words are: seed=" buddy speed=3
ok "more SRAM than there is" complains "heap=999999: there are" buddy heap=999999

finish
