#!/bin/bash
# SPDX-License-Identifier: MIT
#
# fuzz.sh - runs the fuzzers of ./fuzz one after the other: make fuzz TIME=S.
#
# Each gets its part of S seconds. What an input of its reached stays in fuzz/corpus, and the
# next run begins with it. An input that stopped a fuzzer is fuzz/crash-NAME; the script tells
# of each, and fails.

set -u
here=$(cd "$(dirname "$0")" && pwd)
time=${TIME:-60}
set -- ${FUZZERS:?run by make fuzz}
each=$((time / $# > 0 ? time / $# : 1))
bad=0

ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
export ASAN_OPTIONS
alone=
setarch -R true 2>/dev/null && alone='setarch -R'

# Seeds are text; those of hexadecimal digits become bytes
take_seeds() # NAME
{
	local seed to

	mkdir -p "corpus/$1"
	for seed in "$here/seeds/$1"/*; do
		[ -f "$seed" ] || continue
		to=corpus/$1/seed-$(basename "${seed%.hex}")
		case $seed in
		*.hex) printf "$(sed 's/#.*//' "$seed" | tr -dc '0-9a-f' | sed 's/../\\x&/g')" >"$to" ;;
		*) cp "$seed" "$to" ;;
		esac
	done
}

cd fuzz || exit 99
for name; do
	take_seeds "$name"
	# libFuzzer writes there what is new; fuzz-main.c reads it
	$alone ./f-"$name" -max_total_time=$each -timeout=20 -rss_limit_mb=2000 -max_len=4096 \
		-print_final_stats=1 -artifact_prefix=./crash-"$name"- "corpus/$name" \
		>"$name.log" 2>&1
	status=$?
	nr=$(sed -nE 's/^stat::number_of_executed_units: *//p; s/^f-.*: ([0-9]+) inputs.*/\1/p' \
		"$name.log" | tail -n 1)
	if [ $status = 0 ]; then
		echo "$name: ${nr:-?} inputs in $each s, nothing found"
	else
		bad=1
		echo "$name: STOPPED with status $status; what it said: fuzz/$name.log"
		grep -E 'ERROR|not so|runtime error|precondition|# ' "$name.log" |
			head -n 5 | sed 's/^/    /'
		ls crash-"$name"* crash-f-"$name" 2>/dev/null | sed 's/^/    fuzz\//'
	fi
done
exit $bad
