#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-firmware-rtos.sh - quern as the heap of FreeRTOS, in QEMU (f-freertos.c): tasks that
# interrupt each other anywhere damage nothing, in ucHeap and in two regions; where the
# scheduler is not suspended not one run survives.
#
# Prints TAP. Without the images or QEMU it is skipped.

set -u
: "${srcdir:?run by make check}" "${builddir:?run by make check}"
. "$(dirname "$0")/images.sh"

needs f-freertos.elf f-freertos-regions.elf f-freertos-none.elf

seeds="1 2 3 4 5 6 7 8"

survives() # IMAGE
{
	for seed in $seeds; do
		$run "$images/$1" seed=$seed >"$tmp/out" || return 1
		sed 's/^/# /' "$tmp/out"
		cat "$tmp/out" >>"$tmp/all"
	done
}

# Tasks were switched and requests failed in all
has_been_busy()
{
	awk '{ ticks += $3; switches += $5; failed += $7 }
	END { exit !(ticks > 20000 && switches > 20000 && failed > 20) }' \
		"$tmp/all"
}

ok "tasks allocate from ucHeap" survives f-freertos.elf
ok "tasks allocate from two regions" survives f-freertos-regions.elf
ok "there was something to go wrong" has_been_busy
ok "without the lock the heap is ruined" \
	is_ruined "$seeds" f-freertos-none.elf "seed={}"

finish
