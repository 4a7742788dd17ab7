#!/bin/bash
# SPDX-License-Identifier: MIT
#
# x-firmware-bounds.sh - each call of the archive's heap ends within a bound, without recursion,
# and takes no more stack than bounds.txt says. bounds.py reads the compiled code.
#
# As a control three heaps are looked at that do not: with a loop that the list does not have,
# with recursion, and with more stack. Prints TAP.

set -u
: "${srcdir:?run by make check}" "${builddir:?run by make check}"
archive=$builddir/libquern-stm32f407.a
here=$srcdir/tests/firmware
cross=${ARM_CC:-arm-none-eabi-gcc}
objdump=$($cross -print-prog-name=objdump)
addr2line=$($cross -print-prog-name=addr2line)
[ -r "$archive" ] && command -v python3 >/dev/null || {
	echo "x-firmware-bounds: no archive, or no python3"
	exit 77
}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
. "$srcdir/tests/tap.sh"
cd "$tmp" || exit 99

explain()
{
	grep '^#' out
}

target='-mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard'
roots=$(awk '$1 == "root" { printf " -Wl,-u,%s", $2 }' "$here/bounds.txt")

# What firmware brings along is not looked at
cat >stubs.c <<'END'
void *memcpy(void *to, const void *from, unsigned n) { (void)from; (void)n; return to; }
void *memmove(void *to, const void *from, unsigned n) { (void)from; (void)n; return to; }
void *memset(void *to, int c, unsigned n) { (void)c; (void)n; return to; }
END

# The archive, with an object that takes the place of one of its own
image() # OBJECT...
{
	$cross $target -Os -ffreestanding -fno-builtin -nostdlib -Wl,--gc-sections \
		-Wl,--entry=qn_heap_alloc $roots -o image.elf "$@" stubs.c "$archive" -lgcc \
		>out 2>&1
}

is_bounded()
{
	python3 "$here/bounds.py" "$objdump" "$addr2line" image.elf "$here/bounds.txt" >out 2>&1
}

says() # TEXT
{
	is_bounded
	[ $? -eq 1 ] && grep -q "$1" out
}

# heap.c with a change to one of its functions
broken() # SED
{
	mkdir -p lib/heap
	sed "$1" "$srcdir/lib/heap/heap.c" >lib/heap/heap.c
	! cmp -s "$srcdir/lib/heap/heap.c" lib/heap/heap.c &&
		$cross $target -std=gnu11 -ffreestanding -ffunction-sections -g -Os -w \
			-DQN_SMALL=1 -I"$srcdir/lib" -c -o heap.o lib/heap/heap.c >out 2>&1 &&
		image heap.o
}

ok "the archive is linked" image
ok "each call is bounded, in time and in stack" is_bounded
grep 'bytes of stack\|functions,' out

ok "a control: a loop over all blocks" broken \
	's/^	poison(p, k);$/	for (struct qn_held *b = z->held[2]; b; b = b->next) z->refused++;/'
ok "... is found" says 'loops in lib/heap/heap.c free_slow'
ok "a control: recursion" broken \
	's/^	poison(p, k);$/	if (k > 99) { qn_heap_free(h, p); z->refused++; }/'
ok "... is found" says recursion
ok "a control: much stack" broken \
	's/^	poison(p, k);$/	volatile char more[400]; more[k % 400] = 1;/'
ok "... is found" says 'bytes of stack, more than'
finish
