#!/bin/sh
# SPDX-License-Identifier: MIT
#
# hinted.sh - the pipeline in Rust with hint records and without, in the build directory: what
# records take and tell, and instructions of a malloc and a free in one trial.

set -u
me=hinted.sh
. "$(dirname "$0")/../common.sh"
here=$(cd "$(dirname "$0")" && pwd)
need_emulator
make_tmp

trial() # IMAGE
{
	"$here/../../embedded/run-qemu.sh" -t 100 "firmware/paper/$1-stm32f407.elf" \
		heap=116736 >"$tmp/$1" || die "$1 failed"
	tr ' ' '\n' <"$tmp/$1" | awk -F= -v name="$2" '{ v[$1] = $2 } END {
		printf "%-18s %10s %8s %8s\n", name, v["checksum"], \
			v["malloc.mean"], v["free.mean"]
	}'
}

printf '%-18s %10s %8s %8s\n' "" checksum malloc free
trial rust_quern "without records"
trial rust_hinted "with records"
echo
./quern hints --heap=114K firmware/paper/rust_hinted-stm32f407.elf >"$tmp/hints" ||
	die "no records"
flash()
{
	"${ARM_SIZE:-arm-none-eabi-size}" "firmware/paper/$1-stm32f407.elf" | awk 'END { print $1 }'
}

awk -v flash=$(($(flash rust_hinted) - $(flash rust_quern))) '/^$/ { exit }
	NR > 2 { nr++; known += $1 ~ /^[0-9]+$/; grows += /grows/ && $2 > 1; typed += !/ in / }
	END {
		printf "%d sites: %d of a constant size, %d where vectors grow by elements", \
			nr, known, grows
		printf " of several bytes;\n%d with a type; %d bytes of flash\n\n", typed, flash
	}' "$tmp/hints"
cut -c 1-110 "$tmp/hints"
