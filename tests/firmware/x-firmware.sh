#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-firmware.sh - the firmware in QEMU, against the same application on the
# host:
#
# - the checksum is the same in system mode, in user mode and on the host, for
#   several seeds, scales and policies; with SRAM alone and with a second zone, with
#   poison and without;
# - a run in system mode repeats to the instruction;
# - the rule policy publishes a table while it runs, the fixed one none;
# - wrong use and a heap too small end with a message and a status.
#
# Prints TAP. Without the images or QEMU it is skipped.

set -u
firmware=${builddir:-.}/firmware
run=${srcdir:-.}/embedded/run-qemu.sh
image=$firmware/pipeline.elf
user_image=$firmware/pipeline-user.elf
host=$firmware/pipeline-host

for file in "$image" "$user_image" "$host" "$firmware/pipeline-mps2.elf" \
	"$firmware/pipeline-mps2-poison.elf"; do
	[ -r "$file" ] || {
		echo "x-firmware: $file was not built"
		exit 77
	}
done
for emulator in "${QEMU_SYSTEM_ARM:-qemu-system-arm}" \
	"${QEMU_ARM:-qemu-arm}"; do
	command -v "$emulator" >/dev/null || {
		echo "x-firmware: $emulator not found"
		exit 77
	}
done

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
. "$(dirname "$0")/../tap.sh"

# Every run leaves its output in $dir/NAME and its status in $dir/NAME.status
chip() # NAME KEY=VALUE...
{
	name=$1
	shift
	"$run" "$image" "$@" >"$dir/$name" 2>"$dir/$name.err"
	echo $? >"$dir/$name.status"
}

user() # NAME KEY=VALUE...
{
	name=$1
	shift
	"$run" -m user "$user_image" "$@" >"$dir/$name" 2>"$dir/$name.err"
	echo $? >"$dir/$name.status"
}

host() # NAME KEY=VALUE...
{
	name=$1
	shift
	"$host" "$@" >"$dir/$name" 2>"$dir/$name.err"
	echo $? >"$dir/$name.status"
}

checksum() # NAME
{
	sed -n 's/^checksum  *0x/0x/p' "$dir/$1"
}

tables() # NAME
{
	sed -n 's/^tables  *\([0-9]*\) published.*/\1/p' "$dir/$1"
}

status_is() # NAME STATUS
{
	[ "$(cat "$dir/$1.status")" = "$2" ]
}

# All of them ended well, with one checksum
agree() # NAME...
{
	want=$(checksum "$1")
	[ -n "$want" ] || return 1
	for name; do
		status_is "$name" 0 && [ "$(checksum "$name")" = "$want" ] ||
			return 1
	done
}

# It ended with a status and a message that contains a text
complains() # NAME STATUS TEXT
{
	status_is "$1" "$2" && grep -q -- "$3" "$dir/$1.err"
}

explain()
{
	sed 's/^/# /' "$dir"/*
}

next()
{
	rm -f "$dir"/*
}

for options in "seed=1" "seed=2" "seed=3" "seed=4 scale=20" \
	"seed=5 scale=40 ops=100000" "seed=6 scale=80" \
	"seed=7 step=0" "seed=8 policy=fixed"; do
	next
	chip chip $options
	user user $options
	host host $options heap=256K
	ok "one checksum: $options" agree chip user host
done

# On a board with more memory, of which a piece stands in for CCM; with poison as well
more() # NAME IMAGE KEY=VALUE...
{
	name=$1
	other=$firmware/$2
	shift 2
	"$run" -m mps2 "$other" "$@" >"$dir/$name" 2>"$dir/$name.err"
	echo $? >"$dir/$name.status"
}

for options in "heap=300K" "scale=110 heap=100K ccm=64K" \
	"seed=2 scale=110 heap=100K ccm=64K"; do
	next
	more plain pipeline-mps2.elf $options
	more poison pipeline-mps2-poison.elf $options
	host host $options heap=300K
	ok "one checksum, with poison and without: $options" \
		agree plain poison host
done

# More than SRAM holds: CCM helps out. The emulator of the chip may lack it.
next
user user scale=110 heap=100K ccm=64K
host host scale=110 heap=100K ccm=96K
ok "one checksum at 110 KB with CCM" agree user host
chip chip scale=110 heap=100K ccm=64K
if complains chip 2 "CCM here has 0 bytes"; then
	skip "CCM in system mode" "this emulator has none"
else
	ok "CCM in system mode" agree user chip
fi

next
chip one seed=9
chip two seed=9
ok "system mode repeats to the instruction" cmp -s "$dir/one" "$dir/two"
ok "instructions are counted" \
	grep -q '^malloc  *mean [0-9.]*, p99 [0-9]*, max [0-9]* inst' "$dir/one"

next
chip rule
chip fixed policy=fixed
user user-rule
host host-rule
at_least_one_table()
{
	[ "$(tables rule)" -ge 1 ] && [ "$(tables user-rule)" -ge 1 ]
}
ok "the rule policy publishes a table" at_least_one_table
ok "the fixed policy publishes none" [ "$(tables fixed)" = 0 ]
ok "learning changes no result" agree rule fixed user-rule host-rule

next
chip none heap=64
chip small heap=40K
chip large heap=1000K
user user-small heap=40K
host host-small heap=40K
ok "no heap fits" complains none 2 "heap=64 is too small"
ok "the heap runs out" complains small 3 "heap exhausted: [0-9]* requests"
ok "the heap runs out in user mode" complains user-small 3 "heap exhausted"
ok "the heap runs out on the host" complains host-small 3 "heap exhausted"
ok "more than there is" complains large 2 "SRAM here has [0-9]* bytes"

next
chip unknown speed=7
chip bad seed=x
ok "unknown option" complains unknown 2 "bad option 'speed=7'"
ok "bad value" complains bad 2 "bad option 'seed=x'"

next
"$run" "$dir/nothing.elf" 2>"$dir/missing.err"
echo $? >"$dir/missing.status"
QEMU_SYSTEM_ARM=$dir/no-qemu "$run" "$image" 2>"$dir/noqemu.err"
echo $? >"$dir/noqemu.status"
"$run" -t 1 "$image" ops=1000000000 >"$dir/late" 2>"$dir/late.err"
echo $? >"$dir/late.status"
ok "no image" complains missing 2 "cannot read"
ok "no emulator" complains noqemu 77 "apt-get install qemu-system-arm"
ok "stopped in time" complains late 124 "stopped after 1 seconds"

finish
