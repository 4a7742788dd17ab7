#!/bin/bash
# SPDX-License-Identifier: MIT
#
# soak.sh - make soak MINUTES=n: the heap under all that goes wrong at once, until the time is
# up or something failed. `make check` runs a few rounds.
#
#	soak.sh BUILD-FOLDER MINUTES|ROUNDSx [FIRST-SEED]
#
# A round is a seed. It runs the storm (storm.c) with settings drawn by the seed, once as it is,
# and then with a system call that fails each so many times (strace injects the error), and
# real programs whose output must be what it is without quern, as well under a system call
# that fails. What failed is printed with the command that repeats it.

set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?usage: soak.sh BUILD-FOLDER MINUTES [SEED]}" && pwd) || exit 99
much=${2:?usage: soak.sh BUILD-FOLDER MINUTES [SEED]}
seed=${3:-1}
lib=$build/libquern.so
storm=$build/tests/soak/storm
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
nr_rounds=0
nr_runs=0
nr_bad=0

# One of the words, by the seed and a salt
draw() # SALT WORDS...
{
	local salt=$1 n

	shift
	n=$(printf '%s %s' "$seed" "$salt" | cksum)
	shift $((${n%% *} % $#))
	echo "$1"
}

settings()
{
	draw conf policy:rule policy:bandit policy:dqn policy:fixed price:0.075 \
		price:7.5,helper:0 pressure:2 dirty:0 fence:64 fence:0 huge:1 \
		hints:0 live:1 price:0.075,pressure:2,policy:dqn
}

# What fails, and how: each so many calls from some call on
faults()
{
	draw fault mmap:error=ENOMEM munmap:error=ENOMEM madvise:error=EAGAIN \
		mremap:error=ENOMEM mprotect:error=ENOMEM \
		clone,clone3:error=EAGAIN openat:error=EMFILE
	echo "when=$(draw first 30 60 200)+$(draw step 2 3 7 19)"
}

# A program that hangs is a fault; a request that is refused is none, of which it may die
# with a message of its own
tell() # STATUS COMMAND...
{
	local status=$1

	shift
	nr_runs=$((nr_runs + 1))
	[ "$status" = 0 ] && return
	nr_bad=$((nr_bad + 1))
	echo "status $status: QUERN_CONF=$conf $*"
	sed 's/^/  /' "$tmp/err" | tail -n 5
}

under()
{
	QUERN_CONF=$conf LD_PRELOAD=$lib timeout -s KILL 120 "$@" \
		>"$tmp/out" 2>"$tmp/err" </dev/null
}

# strace keeps the malloc that it has; only the program gets the library
injected() # COMMAND...
{
	STORM_REFUSED=1 timeout -s KILL 120 strace -f -qq -o /dev/null \
		-e "trace=${fault%%:*}" \
		-e "inject=${fault%%:*}:${fault#*:}" \
		-E "LD_PRELOAD=$lib" -E "QUERN_CONF=$conf" "$@" \
		>"$tmp/out" 2>"$tmp/err" </dev/null
}

# Killed by a signal, which no lack of memory excuses; abort() of the C++ runtime's does
is_killed()
{
	[ "$1" -gt 128 ] && ! grep -qiE 'memory|bad_alloc|resource' "$tmp/err"
}

storms()
{
	local status

	under "$storm" "$seed" 500
	tell $? "LD_PRELOAD=$lib $storm $seed 500"
	[ -n "$has_strace" ] || return
	injected "$storm" "$seed" 300
	status=$?
	case $(cat "$tmp/err") in
	*'cannot start'*) [ $status != 1 ] || status=0 ;; # a thread was refused
	esac
	tell $status "strace -f -e inject=$fault -E LD_PRELOAD=$lib $storm $seed 300"
}

program()
{
	case $1 in
	python3) set -- python3 -c 'import json
print(sum(len(json.dumps([i] * 50)) for i in range(20000)))' ;;
	perl) set -- perl -e '$h{$_ % 997} .= $_ for 1 .. 200000;
print length(join ",", map { "$_$h{$_}" } sort keys %h), "\n"' ;;
	sqlite3) set -- sqlite3 :memory: 'with recursive n(i) as (select 1 union all
select i + 1 from n where i < 30000) select count(distinct hex(i * i)), sum(i) from n' ;;
	gawk) set -- gawk 'BEGIN { while (i++ < 100000) a[i % 500] = substr(a[i % 500] i, 1, 900)
n = asorti(a, b); print n, length(a[b[n]]) }' ;;
	esac
	command -v "$1" >/dev/null || return
	LD_PRELOAD= "$@" >"$tmp/want" 2>/dev/null </dev/null
	under "$@" && cmp -s "$tmp/out" "$tmp/want"
	tell $? "LD_PRELOAD=$lib $*"
	[ -n "$has_strace" ] || return
	injected "$@"
	local status=$?
	if [ $status = 0 ]; then
		cmp -s "$tmp/out" "$tmp/want"
		status=$?
	elif ! is_killed $status; then
		status=0
	fi
	tell $status "strace -f -e inject=$fault -E LD_PRELOAD=$lib $*"
}

has_strace=
! strace -qq -o /dev/null -e trace=none true 2>/dev/null || has_strace=1
[ -n "$has_strace" ] ||
	echo "no strace that may trace, so no system call fails (Debian: apt-get install strace)"
[ -x "$storm" ] || {
	echo "$storm is missing: run make check, or make soak" >&2
	exit 99
}
end=$(($(date +%s) + ${much%x} * 60))
while
	case $much in
	*x) [ $nr_rounds -lt "${much%x}" ] ;;
	*) [ "$(date +%s)" -lt $end ] ;;
	esac
do
	conf=$(settings)
	fault=$(faults | paste -s -d :)
	storms
	program "$(draw program python3 perl sqlite3 gawk)"
	seed=$((seed + 1))
	nr_rounds=$((nr_rounds + 1))
done
echo "$nr_rounds rounds, $nr_runs runs, $nr_bad failed"
[ $nr_bad = 0 ]
