#!/bin/bash
# SPDX-License-Identifier: MIT
#
# ports.sh - quern on other machines and with another C library: built by their compilers, its
# tests run by QEMU's user mode. It prints TAP, then a table: what was tested where.
#
#	ports.sh [PORT...]	all by default
#
# make check-ports runs it. All that it makes lies in ports/ of the build directory, and is made
# once. Compilers are Debian's; the rest comes from Debian's servers (root.sh). What is not
# there is skipped, with a word.

set -u
: "${srcdir:?run by make check-ports}" "${builddir:?run by make check-ports}"
. "$srcdir/tests/tap.sh"
here=$srcdir/tests/ports
make=${MAKE:-make}
export srcdir builddir
unset MAKEFLAGS MFLAGS MAKELEVEL CC CXX CFLAGS CXXFLAGS LD_PRELOAD QUERN_CONF QUERN_LIB QUERN_SO

# name, Debian's name, compiler, emulator, bytes of a page
rows='
aarch64 arm64 aarch64-linux-gnu qemu-aarch64 4096 65536
armhf armhf arm-linux-gnueabihf qemu-arm 4096
i386 i386 i686-linux-gnu qemu-i386 4096
musl
'
# To link with
libraries='libc6-dev libcmocka-dev libjansson-dev libstdc++6 libzstd-dev zlib1g-dev'
# To run under libquern.so: programs.sh
programs='bash gawk lua5.4 perl-base python3-minimal sqlite3'

table=()
note() # PORT, PAGES, WHAT, RESULT
{
	table+=("$(printf '%-8s %-6s %-28s %s' "$1" "$2" "$3" "$4")")
}

# The last lines of what a command said, where it failed
explain()
{
	[ ! -s "$dir/log" ] || tail -n 15 "$dir/log" | sed 's/^/#   /'
}

logged() # COMMAND...
{
	"$@" >"$dir/log" 2>&1
}

# --- building ---------------------------------------------------------------

configure() # ARGUMENT...
{
	mkdir -p "$dir/build" && cd "$dir/build" || return 1
	[ "$(cat configured 2>/dev/null)" = "$*" ] || {
		"$srcdir/configure" --disable-firmware "$@" && echo "$*" >configured
	} && $make -s Makefile
}

build() # TARGET...
{
	$make -s -C "$dir/build" -j "$(nproc)" V=0 "$@" && ! grep -B2 -A6 'warning:' "$dir/log"
}

# All of quern that a machine gets, but for what is built for other machines: plugins of compilers
products='$(lib_LIBRARIES) $(noinst_PROGRAMS) $(bin_PROGRAMS)'

list() # TEXT: of the Makefile
{
	$make -s -C "$dir/build" list-tests LIST="$1"
}

# What is linked with is what runs: both from the folder
cross_configure()
{
	configure --host="$triplet" CC="$triplet-gcc --sysroot=$root" \
		CXX="$triplet-g++ --sysroot=$root"
}

# --- running ----------------------------------------------------------------

# What QEMU's user mode does not show: limits of memory, sandboxes, huge pages, purges of what is not
# mapped; its own memory, faults and name count as the program's; it aborts in the child of a fork
# of threads. The last one expects few samples of the tests before it.
beyond_qemu='test_map_much|test_limit|test_sandbox|test_purge|test_make_huge'
beyond_qemu+='|test_agrees_with_kernel|test_zeroed_is_untouched|test_realloc_sparse|test_stats_file'
beyond_qemu+='|test_fork_of_threads|test_children_sample_for_themselves'

# One program of TAP, or of none: every case passes that can, and as many as planned ran. A
# program may have several plans.
run_test() # PROGRAM
{
	local status planned

	CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 5 1800 $emulate "$dir/build/$1" \
		>"$dir/log" 2>&1 </dev/null
	status=$?
	cases=$(grep -c '^ok' "$dir/log")
	left=$(grep -cE "^not ok .*( - ($beyond_qemu)\$|# SKIP)" "$dir/log")
	planned=$(sed -n 's/^1\.\.//p' "$dir/log" | paste -s -d +)
	[ $status = 0 ] || { [ "$left" -gt 0 ] && [ $status -lt 124 ]; } || return 1
	! grep -E '^not ok' "$dir/log" | grep -vqE " - ($beyond_qemu)\$|# SKIP" &&
		[ $((cases + left)) -ge $((${planned:-0})) ]
}

run_tests() # WHAT, PROGRAM...
{
	local what=$1 sum=0 beyond=0 failed=0 cases left result
	shift

	for program; do
		run_test "$program"
		result=$?
		ok "$name, $pages: ${program##*/}" $result
		failed=$((failed + (result != 0)))
		sum=$((sum + (cases > 0 ? cases : 1)))
		beyond=$((beyond + left))
	done
	note "$name" "$pages" "$what" \
		"$# programs, $failed failed; $sum cases, $beyond left out"
}

# --- the ports --------------------------------------------------------------

# One row: a machine of its own
port()
{
	name=$1 deb=$2 triplet=$3 emulator=$4
	shift 4
	dir=$builddir/ports/$name
	root=$builddir/ports/packages-$deb
	mkdir -p "$dir" || exit 99

	for tool in "$triplet-gcc" "$triplet-g++" "$emulator"; do
		command -v "$tool" >/dev/null && continue
		skip "$name" "there is no $tool (Debian: see tests/ports/packages.txt)"
		note "$name" - - "NOT TESTED: there is no $tool"
		return
	done
	"$here/root.sh" "$deb" "$root" $libraries $programs >"$dir/log" 2>&1 || {
		skip "$name" "no packages of $deb: $(tail -n 1 "$dir/log")"
		note "$name" - - "NOT TESTED: no packages of $deb"
		return
	}
	${HOST_CC:-cc} -shared -fPIC -o "$dir/emulator.so" "$here/emulator.c" -ldl || exit 99
	logged cross_configure
	result=$?
	unit=$(list "\$(heap_tests)") processes=tests/process/x-containers preload=
	has_process=$(list "\$(filter libquern.so,\$(noinst_PROGRAMS))")
	if [ -n "$has_process" ]; then
		unit=$(list "\$(cmocka_tests)")
		processes=$(list "\$(process_tests) \$(process_cxx_tests)" |
			tr ' ' '\n' | grep -vxE '.*/x-(spawn|exit|large)')
		preload="-E LD_PRELOAD=$dir/build/libquern.so"
	fi
	[ $result = 0 ] && logged build $(list "$products") $unit $processes
	result=$?
	ok "$name: configure, make" $result
	[ $result = 0 ] || {
		note "$name" - "make" "FAILED"
		return
	}
	note "$name" - "make" "no warnings${has_process:+; with libquern.so}"
	for bytes; do
		pages="$((bytes / 1024)) K"
		emulate="env LD_PRELOAD=$dir/emulator.so $emulator -L $root -p $bytes -U LD_PRELOAD"
		run_tests "unit, stress" $unit
		[ -z "$has_process" ] || {
			run_programs
			ok "$name, $pages: whole pages are purged" purges_whole_pages "$bytes"
		}
		emulate+=" $preload"
		run_tests "whole processes" $processes
	done
}

# What the emulator cannot tell: it takes a purge of a part of a page for none
purges_whole_pages() # BYTES
{
	$emulate $preload -strace "$dir/build/tests/process/x-family" 2>&1 >/dev/null </dev/null |
		sed -n 's/.*madvise(\(0x[0-9a-f]*\),\([0-9]*\),MADV_DONTNEED).*/\1 \2/p' \
			>"$dir/log"
	[ "$(wc -l <"$dir/log")" -gt 100 ] || return 1
	while read -r at size; do
		[ $((at % $1)) = 0 ] && [ $((size % $1)) = 0 ] || {
			echo "$at $size" >"$dir/log"
			return 1
		}
	done <"$dir/log"
}

# --- another C library ------------------------------------------------------

. "$here/musl.sh"
. "$here/programs.sh"

# --- all of it --------------------------------------------------------------

wanted=${*:-$(awk 'NF { print $1 }' <<<"$rows")}
for row in $wanted; do
	read -r -a row <<<"$(awk -v name="$row" '$1 == name' <<<"$rows")"
	case ${row[0]:-} in
	'') echo "ports.sh: no such port; there are $(awk 'NF { print $1 }' <<<"$rows" | xargs)"
		exit 2 ;;
	musl) port_musl ;;
	*) port "${row[@]}" ;;
	esac
done

echo "#"
note_head=$(printf '%-8s %-6s %-28s %s' port pages what result)
printf '# %s\n' "$note_head" "${table[@]}"
finish
