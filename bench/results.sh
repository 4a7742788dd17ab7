#!/bin/bash
# SPDX-License-Identifier: MIT
#
# results.sh - prints RESULTS.md: what the last run of each benchmark printed.
#
#	results.sh FOLDER
#
# FOLDER is where keep.sh keeps the runs. A benchmark that was not run is named as such.

folder=${1:?results.sh FOLDER}

head_of() # FILE WORD: what the run's head says
{
	sed -n "1,/^\$/s/^$2 //p" "$1"
}

section() # NAME COMMAND TITLE
{
	local file=$folder/$1

	printf '\n## %s\n\n' "$3"
	if [ ! -s "$file" ]; then
		printf '`%s` was not run.\n' "$2"
		return
	fi
	printf '`%s`, %s, commit %s; %s.\n\n' "$2" "$(head_of "$file" date)" \
		"$(head_of "$file" commit)" "$(head_of "$file" machine)"
	sed '1,/^$/d; s/[ \t]*$//; s/^\(.\)/    \1/' "$file"
}

# A benchmark that another one runs as well
part() # NAME COMMAND TITLE
{
	[ ! -s "$folder/$1" ] || section "$@"
}

cat <<-'END'
	# Results

	`make bench-results` writes this file from the last run of each benchmark in a build
	directory. Nothing in it is edited by hand.

	- Times come from shared machines. Means move by 2 % from run to run, times of single
	  workloads by far more.
	- Counts of instructions repeat exactly.
END
section suite "make bench" "Linux: the suite, memory that goes back, start-up"
part memory "make bench-memory" "Linux: memory that goes back, alone"
part startup "make bench-startup" "Linux: start-up, alone"
section pair "make bench-pair" "Linux: instructions of a malloc and free pair"
section traces "make bench-traces" "Linux: instructions of a call in traces of programs"
section threads "make bench-threads" "Linux: the same work by several threads"
section services "make bench-services" "Linux: services with pauses, at three prices of memory"
section share "make bench-share" "Linux: the heap's share of programs' time, by engine"
section sampler "make bench-sampler" "Linux: cost of sampling and learning"
section rust "make bench-rust" "Linux: programs in Rust"
section hints "make bench-hints" "Linux: what compilers tell"
section hints-programs "make bench-hints-programs" "Linux: what compilers tell of real programs, and what that brings"
section hints-rust "make bench-hints-rust" "Firmware: what rustc tells of the pipeline in Rust"
section record "make bench-record" "Linux: cost of recording"
section learning "make bench-learning" "Linux: policies, by simulation of recorded programs"
section firmware "make bench-firmware" "Firmware: the heap in QEMU"
part hints-firmware "make bench-hints-firmware" "Firmware: sizes that the compiler knows"
section sampler-firmware "make bench-sampler-firmware" \
	"Firmware: cost of sampling and learning"
section paper "make paper" "Firmware: the founding experiment"
section engines "make bench-engines" "Firmware: galloc's benchmarks over every engine"
cat <<-'END'

	## Accepted baselines

	`make perf-check` holds counts that repeat exactly to those of the last row;
	`bench/perf/history.txt` says of each row why it was accepted.

	![Means of the counts over the first row](perf/history.svg)

END
sed 's/^/    /' "$(dirname "$0")/perf/history.txt"
