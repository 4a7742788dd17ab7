#!/bin/bash
# SPDX-License-Identifier: MIT
#
# keep.sh - runs a benchmark, shows what it prints, and keeps that for RESULTS.md.
#
#	keep.sh NAME COMMAND [ARGS]
#
# Run in the build directory. Standard output alone is kept, in bench/kept/NAME, with
# the date, the commit and the machine. A run that fails leaves the kept one as it was,
# and ends with the command's status.

set -o pipefail
name=${1:?keep.sh NAME COMMAND}
shift
here=$(cd "$(dirname "$0")" && pwd)
folder=bench/kept
new=$folder/.$name
mkdir -p "$folder" || exit

commit()
{
	local changed

	git -C "$here" rev-parse --short HEAD 2>/dev/null || {
		echo unknown
		return
	}
	changed=$(git -C "$here" status --porcelain -uno 2>/dev/null)
	[ -z "$changed" ] || echo "with changes"
}

machine()
{
	sed -n 's/^model name[ \t]*: //p' /proc/cpuinfo | head -n 1
	echo "$(nproc) processors"
}

joined()
{
	paste -s -d , - | sed 's/,/, /g'
}

{
	echo "date $(date +%Y-%m-%d)"
	echo "commit $(commit | joined)"
	echo "machine $(machine | joined)"
	echo
} >"$new" || exit
"$@" | tee -a "$new" || {
	status=$?
	rm -f "$new"
	exit $status
}
# Paths of this machine tell a reader nothing
sed -i "s|$PWD/||g" "$new" && mv "$new" "$folder/$name"
