#!/bin/sh
# SPDX-License-Identifier: MIT
#
# heaps.sh - policies and fixed settings of a heap in firmware: a part of make bench-learning.
#
#	heaps.sh BUILD-FOLDER
#
# Replays in QEMU with -icount, so instructions are exact. A setting is safe if each trace
# that is learned from completes in as small a heap as with policy rule, to 2 %: smallest
# heaps of one trace differ by so much by chance. The best of these, steps counted, is
# compared with the policies on programs that are left out. Tuned is the best safe
# setting of a first input of a program, on a second input.

set -u
me=heaps.sh
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:?usage: heaps.sh BUILD-FOLDER}" || exit
. "$here/../common.sh"
need_emulator
need xz xz-utils
image=$PWD/firmware/bench/replay-learned.elf
mktrace=$PWD/firmware/bench/mktrace
make_tmp
mkdir "$tmp/traces" && cd "$tmp/traces" || exit

# --- traces: NAME KIND SEED [OPERATIONS [BYTES]] ------------------------------

made="
pipeline-1 sensor 1 10000
pipeline-11 sensor 11 10000
network-1 network 1 10000
network-2 network 2 10000
interpreter-1 interpreter 1 10000
interpreter-2 interpreter 2 10000
store-1 store 1 10000
store-2 store 2 10000
trees-1 trees 1 30000
trees-2 trees 2 30000
random-1 random 1 10000
random-2 random 2 10000
queue-1 queue 1 10000
ramps-1 ramps 1 10000
ramps-2 ramps 2 10000
bursts-1 bursts 1 10000
bursts-2 bursts 2 10000
stack-1 stack 1 10000"
learned="pipeline-1 network-1 interpreter-1 random-1 queue-1 bursts-1 lua sed"
left_out="store-1 trees-1 ramps-1 stack-1 bash find xmllint sensor-2"
pairs="pipeline-1,pipeline-11 network-1,network-2 interpreter-1,interpreter-2
store-1,store-2 trees-1,trees-2 random-1,random-2 ramps-1,ramps-2 bursts-1,bursts-2"

echo "$made" | while read -r name words; do
	[ -z "$name" ] || "$mktrace" $words >"$name.trace" || exit
done || die "cannot make traces"
for name in lua sed bash find xmllint sensor-1 sensor-2; do
	xz -dc "$here/../firmware/traces/$name.trace.xz" >"$name.trace" || exit
done

# --- settings: a row for each, NAME WORD... -----------------------------------

# Parts of a zone that may be held, each with as many granules at most as that allows
settings()
{
	for part in 0 2 4 8 12 24 48; do
		for roomy in 4 8 16; do
			most=1048576
			[ $part != 24 ] || most=1024
			echo "held_part:$part,roomy_part:$roomy" policy=fixed \
				knob=held_part:$part knob=held_most:$most \
				knob=roomy_part:$roomy
			[ $part != 0 ] || break
		done
	done
	for part in 2 8 24; do
		for drains in 1 24; do
			echo "held_part:$part,step_drains:$drains" policy=fixed \
				knob=held_part:$part knob=held_most:1048576 \
				knob=step_drains:$drains
		done
	done
}

policies()
{
	for name in rule bandit dqn; do
		echo "$name" "policy=$name"
	done
}

# --- runs: lines NAME TRACE SMALLEST PER-CALL WITH-STEPS ----------------------

# In a heap of half as much again as what is live at the peak, rounded as a heap rounds
measure() # TRACE NAME WORD...
{
	trace=$1
	name=$2
	shift 2
	read -r live <"$trace.rounded"
	heap=$((live * 3 / 2 / 16 * 16))
	"$here/../../embedded/run-qemu.sh" -m mps2 -t 900 "$image" do=fit \
		"heap=$heap" hold=1 step=64 "$@" "trace=$trace.trace" |
		tr ' ' '\n' | awk -F= -v head="$name $trace" '
		NF == 2 { v[$1] = $2 }
		function part(kind) {
			return v[kind ".nr"] * v[kind ".mean"]
		}
		END {
			calls = v["malloc.nr"] + v["free.nr"] + v["realloc.nr"] + \
				v["memalign.nr"]
			sum = part("malloc") + part("free") + part("realloc") + \
			      part("memalign")
			if (!v["fits"] || !calls)
				exit
			printf "%s %d %.2f %.2f\n", head, v["smallest"], \
				sum / calls, (sum + part("step")) / calls
		}'
}

rounded() # TRACE
{
	"$here/../../embedded/run-qemu.sh" -m mps2 -t 900 "$image" do=fits \
		heap=131072 "trace=$1.trace" | tr ' ' '\n' |
		sed -n 's/^rounded=//p' >"$1.rounded"
}

for trace in $learned $left_out $(echo $pairs | tr , ' '); do
	[ -s "$trace.rounded" ] || rounded "$trace"
	{ settings; policies; } | while read -r name words; do
		grep -q "^$name $trace " results 2>/dev/null ||
			measure "$trace" "$name" $words >>results </dev/null
	done
done

awk -f "$here/../text.awk" -f "$here/heaps.awk" -v "learned=$learned" \
	-v "left_out=$left_out" -v "pairs=$(echo $pairs)" results
