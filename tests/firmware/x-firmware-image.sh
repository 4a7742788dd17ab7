#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-firmware-image.sh - a firmware outside of the tree (embedded/examples/image), built by
# embedded/quern.mk and by embedded/quern.cmake, in QEMU: it runs, prints floats, its
# quern-config.h has an effect and its absence too, and errors end with a message.
#
# Prints TAP. Without the cross compiler or QEMU it is skipped.

set -u
: "${srcdir:?run by make check}" "${builddir:?run by make check}"
run="$srcdir/embedded/run-qemu.sh -t 20"

[ -r "$builddir/libquern-stm32f407.a" ] || {
	echo "x-firmware-image: no cross compiler, no archive"
	exit 77
}
for tool in arm-none-eabi-gcc arm-none-eabi-ar \
	"${QEMU_SYSTEM_ARM:-qemu-system-arm}"; do
	command -v "$tool" >/dev/null || {
		echo "x-firmware-image: no $tool"
		exit 77
	}
done
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

. "$(dirname "$0")/../tap.sh"

cp -r "$srcdir/embedded/examples/image" "$tmp/image" || exit 99
chmod -R u+w "$tmp/image"
cd "$tmp/image" || exit 99
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CC

# Nothing but what was asked for, no warnings
quiet() # COMMAND...
{
	"$@" >"$tmp/log" 2>&1 && ! grep -i warning "$tmp/log" && return
	sed 's/^/# /' "$tmp/log"
	return 1
}

# It says so, and ends so
prints() # STATUS TEXT IMAGE WORD...
{
	want=$1
	text=$2
	shift 2
	$run "$@" >"$tmp/out" 2>&1
	[ $? -eq "$want" ] && grep -q -- "$text" "$tmp/out" && return
	sed 's/^/# /' "$tmp/out"
	return 1
}

image_works() # HOW IMAGE
{
	ok "by $1: it runs" prints 0 '^check  *sound' "$2"
	ok "by $1: printf has floats" \
		prints 0 '^heap  *[0-9]* bytes, [0-9]\.[0-9][0-9] %' "$2"
	ok "by $1: a knob" prints 0 '^guard words  *yes' "$2"
	ok "by $1: another knob" prints 0 '^second zone  *no' "$2"
	ok "by $1: a write past the end" \
		prints 71 'quern: written past its end: 0x2000' "$2" overrun
	ok "by $1: no memory" \
		prints 71 'quern: no memory for this many bytes: 0x100000' \
		"$2" exhaust
}

make=${MAKE:-make}
ok "quern.mk makes an image" quiet $make QUERN="$srcdir"
image_works make image.elf
ok "quern.mk without a configuration" quiet $make QUERN="$srcdir" \
	QUERN_CONFIG= QUERN_BUILD=plain -W main.c
ok "the knobs have their defaults" prints 0 '^guard words  *no' image.elf
ok "all of them" prints 0 '^second zone  *yes' image.elf

# The same files as the archive has, but for the engines and the glue
names()
{
	arm-none-eabi-ar t "$1" | grep -vxE \
		'(boundary|buddy|buddy-core|buddy-fast|engine|freelist|heap4|per-size|quern|tlsf|glue)\.o' |
		sort
}
names "$builddir/libquern-stm32f407.a" >"$tmp/tree"
names plain/libquern.a >"$tmp/mine"
diff "$tmp/tree" "$tmp/mine" | sed 's/^/# /'
ok "quern.mk has every file of the archive" cmp -s "$tmp/tree" "$tmp/mine"

if command -v cmake >/dev/null; then
	ok "cmake is content" quiet cmake -S . -B out -DQUERN="$srcdir"
	ok "quern.cmake makes an image" quiet cmake --build out
	image_works cmake out/image.elf
	arm-none-eabi-ar t out/libquern.a | sed 's,\.c\.obj$,.o,' | grep -vx glue.o |
		sort >"$tmp/mine"
	ok "quern.cmake has every file of the archive" \
		cmp -s "$tmp/tree" "$tmp/mine"
else
	skip "quern.cmake" "no cmake"
fi

finish
