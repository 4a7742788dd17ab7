#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run-qemu.sh - run a firmware image in QEMU; its output and exit status are the
# script's own.
#
#   run-qemu.sh [-m MACHINE] [-t SECONDS] IMAGE.elf [KEY=VALUE...]
#
# MACHINE: stm32f407 (default): the whole chip, instructions counted exactly;
#          mps2: a Cortex-M4 with 4 MB of RAM;
#          user: the instructions alone, as a Linux process.
# SECONDS: after which it is stopped (default 120).
#
# Status 77: QEMU is missing. 124: it took too long. 2: wrong usage. Any other
# is the firmware's; 70 and 71 mean that it was stopped and has said why.
# QEMU_SYSTEM_ARM and QEMU_ARM in the environment name other emulators,
# QEMU_ARM_CPU another processor for user mode.

me=run-qemu.sh
machine=stm32f407
seconds=120

usage()
{
	echo "$me: $1" >&2
	echo "usage: $me [-m stm32f407|mps2|user] [-t SECONDS]" \
		"IMAGE.elf [KEY=VALUE...]" >&2
	exit 2
}

# need PROGRAM PACKAGE
need()
{
	command -v "$1" >/dev/null 2>&1 && return
	echo "$me: $1 not found: install it (Debian: apt-get install $2)" >&2
	exit 77
}

# Whole seconds; QEMU's own complaints pass through
limited()
{
	timeout -k 5 "$seconds" "$@" </dev/null &
	child=$!
	# timeout has a group of its own, which it ends with itself
	for signal in INT TERM HUP; do
		trap "kill $child; wait $child; trap - $signal; kill -$signal \$\$" $signal
	done
	wait $child
	status=$?
	[ $status -ne 124 ] ||
		echo "$me: stopped after $seconds seconds" >&2
	exit $status
}

# QEMU splits its options at commas; a doubled one stands for itself
semihosting_args()
{
	for word; do
		printf ',arg=%s' "$(printf %s "$word" | sed 's/,/,,/g')"
	done
}

# system MACHINE SHIFT: one instruction lasts 2^SHIFT ns of the board's clock.
# From shift 4 up its timer counts instructions exactly, whatever this machine
# is busy with.
system()
{
	qemu=${QEMU_SYSTEM_ARM:-qemu-system-arm}
	need "$qemu" qemu-system-arm
	board=$1
	shift=$2
	set -- "$image" $words
	limited "$qemu" -M "$board" -nographic -serial null -monitor none \
		-icount "shift=$shift,align=off,sleep=off" \
		-semihosting-config \
		"enable=on,target=native$(semihosting_args "$@")" \
		-kernel "$image"
}

# Before QEMU 10 user mode has no M-profile processor that works. An A-profile
# one runs the same Thumb-2 code, and semihost.c finds out which it is.
user_cpu()
{
	major=$("$1" --version | sed -n 's/.* version \([0-9]*\)\..*/\1/p')
	if [ "${major:-0}" -ge 10 ]; then
		echo cortex-m4
	else
		echo cortex-a7
	fi
}

user()
{
	qemu=${QEMU_ARM:-qemu-arm}
	need "$qemu" qemu-user
	limited "$qemu" -cpu "${QEMU_ARM_CPU:-$(user_cpu "$qemu")}" \
		"$image" $words
}

while getopts m:t: option; do
	case $option in
	m) machine=$OPTARG ;;
	t) seconds=$OPTARG ;;
	*) usage "see below" ;;
	esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] || usage "no image given"
image=$1
shift
words=$*
[ -r "$image" ] || usage "cannot read $image (make firmware builds the images)"
case $seconds in
'' | *[!0-9]*) usage "-t wants seconds, not '$seconds'" ;;
esac

case $machine in
stm32f407) system netduinoplus2 6 ;;
mps2) system mps2-an386 8 ;;
user) user ;;
*) usage "no machine '$machine'" ;;
esac
