#!/bin/bash
# SPDX-License-Identifier: MIT
#
# kernel.sh - rows of faults.sh that set a whole machine: they run in User Mode Linux, which sees
# this machine's files and may write none.
#
#	kernel.sh BUILD-FOLDER LIBRARY	starts it and prints what it prints
#	kernel.sh			as its first process
#
# Lines that begin with @ are for faults.sh.

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)

if [ $# = 2 ]; then
	timeout -s KILL 600 linux.uml root=/dev/root rootfstype=hostfs rootflags=/ ro mem=512M \
		init="$here/kernel.sh" "KERNEL_BUILD=$1" "KERNEL_LIB=$2" \
		con=null con0=fd:0,fd:1 quiet </dev/null
	exit
fi

build=$KERNEL_BUILD lib=$KERNEL_LIB
trouble=$build/tests/faults/trouble
is_short=
PATH=/usr/local/bin:/usr/bin:/bin
export PATH
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /run
tmp=/run
. "$here/run.sh"
. "$here/rest.sh"
only='  '

tell() # FAULT PROGRAMS
{
	printf '@ %-44s %-28s %5d %8d %6d\n' "$1" "$2" "$runs" "$refused" "$failed"
}

# What the kernel has promised to processes, in KB
promised()
{
	awk '$1 == "Committed_AS:" { print $2 }' /proc/meminfo
}

# So much more than now may be promised to who is no administrator; the shell is one
promise() # KB
{
	local reserve=100000

	echo $reserve >/proc/sys/vm/admin_reserve_kbytes
	echo $(($(promised) + reserve + $1)) >/proc/sys/vm/overcommit_kbytes
}

# Every page is counted as soon as it is asked for: MAP_NORESERVE means nothing
overcommit()
{
	local program kb common='setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin'

	echo 0 >/proc/sys/vm/user_reserve_kbytes
	begin
	for program in $programs; do
		command_of "$program"
		expect "$program"
		echo 2 >/proc/sys/vm/overcommit_memory
		for kb in 1000 2000 3000 5000 8000 12000 20000 40000 80000 160000; do
			promise $kb
			attempt "$program" $common env "LD_PRELOAD=$lib" "${command[@]}"
		done
		echo 0 >/proc/sys/vm/overcommit_memory
	done
	tell 'overcommit 2' "$programs"
	begin
	command_of fill
	expect_right fill
	echo 2 >/proc/sys/vm/overcommit_memory
	for kb in 50000 100000; do
		promise $kb
		must_do fill $common env "LD_PRELOAD=$lib" "${command[@]}"
	done
	echo 0 >/proc/sys/vm/overcommit_memory
	tell 'overcommit 2, exhausted, freed, exhausted' fill
}

# With so little memory the kernel ends it, of which nobody can tell; with what it needs with the
# C library's malloc and a quarter more it comes through
cgroup()
{
	local program group=/sys/fs/cgroup/limited peak

	echo +memory >/sys/fs/cgroup/cgroup.subtree_control
	mkdir $group
	begin
	for program in $programs; do
		command_of "$program"
		expect "$program"
		peak=$(least_of "$program" '')
		echo $((peak * 5 / 4 + 2000))K >$group/memory.max
		must_do "$program" bash -c 'echo $$ >"$0"; exec "$@"' $group/cgroup.procs env \
			"LD_PRELOAD=$lib" "${command[@]}"
	done
	tell 'memory cgroup, 5/4 of what glibc needs' "$programs"
}

# The smallest limit under which it ends right, in KB and within an eighth
least_of() # PROGRAM LIBRARY
{
	local low=1000 high=64000 middle

	while [ $((high * 8)) -gt $((low * 9)) ]; do
		middle=$(((low + high) / 2))
		echo ${middle}K >$group/memory.max
		if bash -c 'echo $$ >"$0"; exec "$@"' $group/cgroup.procs env "LD_PRELOAD=$2" \
			timeout 60 "${command[@]}" 2>/dev/null </dev/null |
			cmp -s - "$tmp/want.$1"; then
			high=$middle
		else
			low=$middle
		fi
	done
	echo $high
}

begin
overcommit
cgroup
echo @end
echo o >/proc/sysrq-trigger
sleep 20
