#!/bin/bash
# SPDX-License-Identifier: MIT
#
# x-programs.sh - real programs from Debian do real work under the library.
#
#	tests/process/x-programs.sh [-j N] [-c CONF] [-k] [-l] [NAME...]
#
# Each file programs/NAME.sh describes one program's work; inputs.bash there tells
# how. It is done twice in the same directory: without the library, then
# with it preloaded. The test passes if exit status, stdout, stderr and what its
# verify prints about the files that it made are the same, if no process is left
# behind, and if the statistics pages of the preloaded processes count at least
# as many allocations as the file states. The output is TAP, one test per file;
# one whose program is not installed is skipped (packages.txt names what Debian
# calls them).
#
#	-j N	N programs at a time (default: 2 where there are two processors)
#	-c CONF	further settings for QUERN_CONF, say policy:fixed
#	-k	keep what the runs left, and say where it is
#	-l	list the names, run nothing
#
# Environment: QUERN_SO is the library (default build/libquern.so), CC the
# compiler for read-stats.c. To see whether a failure is the allocator's or the
# test's own, name another allocator, which writes no statistics:
# NOSTATS=1 QUERN_SO=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
jobs=$(($(nproc) > 1 ? 2 : 1))
conf=
keep=
list=

die()
{
	echo "x-programs: $*" >&2
	exit 2
}

usage()
{
	sed -n 's/^#\t\(tests\/.*\)/usage: \1/p' "$here/x-programs.sh" >&2
	sed -n 's/^#\(\t-.*\)/\1/p' "$here/x-programs.sh" >&2
	exit 2
}

while getopts j:c:kl option; do
	case $option in
	j) jobs=$OPTARG ;;
	c) conf=$OPTARG ;;
	k) keep=1 ;;
	l) list=1 ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
[[ $jobs =~ ^[1-9][0-9]*$ ]] ||
	die "-j $jobs: give the number of programs to run at a time"

if [ $# = 0 ]; then
	set -- "$here"/../programs/*.sh
	set -- "${@##*/}"
	set -- "${@%.sh}"
fi
for name; do
	[ -r "$here/../programs/$name.sh" ] ||
		die "$name: no such test; '$0 -l' lists them"
done
if [ -n "$list" ]; then
	printf '%s\n' "$@"
	exit 0
fi

QUERN_SO=${QUERN_SO:-$root/build/libquern.so}
[ -r "$QUERN_SO" ] ||
	die "$QUERN_SO: no library there; run make, or let QUERN_SO name it"
QUERN_SO=$(realpath "$QUERN_SO")

scratch=$(mktemp -d "${TMPDIR:-/tmp}/quern-programs.XXXXXX") || exit 2
children=

# Every process of a test carries its directory in the environment, or, if it
# overwrote that to change its title, works somewhere below it.
processes_of()
{
	{
		grep -Elzs "^QUERN_TEST=$1(/|$)" /proc/[0-9]*/environ
		find /proc/[0-9]* -maxdepth 1 -name cwd -lname "$1/*" \
			2>/dev/null
	} | cut -d / -f 3 | grep -vx $$ | sort -u
}

# A zombie that nobody reaps has no environment and does not count.
leftovers()
{
	local i pids

	for i in 1 2 3 4 5 6 7 8 9 10; do
		pids=$(processes_of "$1")
		[ -n "$pids" ] || return 0
		sleep 0.2
	done
	for i in $pids; do
		echo "$i ($(cat "/proc/$i/comm" 2>/dev/null))"
	done
	kill -KILL $pids 2>/dev/null
}

cleanup()
{
	local pids

	trap - EXIT
	[ -z "$children" ] || kill $children 2>/dev/null
	pids=$(processes_of "$scratch")
	[ -z "$pids" ] || kill -KILL $pids 2>/dev/null
	wait 2>/dev/null
	if [ -n "$keep" ]; then
		echo "# kept: $scratch"
	else
		rm -rf "$scratch"
	fi
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# in_test FUNCTION [NAME=VALUE...] - call a function of the file in a fresh shell
in_test()
{
	local function=$1

	shift
	env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin \
		LC_ALL=C.UTF-8 TZ=UTC TERM=xterm SHELL=/bin/sh \
		USER=quern LOGNAME=quern HOME="$dir/home" \
		TMPDIR="$dir/tmp" SOURCE_DATE_EPOCH=0 IN="$dir/in" \
		QUERN_TEST="$dir" \
		timeout -k 5 "$limit" env "$@" bash --norc --noprofile -c '
			. "$0/inputs.bash" && . "$0/$1.sh" && $2' \
		"$here/../programs" "$name" "$function" </dev/null
}

# run_once KIND [NAME=VALUE...] - a run in a fresh directory; KIND.* is what it
# shows
run_once()
{
	local kind=$1

	shift
	mkdir "$dir/work" && cd "$dir/work" || return
	in_test run "$@" >"$dir/$kind.stdout" 2>"$dir/$kind.stderr"
	echo $? >"$dir/$kind.status"
	cd "$scratch" || return
	leftovers "$dir" >"$dir/$kind.leftovers"
	cd "$dir/work" || return
	if declare -F verify >/dev/null; then
		in_test verify >"$dir/$kind.files" 2>&1
	fi
	cd "$dir" && mv work "$kind.work"
}

# Why the reference run is no measure of anything, if so
reference_fault()
{
	local got

	got=$(cat "$dir/plain.status")
	if [ "$got" != "$status" ]; then
		echo "exit status $got without the library, $status expected"
	elif [ ! -s "$dir/plain.stdout" ]; then
		echo "printed nothing without the library"
	elif [ -s "$dir/plain.stderr" ]; then
		echo "complained without the library"
	elif [ -s "$dir/plain.leftovers" ]; then
		echo "left processes behind without the library"
	fi
}

preloaded_fault()
{
	local what

	for what in status stdout stderr files leftovers; do
		[ -e "$dir/plain.$what" ] || continue
		cmp -s "$dir/plain.$what" "$dir/preloaded.$what" && continue
		echo "$what differs with the library"
		[ "$(cat "$dir/preloaded.status")" != 124 ] ||
			echo "it took longer than $limit s"
		diff -a "$dir/plain.$what" "$dir/preloaded.$what" | head -n 12 |
			cut -c 1-160
		[ $what = stderr ] || head -n 4 "$dir/preloaded.stderr"
		return
	done
}

# Sums the programs that the file names; the shell around them and its helpers
# don't count. The page counts objects as they are handed to a thread, which may
# be up to a page full of each class before they are asked for.
count_allocs()
{
	local n processes changes failed program total=0

	while read -r n processes changes failed program; do
		[[ " $counts " = *" $program "* ]] && total=$((total + n))
	done <"$dir/allocations"
	echo "$total"
}

spaced()
{
	sed -E ':a; s/([0-9])([0-9]{3})($| )/\1 \2\3/; ta' <<<"$1"
}

# Adds the count to $figures, and what is wrong with it to $fault
check_stats()
{
	local total

	fault=$("$scratch/read-stats" "$dir/stats" 2>&1 >"$dir/allocations")
	[ -n "$fault" ] || [ -s "$dir/allocations" ] ||
		fault="the library wrote no statistics file"
	[ -z "$fault" ] || return
	total=$(count_allocs)
	figures="$(spaced "$total") allocations, $figures"
	[ "$total" -ge "$allocs" ] && return
	fault="counted $total allocations, fewer than $allocs"$'\n'
	fault+="allocations, processes, changes, failures, program:"$'\n'
	fault+=$(cat "$dir/allocations")
}

missing()
{
	local command

	for command in $needs; do
		command -v "$command" >/dev/null || echo "$command"
	done
}

# run_test NAME - all of one test, in a subshell; leaves a file verdict
run_test()
{
	local start absent fault figures
	local dir=$scratch/$1 name=$1
	local needs=$1 counts= allocs=100000 limit=120 status=0

	unset -f prepare run verify
	. "$here/../programs/inputs.bash"
	. "$here/../programs/$name.sh"
	counts=${counts:-$needs}
	absent=$(PATH=$PATH:/usr/sbin:/sbin missing)
	if [ -n "$absent" ]; then
		echo "ok NR - $name # SKIP not installed:" $absent \
			>"$dir/verdict"
		return
	fi
	mkdir "$dir/in" "$dir/home" "$dir/tmp" "$dir/stats"
	if declare -F prepare >/dev/null; then
		cd "$dir/in" || return
		if ! in_test prepare >"$dir/prepare.log" 2>&1; then
			fault="could not be prepared"$'\n'
			fault+=$(tail -n 5 "$dir/prepare.log")
		fi
	fi
	if [ -z "$fault" ]; then
		run_once plain
		fault=$(reference_fault)
		[ -z "$fault" ] || fault+=$'\n'$(tail -n 5 "$dir/plain.stderr")
	fi
	start=${EPOCHREALTIME/./}
	if [ -z "$fault" ]; then
		rm -rf "$dir/home" "$dir/tmp"
		mkdir "$dir/home" "$dir/tmp"
		run_once preloaded LD_PRELOAD="$QUERN_SO" \
			QUERN_CONF="stats:$dir/stats${conf:+,$conf}"
		fault=$(preloaded_fault)
	fi
	figures=$(((${EPOCHREALTIME/./} - start) / 100000))
	figures="$((figures / 10)).$((figures % 10)) s"
	if [ -z "$fault" ] && [ -z "$NOSTATS" ]; then
		check_stats
	fi
	if [ -n "$fault" ]; then
		echo "not ok NR - $name ($figures)"
		sed 's/^/# /' <<<"$fault"
	else
		echo "ok NR - $name ($figures)"
	fi >"$dir/verdict"
}

report()
{
	nr=$((nr + 1))
	if [ -r "$scratch/$1/verdict" ]; then
		sed "1s/NR/$nr/" "$scratch/$1/verdict"
	else
		echo "not ok $nr - $1"
		echo "# the test itself did not come to an end"
	fi
	grep -qs '^ok' "$scratch/$1/verdict" || failed=$((failed + 1))
	cat "$scratch/$1/allocations" >>"$scratch/sum" 2>/dev/null
	[ -n "$keep" ] || rm -rf "${scratch:?}/$1"
}

# finish_one - wait for any of the running tests and report it
finish_one()
{
	local pid

	wait -n -p pid $children
	children=$(sed "s/\b$pid\b//" <<<"$children")
	report "${name_of[$pid]}"
}

# What all processes together did, helpers and shells included
summary()
{
	awk '{ n += $1; p += $2; c += $3; f += $4 } END {
		printf "# %.0f allocations in %d processes, ", n, p
		printf "%d changes of tables, %d failed requests\n", c, f
	}' "$scratch/sum"
}

if [ -z "$NOSTATS" ]; then
	: >"$scratch/sum"
	${CC:-cc} -I"$root/lib" -o "$scratch/read-stats" \
		"$here/read-stats.c" ||
		die "cannot build read-stats.c: install gcc, or set CC"
fi

declare -A name_of
nr=0
failed=0
echo "1..$#"
for test; do
	while [ "$(wc -w <<<"$children")" -ge "$jobs" ]; do
		finish_one
	done
	mkdir "$scratch/$test"
	(trap - EXIT INT TERM HUP; run_test "$test") &
	children+=" $!"
	name_of[$!]=$test
done
while [ -n "${children// /}" ]; do
	finish_one
done
[ -n "$NOSTATS" ] || summary
echo "# $((nr - failed)) passed, $failed failed"
[ "$failed" = 0 ]
