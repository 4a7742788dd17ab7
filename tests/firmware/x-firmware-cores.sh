#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-firmware-cores.sh - the archive for other cores than the Cortex-M4, built by
# embedded/quern.mk without a warning and linked; and what registries of firmware
# libraries are told: files, knobs.
#
# Prints TAP. Without the cross compiler it is skipped.

set -u
: "${srcdir:?run by make check}" "${builddir:?run by make check}"

[ -r "$builddir/libquern-stm32f407.a" ] || {
	echo "x-firmware-cores: no cross compiler, no archive"
	exit 77
}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

. "$(dirname "$0")/../tap.sh"

unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CC
explain()
{
	[ ! -s "$tmp/log" ] || sed 's/^/# /' "$tmp/log"
}

cat >"$tmp/Makefile" <<'EOF'
include $(QUERN)/embedded/quern.mk
all: $(QUERN_LIB)
EOF

builds() # NAME FLAG...
{
	name=$1
	shift
	${MAKE:-make} -C "$tmp" QUERN="$srcdir" QUERN_BUILD="$name" \
		QUERN_CFLAGS="$* -mthumb -Os -Wall -Wextra -Werror" all \
		>"$tmp/log" 2>&1
}

# All that a heap needs is there, but for memcpy() and its kin
links() # NAME FLAG...
{
	name=$1
	shift
	arm-none-eabi-gcc "$@" -mthumb -nostdlib -Wl,--gc-sections \
		-Wl,--entry=qn_heap_init -Wl,--defsym=memset=0,--defsym=memcpy=0 \
		-Wl,--defsym=memmove=0 -Wl,-u,qn_heap_alloc,-u,qn_heap_free \
		-Wl,-u,qn_heap_realloc,-u,qn_heap_step -o "$tmp/$name.elf" \
		"$tmp/$name/libquern.a" -lgcc >"$tmp/log" 2>&1 || return
	arm-none-eabi-size "$tmp/$name.elf" |
		awk -v name="$name" 'NR == 2 { print "# " name ": " $1 + $2 " bytes" }'
}

core() # NAME FLAG...
{
	ok "built for $1" builds "$@"
	ok "$1: nothing is missing" links "$@"
}

core cortex-m0plus -mcpu=cortex-m0plus
core cortex-m3 -mcpu=cortex-m3
core cortex-m33 -mcpu=cortex-m33 -mfpu=fpv5-sp-d16 -mfloat-abi=hard
core cortex-m7 -mcpu=cortex-m7 -mfpu=fpv5-d16 -mfloat-abi=hard

: >"$tmp/log"
says() # FILE PATTERN
{
	grep -q -- "$2" "$srcdir/$1"
}

# The sources of quern.mk, but for policies, which are found by a pattern
words() # FILE
{
	grep -oE '(base|format|heap|learn|port)/[a-z]+(-[a-z]+)*' "$srcdir/$1" |
		grep -vE 'learn/policy|base/config' | sort -u
}
words embedded/quern.mk >"$tmp/want"
for file in library.json zephyr/CMakeLists.txt; do
	words $file | diff "$tmp/want" - >"$tmp/log"
	ok "the files in $file" $?
done

# Each knob that Kconfig has goes to the compiler, and the compiler knows it
knobs()
{
	sed -n 's/^config QUERN_//p' "$srcdir/zephyr/Kconfig" >"$tmp/knobs"
	[ -s "$tmp/knobs" ] || return
	while read -r knob; do
		says zephyr/CMakeLists.txt "QN_$knob=.*CONFIG_QUERN_$knob" &&
			says lib/base/config.h "^#define QN_$knob " || return
	done <"$tmp/knobs"
}
ok "the knobs of Kconfig" knobs

finish
