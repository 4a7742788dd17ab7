#!/bin/bash
# SPDX-License-Identifier: MIT
#
# x-run.sh - the command from outside: quern run, quern demo, quern help.
#
# Checks that a program cannot tell who runs it (streams, exit status, signals,
# job control, descriptors), that the report says what happened, however the
# program ended and whatever it started, and that every wrong request ends in a
# message and a status of its own before the program is started.
#
# The output is TAP. QUERN names the command (default build/quern); the library is
# the one beside it.

root=$(cd "$(dirname "$0")/../.." && pwd)
quern=${QUERN:-$root/build/quern}
[ -x "$quern" ] || {
	echo "x-run: $quern: no command there; build it first, or let QUERN name it" >&2
	exit 2
}
quern=$(realpath "$quern")
unset QUERN_CONF LD_PRELOAD
scratch=$(mktemp -d "${TMPDIR:-/tmp}/quern-x-run.XXXXXX") || exit 2
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
python=$(command -v /usr/bin/python3 || command -v python3)
. "$root/tests/tap.sh"

explain()
{
	echo "# stdout:"; sed 's/^/#   /' out
	echo "# stderr:"; sed 's/^/#   /' err
} 2>/dev/null

# run ARGS...: quern run, into out, err and status
run()
{
	"$quern" run "$@" >out 2>err
	status=$?
}

says()
{
	grep -qF -e "$1" err
}

# ---- streams and status ----

stdout_is_untouched()
{
	head -c 300000 /dev/urandom >in
	"$quern" run -- sh -c 'cat; echo problem >&2' <in >out 2>err &&
		cmp in out && [ "$(head -n 1 err)" = problem ] &&
		says "quern: sh (pid "
}
ok "input and output pass byte for byte" stdout_is_untouched

all_statuses_pass()
{
	local i
	for i in 0 1 2 3 77 124 125 126 127 128 130 255; do
		run -- sh -c "exit $i"
		[ $status = $i ] && says "exited with status $i" || return 1
	done
}
ok "every exit status passes" all_statuses_pass

# died SIGNAL PROGRAM...: quern itself ends by that signal
died()
{
	local signal=$1
	shift
	"$python" - "$signal" "$quern" run -- "$@" 2>err <<-'END'
		import signal, subprocess, sys
		done = subprocess.run(sys.argv[2:])
		sys.exit(done.returncode != -getattr(signal, sys.argv[1]))
	END
}

dies_by_the_same_signal()
{
	local s
	for s in TERM KILL SEGV ABRT HUP PIPE USR1; do
		died SIG$s sh -c "kill -$s \$\$" && says "was ended by signal" &&
			says "last known" || return 1
	done
}
if [ -n "$python" ]; then
	ok "the command ends by the program's signal, after the report" \
		dies_by_the_same_signal
fi

no_second_core()
{
	mkdir -p cores && cd cores && ulimit -c unlimited && exec 2>/dev/null
	"$quern" run -- sh -c 'ulimit -c 0; kill -SEGV $$' >/dev/null 2>&1
	[ $? = 139 ] && [ -z "$(ls)" ]
}
ok "no core dump of the command's own" eval '(no_second_core)'

sees_what_it_sees_alone()
{
	local probe='ls -l /proc/self/fd | sed "s/.* \([0-9]* ->\)/\1/; s/[0-9]*$//" | grep -c . ;
		grep -E "^Sig(Blk|Ign|Cgt)" /proc/self/status; ulimit -a; umask; tty'
	trap '' USR2
	sh -c "$probe" </dev/null >alone 2>/dev/null
	"$quern" run -- sh -c "$probe" </dev/null >out 2>/dev/null
	trap - USR2
	cmp alone out
}
ok "descriptors, signal mask, limits are those it has alone" \
	sees_what_it_sees_alone

works_without_streams()
{
	"$quern" run -- sh -c 'exit 5' >&- 2>&- <&-
	[ $? = 5 ] || return 1
	"$quern" run --report=r -- sh -c 'echo lost >&2; exit 6' 2>&- <&-
	[ $? = 6 ] && grep -q "quern: sh" r && ! grep -q lost r
}
ok "closed standard streams do no harm" works_without_streams

works_when_children_are_ignored()
{
	timeout -k 1 20 perl -e '$SIG{CHLD} = "IGNORE"; exec @ARGV' \
		"$quern" run -- sh -c 'exit 9' 2>err
	[ $? = 9 ]
}
ok "an inherited SIGCHLD that is ignored does no harm" \
	works_when_children_are_ignored

# ---- signals ----

await_file()
{
	local i
	for i in $(seq 100); do
		[ -s "$1" ] && return
		sleep 0.1
	done
	return 1
}

forwards()
{
	local signal=$1
	rm -f ready
	"$quern" run -- bash -c "trap 'echo got $signal; exit 7' $signal
		echo yes >ready; for i in {1..200}; do sleep 0.05; done" >out 2>err &
	await_file ready && kill -"$signal" $!
	wait $!
	[ $? = 7 ] && [ "$(cat out)" = "got $signal" ] && says "status 7"
}
forwards_all()
{
	# bash starts jobs with INT and QUIT ignored unless it controls jobs
	local s
	set -m
	for s in TERM HUP INT QUIT USR1 USR2 ALRM WINCH RTMIN+3; do
		forwards $s || { set +m; return 1; }
	done
	set +m
}
ok "signals sent to the command reach the program once" forwards_all

terminal()
{
	"$python" - "$quern" >out 2>err <<-'END'
		import os, pty, re, select, signal, sys, time

		def expect(fd, pattern, seconds=20):
		    text, end = b"", time.time() + seconds
		    while not re.search(pattern, text):
		        left = end - time.time()
		        if left <= 0 or not select.select([fd], [], [], left)[0]:
		            sys.exit("no %r in %r" % (pattern, text))
		        try:
		            text += os.read(fd, 4096)
		        except OSError:
		            sys.exit("end before %r in %r" % (pattern, text))
		    return text

		# ^C while the command sleeps: what it sent on would arrive second
		counter = """import os, signal as s
		s.pthread_sigmask(s.SIG_BLOCK, {s.SIGINT})
		print("by", os.getppid(), ".", flush=True)
		n = 0
		while s.sigtimedwait({s.SIGINT}, 2):
		    n += 1
		    print("INT", flush=True)
		print("got", n)"""
		pid, fd = pty.fork()
		if not pid:
		    os.execl(sys.argv[1], "quern", "run", "--", sys.executable, "-c",
		             counter.replace("\t", ""))
		quern = int(re.search(rb"by (\d+) \.", expect(fd, rb"by \d+ \."))[1])
		os.kill(quern, signal.SIGSTOP)
		os.write(fd, b"\x03")
		expect(fd, b"INT")
		os.kill(quern, signal.SIGCONT)
		expect(fd, b"got 1\r(.|\n)*status 0")
		os.waitpid(pid, 0)

		pid, fd = pty.fork()
		if not pid:
		    os.environ["PS1"] = "ready> "
		    os.execlp("bash", "bash", "--norc", "--noprofile", "-i")
		quern = sys.argv[1].encode()
		expect(fd, b"ready> ")
		os.write(fd, quern + b" run -- sh -c 'echo b''egun; exec cat'\n")
		expect(fd, b"begun")
		os.write(fd, b"first\n")
		expect(fd, b"first\r\nfirst")
		os.write(fd, b"\x1a")
		expect(fd, b"Stopped(.|\n)*ready> ")
		os.write(fd, b"fg\n")
		expect(fd, b"fg\r\n(.|\n)*cat")
		os.write(fd, b"second\n")
		expect(fd, b"second\r\nsecond")
		os.write(fd, b"\x04")
		expect(fd, b"sh [(]pid [0-9]+[)] exited with status 0")
		os.write(fd, b"exit\n")
		os.waitpid(pid, 0)
	END
}
if [ -n "$python" ]; then
	ok "^C, ^Z and fg work as without the command" terminal
fi

# ---- the report ----

fits_one_screen()
{
	[ "$(wc -l <"$1")" -le 24 ] && [ "$(wc -L <"$1")" -le 80 ]
}

report_is_complete()
{
	local word
	local program='my %h; $h{$_} = "x" x ($_ % 500) for 1 .. 100000;
		print scalar(keys %h), "\n"'
	run -- perl -e "$program"
	[ "$(cat out)" = 100000 ] && fits_one_screen err || return 1
	for word in "exited with status 0" "took  " CPU "memory  " \
		"outside of the heap" allocations "in use at most" HEAP "at its peak" \
		"at exit" "in use by the program" "lost by rounding" "pinned by" \
		"kept for reuse" "dirty:0 returns it" "quern itself" "measuring  "; do
		says "$word" || return 1
	done
	! says "object size" || return 1
	run --details -- perl -e "$program"
	for word in "kept for reuse" internal external dirty metadata "object size" \
		"of bytes" "controller  policy rule" "returned  "; do
		says "$word" || return 1
	done
}
ok "the report holds what it should, on one screen" report_is_complete

survives_exit()
{
	run -- perl -e 'use POSIX; my @a = map { "x" x 300 } 1 .. 50000; POSIX::_exit(3)'
	[ $status = 3 ] && says "status 3" && says "last known" &&
		says "in use by the program"
}
ok "the report survives _exit" survives_exit

report_goes_to_file()
{
	echo "old text that is much longer than nothing" >report
	run --report report -- sh -c 'echo hello; exit 2'
	[ $status = 2 ] && [ "$(cat out)" = hello ] && [ ! -s err ] &&
		[ "$(head -c 10 report)" = "quern: sh " ] && ! grep -q old report
}
ok "--report writes a file instead" report_goes_to_file

report_follows_output()
{
	"$quern" run --report=/dev/stdout -- echo hello >out 2>err
	[ "$(head -n 1 out)" = hello ] && grep -q '^quern: echo' out && [ ! -s err ]
}
ok "--report=/dev/stdout keeps what the program wrote" report_follows_output

json_is_valid()
{
	run --json -- sh -c 'perl -e 1; exit 3'
	[ $status = 3 ] || return 1
	"$python" - err <<-'END'
		import json, sys
		r = json.load(open(sys.argv[1]))
		assert r["format"] == 1 and r["status"] == {"exit": 3, "signal": None}
		assert r["command"][0] == "sh" and r["library_loaded"] is True
		assert r["wall_seconds"] > 0 and r["peak_resident"] > 0
		(heap,) = r["heaps"]
		assert heap["processes"] == 2 and heap["allocations"] > 100
		use = heap["at_end"]
		assert use["resident"] == sum(use[k] for k in
		    ("live", "external", "dirty", "metadata"))
		entries = heap["table"]["entries"]
		assert sum(e["allocations"] for e in entries) == heap["allocations"]
		assert heap["controller"]["policy"] == "rule"
		assert heap["peak_live"] >= use["live"] >= (use["internal"] or 0)
	END
}
json_takes_any_argument()
{
	run --json -- sh -c 'exit 0' "$(printf 'a\377b')" && "$python" -c '
import json; assert json.load(open("err"))["command"][3] == "a?b"'
}
if [ -n "$python" ]; then
	ok "--json writes valid JSON with sound figures" json_is_valid
	ok "--json takes arguments that are no UTF-8" json_takes_any_argument
fi

# build PROGRAM: of the C that stands on standard input
build()
{
	cat >"$1.c" && ${CC:-cc} -O1 -fno-builtin -o "$1" "$1.c" -lpthread
}

# field EXPRESSION: of the first heap of the report as JSON, in err
field()
{
	"$python" -c '
import json, sys
heap = json.load(open("err"))["heaps"][0]
print(eval("(%s)" % sys.argv[1]))' "$1"
}

# counts ARGS...: the report of ./asks, which is the same for all of them
counts()
{
	run --json -- ./asks "$@"
	[ "$(field 'heap["allocations"], heap["allocations_exact"]')" = "$(cat out)" ]
}

# What it prints is what it did: how many blocks, whatever became of them
build asks <<-'END'
	#include <pthread.h>
	#include <signal.h>
	#include <stdio.h>
	#include <stdlib.h>
	#include <string.h>
	#include <unistd.h>

	static int n;

	static void *ask(void *keep)
	{
		void *last = NULL;

		for (int i = 0; i < n; i++) {
			free(last);
			last = malloc(1 + i % 700 + (i % 50 ? 0 : 9000));
			if (keep)
				last = NULL;
		}
		free(last);
		return NULL;
	}

	int main(int argc, char **argv)
	{
		const char *how = argc > 2 ? argv[2] : "";

		static char room[64];

		n = atoi(argv[1]);
		setvbuf(stdout, room, _IOFBF, sizeof(room));
		ask(strstr(how, "keep") ? &n : NULL);
		printf("(%d, True)\n", n);
		fflush(stdout);
		if (strstr(how, "killed"))
			kill(getpid(), SIGKILL);
		if (strstr(how, "_exit"))
			_exit(0);
		return 0;
	}
END
small_programs_are_counted()
{
	local n how
	for n in 1 10 33 219 1000 3000; do
		for how in "" keep killed _exit; do
			counts $n $how || return 1
		done
	done
}
large_programs_are_counted()
{
	counts 50000 && counts 50000 keep || return 1
	# What is not known is marked
	run -- ./asks 50000 killed
	says "; about " && says "calls       about " || return 1
	run --json -- ./asks 50000 killed
	[ "$(field '45000 < heap["allocations"] < 55000 and
		not heap["allocations_exact"]')" = True ]
}
peak_is_of_its_moment()
{
	run --json -- ./asks 3000 keep
	[ "$(field 'heap["peak_live"] == heap["at_peak"]["live"] and
		heap["peak_live_exact"]')" = True ] || return 1
	run --json -- ./peaks
	[ "$(field 'heap["at_peak"]["live"]')" = 24000 ] &&
		[ "$(field 'heap["at_peak"]["dirty"]')" = 0 ] &&
		[ "$(field 'heap["at_resident_peak"]["resident"] >=
			heap["at_peak"]["resident"]')" = True ] &&
		[ "$(field 'heap["at_end"]["live"]')" = 0 ]
}
build peaks <<-'END'
	#include <stdlib.h>

	int main(void)
	{
		void *p[500];

		for (int i = 0; i < 500; i++)
			p[i] = malloc(48);
		for (int i = 0; i < 500; i++)
			free(p[i]);
		return 0;
	}
END
nothing_is_told_of_nothing()
{
	run -- ./asks 10
	says "calls       10 allocations;" || return 1
	! grep -qE " 0 +0\.0 %| 0 calls|^measuring|  -( |$)|\?|ADVICE" err
}
if [ -n "$python" ]; then
	ok "allocations of small programs are exact, however they end" \
		small_programs_are_counted
	ok "those of larger ones are if they come to their end, else marked" \
		large_programs_are_counted
	ok "the peak is told as it was when most was live" peak_is_of_its_moment
fi
ok "a small program's report has no rows and columns of zeros" \
	nothing_is_told_of_nothing

# ---- standard streams by name, and what they do not take ----

traces=$root/tests/traces

report_goes_to_standard_output()
{
	run --report=- -- echo hello
	[ "$(head -n 1 out)" = hello ] && grep -q "^quern: echo" out &&
		[ ! -s err ] && [ ! -e ./- ] || return 1
	run --json --report - -- echo hello
	grep -q '"format": 1' out && [ ! -e ./- ]
}
ok "--report=- is standard output" report_goes_to_standard_output

# the same OUTPUT of COMMAND... for a file, for what is piped in, for a FIFO
same_from()
{
	"$quern" "$@" "$traces/gawk.trace" >want 2>err &&
		"$quern" "$@" - <"$traces/gawk.trace" >got 2>err &&
		cat "$traces/gawk.trace" | "$quern" "$@" - >piped 2>err ||
		return 1
	sed -i '1s,^\(standard input\|[^ ]*\):,T:,' want got piped
	[ -s want ] && cmp want got && cmp want piped
}
traces_come_from_standard_input()
{
	same_from trace info && same_from trace histogram &&
		same_from trace convert --to=text &&
		same_from trace convert --to=trace -o - &&
		same_from trace cut --heap=4K -o - || return 1
	cat "$traces/gawk.trace" | "$quern" replay --count=none - >out &&
		grep -q "calls  " out || return 1
	"$quern" trace convert --to=text "$traces/gawk.trace" |
		"$quern" trace convert --from=text -o - - |
		"$quern" trace info /dev/stdin >out && grep -q allocations out &&
		[ ! -e ./- ] || return 1
	"$quern" record -o - -- perl -e 1 2>err | "$quern" trace info - >out &&
		grep -q perl out && [ ! -e ./-.raw ] && [ ! -e ./- ]
}
ok "traces are read from and written to -" traces_come_from_standard_input

# complains COMMAND...: about a standard output that takes nothing
complains()
{
	"$quern" "$@" >/dev/full 2>err </dev/null
	[ $? = 125 ] && says "quern: cannot write to standard output: No space"
}
errors_of_output_are_noticed()
{
	complains --version && complains --help && complains help run &&
		complains run --help &&
		complains trace info "$traces/gawk.trace" &&
		complains trace histogram --csv "$traces/gawk.trace" &&
		complains trace convert --to=text "$traces/gawk.trace" &&
		complains replay --count=none "$traces/gawk.trace" || return 1
	"$quern" trace convert --to=trace -o - "$traces/gawk.trace" >/dev/full 2>err
	[ $? = 125 ] || return 1
	"$quern" run --report=- -- true >/dev/full 2>err
	says "cannot write the report"
}
[ ! -c /dev/full ] || ok "what cannot be written is said at the end" \
	errors_of_output_are_noticed

libc_is_charged_its_own()
{
	# 112 bytes a block by arithmetic
	awk 'BEGIN { for (i = 1; i <= 100000; i++) print i, 0, "malloc", i, 104 }' |
		"$quern" trace convert --from=text -o - - |
		"$quern" replay --count=none --engine=libc - >out 2>err
	awk '$1 == "peak" { sub(/%/, ""); share = $NF }
		END { exit share < 100 || share > 118 }' out
}
ok "replay --engine=libc does not count the command's own memory" \
	libc_is_charged_its_own

# ---- interrupts ----

demo_is_interrupted()
{
	mkdir -p demos
	set -m
	TMPDIR=$scratch/demos "$quern" demo --rounds=90 >out 2>err &
	set +m
	sleep "$1"
	kill -INT -$!
	wait $!
	[ $? = 130 ] && says "quern: interrupted" && ! says "was ended" &&
		! says failed && [ -z "$(ls demos)" ]
}
demo_is_interrupted_anywhere()
{
	demo_is_interrupted 0.3 && demo_is_interrupted 2
}
if [ -x /usr/bin/sqlite3 ] || [ -x /usr/bin/gawk ]; then
	ok "an interrupt of the demonstration is told as that" \
		demo_is_interrupted_anywhere
fi

replay_is_interrupted()
{
	awk 'BEGIN { for (i = 1; i <= 600000; i++) print i, 0, "malloc", i, 104 }' |
		"$quern" trace convert --from=text -o long.trace - || return 1
	for one in "INT 130" "TERM 143" "HUP 129"; do
		set -- $one
		set -m
		"$quern" replay --count=none --touch --engine=freelist long.trace >out 2>err &
		set +m
		sleep 0.1
		kill -$1 $!
		wait $!
		[ $? = $2 ] && says "quern: interrupted" && grep -q "calls " out ||
			return 1
	done
}
ok "an interrupted replay says how far it came" replay_is_interrupted

# ---- what the program starts ----

children_are_summed()
{
	run -- bash -c 'perl -e 1; perl -e 1; (:); :'
	says "processes   4, with 2 execs" && fits_one_screen err &&
		[ "$(grep -c '^quern:' err)" = 1 ]
}
ok "children are added up" children_are_summed

children_are_listed()
{
	run --children=each -- bash -c 'perl -e 1; perl -e 1; :'
	[ "$(grep -c '^quern: perl ' err)" = 2 ] &&
		[ "$(head -n 1 err | cut -c1-12)" = "quern: bash " ]
}
ok "--children=each reports each of them" children_are_listed

children_are_left_out()
{
	run --children=none -- bash -c 'perl -e 1; perl -e 1; :'
	! says processes && [ "$(grep -c '^quern:' err)" = 1 ]
}
ok "--children=none leaves them out" children_are_left_out

exec_is_followed()
{
	run --children=each -- sh -c 'exec perl -e "my @a = (1 .. 1e5); exit 4"'
	[ $status = 4 ] && says "became another program" || return 1
	run --children=none --json -- sh -c 'exec perl -e "my @a = (1 .. 1e5)"'
	grep -q '"program": "perl"' err
}
ok "a program that execs another is followed" exec_is_followed

many_children_are_counted()
{
	run -- bash -c 'for i in {1..300}; do /bin/true; done; sleep 1.2
		for i in {1..40}; do /bin/true; done'
	# On a slow machine a program that is about to be replaced may be taken
	# for one that has ended: then it counts once more, and an exec less
	awk '$1 == "processes" { sum = $2 + $4 } END { exit sum != 342 + 341 }' \
		err
}
ok "hundreds of children are all counted" many_children_are_counted

runaways_are_mentioned()
{
	run -- sh -c 'sleep 30 >/dev/null 2>&1 & echo $!; sleep 0.3'
	kill "$(cat out)"
	says "; 1 still running"
}
ok "what outlives the program is mentioned" runaways_are_mentioned

late_children_are_silent()
{
	rm -f go late
	run -- sh -c '(until [ -e go ]; do sleep 0.1; done; /bin/true; echo >late) &'
	touch go
	await_file late && [ "$(grep -c "cannot make" err)" = 0 ]
}
ok "what outlives the run does not complain" late_children_are_silent

# ---- programs that do not load the library ----

static_program_is_explained()
{
	run -- ./static
	[ $status = 3 ] && says "linked statically" && ! says allocations
}
if echo 'int main(void) { return 3; }' >static.c &&
	${CC:-cc} -static -o static static.c 2>/dev/null; then
	ok "a static program is explained" static_program_is_explained
else
	skip "a static program is explained" "no static C library"
fi

musl_program_is_explained()
{
	run -- ./for-musl
	[ $status = 3 ] && [ "$(cat out)" = ran ] && says "C library musl" &&
		! says relocating && ! says allocations || return 1
	"$quern" record -o musl.trace -- ./for-musl >out 2>err
	[ $? = 3 ] && says "C library musl" && ! says relocating
}
if echo 'int puts(const char *); int main(void) { puts("ran"); return 3; }' \
	>for-musl.c && musl-gcc -o for-musl for-musl.c 2>/dev/null; then
	ok "a program for musl runs and is explained" musl_program_is_explained
else
	skip "a program for musl runs and is explained" "no musl-gcc"
fi

setuid_program_is_explained()
{
	run -- ./changes-user
	says "changes its user" && ! says allocations
}
if [ "$(id -u)" = 0 ] && cp /bin/true changes-user &&
	chown 65534 changes-user && chmod 4755 changes-user &&
	! findmnt -no OPTIONS -T . 2>/dev/null | grep -q nosuid; then
	ok "a set-user-ID program is explained" setuid_program_is_explained
else
	skip "a set-user-ID program is explained" "needs root"
fi

cleared_environment_is_explained()
{
	run -- env -i /bin/true
	[ $status = 0 ] || return 1
	# env itself was loaded; what it became was not
	says "quern: env "
}
ok "a cleared environment does no harm" cleared_environment_is_explained

# ---- the environment ----

environment_is_kept()
{
	local libm
	libm=$(ldconfig -p 2>/dev/null | sed -n 's/.*libm\.so\.6.* => //p' | head -n 1)
	[ -n "$libm" ] || libm=libm.so.6
	LD_PRELOAD=$libm QUERN_CONF=dirty:1M HELLO=there \
		"$quern" run -- sh -c 'echo "$LD_PRELOAD"; echo "$QUERN_CONF$HELLO"' \
		>out 2>err
	grep -q "libquern.so:$libm\$" out &&
		grep -q '^dirty:1M,stats:/.*there$' out
}
ok "LD_PRELOAD and QUERN_CONF are kept and extended" environment_is_kept

nothing_is_left()
{
	run -- sh -c 'echo "$QUERN_CONF"'
	local dir
	dir=$(sed 's/^stats://' out)
	[ -n "$dir" ] && [ ! -e "$dir" ]
}
ok "the directory of the statistics is removed" nothing_is_left

own_directory_is_used()
{
	mkdir -p pages
	echo rubbish >pages/1.qstat
	run --conf "stats:$scratch/pages" -- perl -e 1
	[ "$(ls pages | wc -l)" = 2 ] && says "exited" && says "1.qstat is"
}
ok "a directory of one's own is used and kept" own_directory_is_used

falls_back_to_tmpdir()
{
	mkdir -p "pages,with comma"
	TMPDIR="$scratch/pages,with comma" \
		"$quern" run -- sh -c 'exit 3' >out 2>err
	[ $? = 3 ] && says "in use at most"
}
ok "an odd TMPDIR does no harm" falls_back_to_tmpdir

nested_runs_work()
{
	run -- "$quern" run -- sh -c 'exit 6'
	[ $status = 6 ] && [ "$(grep -c 'exited with status 6' err)" = 2 ] &&
		! says "no heap"
}
ok "quern run under quern run reports twice" nested_runs_work

# ---- settings ----

table_changes_under_load()
{
	local work='my @a; for my $i (1 .. 60000) { push @a, "x" x 900;
		shift @a if @a > 20000 } print scalar @a'
	run --details --policy rule -- perl -e "$work"
	[ "$(cat out)" = 20000 ] && says "got a size of its own" &&
		grep -q "table [2-9]" err && grep -q '^ .* \* ' err || return 1
	run --details --policy=fixed -- perl -e "$work"
	says "policy fixed: no changes" && says "table 1 "
}
ok "the table changes under load, and not where it is fixed" \
	table_changes_under_load

# ---- wrong requests ----

# refuses STATUS MESSAGE ARGS...: and the program does not run
refuses()
{
	local want=$1 message=$2
	shift 2
	rm -f started
	run "$@"
	[ $status = "$want" ] && says "quern: " && says "$message" &&
		[ "$(wc -l <err)" = 1 ] && [ ! -e started ] && [ ! -s out ]
}
touch plain && chmod 644 plain
printf '#!/no/such/interpreter\n' >script && chmod 755 script
mkdir -p "a dir" && cp "$(dirname "$quern")/libquern.so" "a dir/" 2>/dev/null
start="touch started"
ok "no program" refuses 125 "run needs a program"
ok "unknown option" refuses 125 "no option '--colour'" --colour -- $start
ok "unknown short option" refuses 125 "no option '-x'" -x $start
ok "option without its value" refuses 125 "--report needs a value" --report
ok "option with a value too many" refuses 125 "takes no value" --json=1 -- $start
ok "wrong --children" refuses 125 "sum, each or none" --children=some $start
ok "wrong policy" refuses 125 "chaos" --policy=chaos -- $start
ok "wrong engine" refuses 125 "allowed: quern, buddy, " --engine=slob -- $start
ok "--compare with nothing" refuses 125 "--engine=NAME" --compare -- $start

pipe_is_kept()
{
	printf 'one\ntwo\n' | "$quern" run --compare --engine=buddy -- \
		sh -c 'read x; echo "$x" >>kept; cat' >out 2>err
	[ $? = 0 ] && [ "$(cat out)" = two ] &&
		[ "$(cat kept)" = "$(printf 'one\none')" ]
}
ok "--compare of a program that reads a pipe" pipe_is_kept

both_are_told()
{
	printf 'one\ntwo\n' >in
	run --compare --engine=buddy -- \
		sh -c 'read x; echo "$x" >>runs; cat; echo seen >&2' <in
	[ $status = 0 ] && [ "$(cat out)" = two ] &&
		[ "$(cat runs)" = "$(printf 'one\none')" ] &&
		[ "$(grep -c seen err)" = 1 ] && says "two runs" &&
		grep -q '^  buddy  .* [KM]iB$' err &&
		grep -q '^  quern  .* [KM]iB$' err
}
ok "--compare runs twice on the same input" both_are_told

ended_once()
{
	rm -f runs
	run --compare --engine=buddy -- sh -c 'echo >>runs; kill -TERM $$' \
		</dev/null
	[ $status = 143 ] && [ "$(wc -l <runs)" = 1 ] && says "not run again"
}
ok "--compare of a program that was stopped" ended_once

both_are_in_the_object()
{
	run --json --compare --engine=boundary -- sh -c 'exit 4' </dev/null
	[ $status = 4 ] && grep -A 6 '"on_quern": {' err | grep -q '"exit": 4'
}
ok "--compare in JSON" both_are_in_the_object

ok "unknown setting" refuses 125 "colour" --conf=colour:red -- $start
ok "unreadable value of a setting" refuses 125 "12x" --conf dirty:12x -- $start
ok "missing program" refuses 127 "no program 'no-such-program'" -- no-such-program
ok "missing file" refuses 127 "no program './no-such'" -- ./no-such
ok "empty name" refuses 127 "no program ''" -- ""
ok "file that cannot be executed" refuses 126 "chmod +x" -- ./plain
ok "directory as a program" refuses 126 "is a directory" -- "./a dir"
ok "script without its interpreter" refuses 126 "interpreter" -- ./script
ok "report that cannot be written" refuses 125 "cannot write the report" \
	--report=/no/such/dir/report -- $start
ok "report that is a directory" refuses 125 "cannot write the report" \
	--report "a dir" -- $start
ok "missing library" refuses 125 "cannot read the library" --library=no.so -- $start
ok "library whose name cannot be preloaded" refuses 125 "name a copy" \
	"--library=a dir/libquern.so" -- $start
ok "stats directory that is missing" refuses 125 "stats:/no/such" \
	--conf stats:/no/such -- $start

bad_environment()
{
	export QUERN_CONF=$1
	refuses 125 "QUERN_CONF in the environment" -- $start
	local result=$?
	unset QUERN_CONF
	return $result
}
ok "unreadable QUERN_CONF" bad_environment policy:
ok "QUERN_CONF with an unknown key" bad_environment nonsense:1

full_disk_keeps_the_status()
{
	run --report=/dev/full -- sh -c 'exit 3'
	[ $status = 3 ] && says "cannot write the report to '/dev/full': No space"
}
ok "a report that does not fit keeps the status" full_disk_keeps_the_status

# ---- the rest of the command ----

help_is_there()
{
	"$quern" --help | grep -q "quern run" && "$quern" help run >h &&
		"$quern" run --help | cmp h - && grep -q -- --children h &&
		grep -q policy:fixed h && [ "$(wc -L <h)" -le 80 ] &&
		"$quern" help demo | grep -q -- --rounds &&
		"$quern" --version | grep -qx 'quern [0-9.]*'
}
ok "help and version" help_is_there

# top STATUS MESSAGE ARGS...
top()
{
	local want=$1 message=$2
	shift 2
	"$quern" "$@" >out 2>err
	[ $? = "$want" ] && says "$message"
}
ok "no command" top 125 "Usage"
ok "unknown command" top 125 "no command 'walk'" walk
ok "program instead of a command" top 125 "quern run -- PROGRAM" ls
ok "help on an unknown command" top 125 "no command 'walk'" help walk
ok "wrong --rounds" top 125 "a number from 1" demo --rounds=0
ok "demo with a program" top 125 "quern run -- ls" demo ls

manual_is_complete()
{
	"$quern" help --manual "$root/preload/command/base/quern.1.in" >quern.1 &&
		! grep -q '^@' quern.1 && grep -q 'B dirty' quern.1 &&
		grep -q 'children' quern.1 || return 1
	command -v groff >/dev/null || return 0
	[ -z "$(groff -man -Tascii -ww -rLL=80n quern.1 2>&1 >/dev/null)" ]
}
ok "the manual page has all settings" manual_is_complete

demo_compares()
{
	"$quern" demo --rounds=1 >out 2>err || return 1
	grep -q 'million\|[0-9],[0-9]*,[0-9]* allocations' out &&
		grep -q '^  glibc .* 1.00    1.00    1.00' out &&
		grep -q '^  quern ' out && grep -q 'exited with status 0' out
}
if [ -x /usr/bin/sqlite3 ] || [ -x /usr/bin/gawk ] || [ -x /usr/bin/python3 ]; then
	ok "the demonstration runs" demo_compares
else
	skip "the demonstration runs" "none of its programs is here"
fi

finish
