#!/bin/bash
# SPDX-License-Identifier: MIT
#
# x-interrupt.sh - interrupts of quern's commands: they end by the signal, say so, keep
# what is worth something, and leave no file and no process behind.

. "$(dirname "$0")/../x.sh"
quern=${QUERN:-$top/build/quern}
firmware=$(dirname "$quern")/firmware
cd "$tmp" || exit 99

# Jobs have groups of their own then, and do not ignore SIGINT
set -m

says()
{
	grep -q -- "$2" "$1"
}

# await COMMAND: until it succeeds, ten seconds at most
await()
{
	for i in $(seq 200); do
		"$@" && return
		sleep 0.05
	done
}

# The last job gets a signal, and has ten seconds; its status
end_by() # SIGNAL
{
	local job=$! status

	kill -"$1" $job
	{ sleep 10; kill -KILL $job; } 2>/dev/null &
	local watch=$!
	disown $watch
	wait $job 2>/dev/null
	status=$?
	kill -KILL -$watch 2>/dev/null
	return $status
}

has_allocs()
{
	grep -q '^  calls *2,000,000 allocations'
}

# A trace of an interrupted program is whole; before and after it nothing stays behind
cat >many.c <<'END'
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *volatile p;

int main(int argc, char **argv)
{
	for (int i = 0; i < 2000000; i++) {
		free(p);
		p = malloc(100 + i % 50);
	}
	close(open("ready", O_CREAT | O_WRONLY, 0600));
	if (argc > 1 && !strcmp(argv[1], "wait"))
		pause();
	return 0;
}
END
must $cc $flags -o many many.c
record_gets() # SIGNAL PROGRAM...
{
	signal=$1
	shift
	rm -f ready k.qt k.qt.raw
	"$quern" record --zstd -o k.qt -- "$@" 2>err &
	await test -e ready
	end_by $signal
}
for one in "INT 130" "TERM 143" "HUP 129"; do
	set -- $one
	record_gets $1 ./many wait
	[ $? = $2 ] && [ ! -e k.qt.raw ] && ! pgrep -f "many wai[t]" >/dev/null &&
		"$quern" trace info k.qt | has_allocs
	ok "the trace of a program that SIG$1 ended" $?
	record_gets $1 ./many
	if [ $? = $2 ]; then
		[ ! -e k.qt ] && says err 'interrupted; .*k.qt.raw is a trace of it all' &&
			"$quern" trace info k.qt.raw | has_allocs
	else
		[ -e k.qt ] && [ ! -e k.qt.raw ]
	fi
	ok "SIG$1 while a trace is put in order" $?
	rm -f k.qt k.qt.raw
	"$quern" record -o k.qt -- ./many wait 2>err &
	sleep 0.01
	end_by $1
	[ $? = $2 ] && [ ! -e k.qt.raw ]
	ok "SIG$1 before the program" $?
done
if [ -r "$firmware/fit/fit-buddy.elf" ] &&
	command -v "${QEMU_SYSTEM_ARM:-qemu-system-arm}" >/dev/null; then
	# 200,000 calls take QEMU a while
	awk 'BEGIN { for (i = 1; i <= 100000; i++) { print i, 0, "malloc", i, 24
		print i, 0, "free", i } }' |
		"$quern" trace convert --from=text -o slow.qt -
	for one in "INT 130" "TERM 143" "HUP 129"; do
		set -- $one
		mkdir -p fits
			TMPDIR=$tmp/fits "$quern" fit --heap=128K slow.qt >out 2>err &
			await pgrep -f "qemu-system-arm.*$tmp/fits" >/dev/null
		end_by $1
		[ $? = $2 ] && says err 'interrupted; the answers so far' &&
			[ -z "$(ls fits)" ] && ! pgrep -f "$tmp/fit[s]" >/dev/null
		ok "SIG$1 ends fit and QEMU" $?
	done
else
	skip "interrupts of fit" "no QEMU, or no images"
fi

# ---- run ----

run_gets() # SIGNAL ARGUMENTS...
{
	local signal=$1
	shift
	rm -rf ready kept pages
	mkdir pages
	TMPDIR=$tmp/pages "$quern" run "$@" ./many wait >out 2>err &
	await test -e ready
	end_by $signal
}
for one in "INT 130" "TERM 143" "HUP 129"; do
	set -- $one
	run_gets $1 --report=kept --
	[ $? = $2 ] && says kept 'many .*was ended by signal' &&
		[ -z "$(ls pages)" ] && ! pgrep -f "many wai[t]" >/dev/null
	ok "SIG$1 ends a program under run, and the report is made" $?
	run_gets $1 --compare --engine=buddy --
	[ $? = $2 ] && says err "interrupted while the program ran on quern's own" &&
		[ -z "$(ls pages)" ] && ! pgrep -f "many wai[t]" >/dev/null
	ok "SIG$1 ends run --compare before the second run" $?
done
finish
