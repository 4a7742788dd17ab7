#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-firmware-irq.sh - interrupts that allocate, in QEMU (f-irq.c): with the heap's lock
# (PRIMASK, BASEPRI) nothing is damaged and the accounts are exact, without it not one
# run survives; and for how many instructions interrupts are masked at most.
#
# Prints TAP. Without the images or QEMU it is skipped.

set -u
: "${srcdir:?run by make check}" "${builddir:?run by make check}"
. "$(dirname "$0")/images.sh"

needs f-irq-none.elf f-irq-primask.elf f-irq-basepri.elf bench/masked-O2.elf \
	bench/mktrace

# At least so many of what a line of the output counts
at_least() # FILE WHAT NUMBER
{
	seen=$(sed -n "s/.*[ ,] *\([0-9]*\) $2.*/\1/p" "$1")
	[ "${seen:-0}" -ge "$3" ]
}

for mask in primask basepri; do
	$run "$images/f-irq-$mask.elf" seeds=40 >"$tmp/$mask"
	status=$?
	sed 's/^/# /' "$tmp/$mask"
	ok "interrupts allocate, $mask" [ $status = 0 ]
	ok "SysTick came, $mask" at_least "$tmp/$mask" "SysTick, " 10000
	ok "PendSV came, $mask" at_least "$tmp/$mask" PendSV 10000
done
ok "BASEPRI lets urgent interrupts through" \
	at_least "$tmp/basepri" "while masked" 1000
ok "without the lock the heap is ruined" \
	is_ruined "1 2 3 4 5" f-irq-none.elf "seeds=1 first={}"

# Counted by instructions: the same on every machine
cd "$tmp" || exit 99
"$images/bench/mktrace" network 1 8000 >network.trace &&
	"$images/bench/mktrace" random 1 8000 >random.trace || exit 99
$run -m mps2 "$images/bench/masked-O2.elf" trace=network.trace trace=random.trace \
	>masked
sed 's/^/# masked: /' masked
within() # KIND MOST
{
	longest=$(sed -n "s/^$1\.max=//p" masked)
	[ "${longest:-0}" -gt 10 ] && [ "$longest" -le "$2" ]
}
ok "malloc masks interrupts for 500 instructions at most" within malloc 500
ok "free masks interrupts for 500 instructions at most" within free 500
ok "qn_heap_step() for 2000 at most" within step 2000

finish
