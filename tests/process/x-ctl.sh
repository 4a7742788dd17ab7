#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-ctl.sh - quern ctl: settings of running programs changed, memory asked for, figures told;
# what it says where that cannot be; and programs whose page holds anything at all.

. "$(dirname "$0")/../x.sh"
quern=${QUERN:-$PWD/build/quern}
own_rundir

cat >"$tmp/work.c" <<'END'
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *p[2000];

static void *busy(void *arg)
{
	for (unsigned int n = 0;; n++) {
		free(malloc(100 + n % 5000));
		if (n % 200 == 0)
			usleep(1000);
	}
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t t;

	/* 100 MB that come and go, then a pause or work without end */
	for (int i = 0; i < 2000; i++)
		memset(p[i] = malloc(50000), 1, 50000);
	for (int i = 0; i < 2000; i++)
		free(p[i]);
	if (argc > 1 && !strcmp(argv[1], "threads"))
		for (int i = 0; i < 3; i++)
			pthread_create(&t, NULL, busy, NULL);
	if (argc > 1)
		busy(NULL);
	sleep(60);
	return 0;
}
END
must $cc $flags -pthread -o "$tmp/work" "$tmp/work.c"

# The program as a child of this shell, with a page
begin() # settings, program...
{
	conf=$1
	shift
	LD_PRELOAD=$lib QUERN_CONF=$conf "$@" &
	pid=$!
	for i in $(seq 100); do
		[ -e "$(echo "$dir/$pid".*)" ] && break
		sleep 0.1
	done
	page=$(echo "$dir/$pid".*)
}

stop()
{
	kill -9 "$pid"
	wait "$pid" 2>"$tmp/null"
}

ctl() # words: what it says is in out and err
{
	timeout 60 "$quern" ctl "$@" >"$tmp/out" 2>"$tmp/err"
}

explain()
{
	show "$tmp/out"
	show "$tmp/err"
}

says() # text, in what was printed
{
	grep -q -- "$1" "$tmp/out"
}

complains() # text
{
	[ $status = 125 ] && [ "$(wc -l <"$tmp/err")" = 1 ] &&
		grep -q -- "$1" "$tmp/err"
}

resident() # KB
{
	awk '/^VmRSS:/ { print $2 }' "/proc/$pid/status"
}

# --- a program that sleeps: its helper answers

begin live:1,dirty:1G,price:100000 "$tmp/work"
sleep 0.5
ctl "$pid"
ok 'without a request it tells the settings' says "process $pid (work): policy rule, price 100000\$"
before=$(resident)
ctl "$pid" purge
ok 'purge returns what is free' says '^returned [0-9.]* MiB to the system$'
ok 'to the system' [ $((before - $(resident))) -gt 50000 ]
ctl "$pid" price=7.5 dirty_part:8
ok 'settings are taken' says 'price 7.5'
ctl "$pid"
ok 'and stay' says 'dirty_part 8'
ctl "$pid" policy=fixed
ok 'so is a policy' says 'policy fixed, price 7.5'
ctl "$page" policy=rule
ok 'a page may be named by its file' says 'policy rule'
ctl "$pid" profile decisions
ok 'profile and decisions are told' says 'changes of the table and of knobs'
ctl --json "$pid" price=0.5 purge profile decisions
ok 'as JSON, too' python3 -c '
import json, sys
o = json.load(open(sys.argv[1]))
assert o["pid"] == int(sys.argv[2]) and o["policy"] == "rule"
assert o["knobs"]["price"] == 0.5 and o["knobs"]["dirty_part"] == 8
assert o["purged_bytes"] >= 0 and o["decisions"] == [] and o["profile"]["samples"] > 0' \
	"$tmp/out" "$pid"

# --- what is refused, before the process is asked and by it

refused() # what it says, words
{
	what=$1
	shift
	ctl "$@"
	status=$?
	ok "'$*' is refused" complains "$what"
}

refused 'a process cannot be asked for' "$pid" purge now
refused 'a process cannot be asked for' "$pid" stats=/tmp
refused 'a process cannot be asked for' "$pid" nothing=1
refused 'allowed: a decimal' "$pid" price=0
refused 'allowed: 0 to 1, digits' "$pid" learn=2
refused "bad value 'nobody' for key policy" "$pid" policy=nobody
refused 'a word of its own' "$pid" price=1,learn=0
refused 'tuned:FILE' "$pid" policy=tuned
refused 'needs a process' --json
refused 'from 1 to 3600' --wait=0 "$pid"
refused 'there is no process 4194305' 4194305
refused 'cannot read .*: No such file .*check the path' "$tmp/none"
refused 'no statistics page' "$tmp/work"
ctl "$pid"
ok 'after all of that settings are as they were' says 'policy rule, price 0.5'
sleep 30 &
refused 'does not run under quern' $!
kill $!
LD_PRELOAD=$lib sleep 30 &
sleep 0.3
refused 'shows nothing: start it with QUERN_CONF=live:1' $!
kill $!
head -c 1000 "$page" >"$tmp/cut"
refused 'cut off' "$tmp/cut"
(head -c 4 "$page"; printf '\001\000\000\000'; tail -c +9 "$page") >"$tmp/old"
refused 'is version 1, this command reads version' "$tmp/old"
cp "$page" "$tmp/link"
ln -s "$tmp/link" "$tmp/page"
refused '' "$tmp/page"
flock "$page" sleep 5 &
sleep 0.2
refused 'another quern ctl' "$pid"
kill $!
if [ "$(id -u)" = 0 ] && command -v setpriv >"$tmp/null"; then
	cp "$quern" "$tmp/quern"
	chmod 0755 "$tmp" "$tmp/run" "$tmp/quern"
	setpriv --reuid=1 --clear-groups "$tmp/quern" ctl "$pid" purge >"$tmp/out" 2>"$tmp/err"
	status=$?
	ok 'another user is refused' complains "another user's"
	chmod 0755 "$dir"
	chmod 0666 "$page"
	setpriv --reuid=1 --clear-groups "$tmp/quern" ctl "$page" purge >"$tmp/out" 2>"$tmp/err"
	status=$?
	ok 'also where the file would let him' complains "another user's"
	chmod 0600 "$page"
	chmod 0700 "$dir"
else
	skip 'another user is refused' 'needs root and setpriv'
fi
stop
refused 'there is no process' "$pid"

# --- no helper

begin live:1,helper:0 "$tmp/work"
for i in $(seq 20); do
	ctl --wait=1 "$pid" price=7.5
	status=$?
	[ $status = 0 ] || break
done
ok 'a program that sleeps without a helper does not answer' complains 'nothing was changed'
ok 'the reason is told' complains 'started with helper:0'
ctl --wait=1 "$pid" purge
status=$?
ok 'and what to do' complains 'QUERN_CONF=live:1'
ctl --wait=1 "$pid"
status=$?
ok 'what it noted last is told nevertheless' [ $status = 0 ]
ok 'as that' grep -q 'has not looked yet, and this is what it noted last' "$tmp/err"
ok 'with its settings' grep -q '^process [0-9]* (work): policy rule' "$tmp/out"
ctl --wait=1 --json "$pid"
ok 'in JSON it is known' grep -q '"answered": false' "$tmp/out"
stop
begin live:1,helper:0 "$tmp/work" busy
ctl "$pid" price=7.5
ok 'one that works does' says 'price 7.5'
stop
engines=${lib%/*}/libquern-engines.so
LD_PRELOAD=$lib:$engines QUERN_CONF=live:1,engine:buddy "$tmp/work" busy &
pid=$!
sleep 0.5
refused 'an engine serves it' "$pid" purge
stop

# --- under quern run

"$quern" run --library="$lib" --report="$tmp/report" -- "$tmp/work" busy &
run=$!
for i in $(seq 100); do
	pid=$(pgrep -P $run -x work) && break
	sleep 0.1
done
sleep 0.3
ctl "$pid" price=3
ok 'a program under quern run answers' says 'price 3'
kill "$pid"
wait $run 2>"$tmp/null"
ok 'and is reported' grep -q work "$tmp/report"

# --- many requests while threads work

begin live:1 "$tmp/work" threads
status=0
for i in $(seq 60); do
	case $((i % 6)) in
	0) ctl "$pid" policy=bandit price=0.01 ;;
	1) ctl "$pid" policy=dqn dirty=0 ;;
	2) ctl "$pid" purge ;;
	3) ctl "$pid" policy=rule price=100 dirty=512K ;;
	4) ctl "$pid" profile decisions ;;
	5) ctl "$pid" policy=paper-dqn keep=0 ;;
	esac || status=1
done
ok 'one request after the other is answered' $status
ok 'and the program goes on' kill -0 "$pid"
stop

# --- a page that holds anything

cat >"$tmp/fuzz.py" <<'END'
import mmap, os, random, sys, time
path, what, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
f = open(path, 'r+b')
size = os.path.getsize(path)
page = mmap.mmap(f.fileno(), size)
r = random.Random(5)
words = [b'price:7', b'policy:dqn', b'policy:rule', b'keep:', b':', b',', b'dirty:1G,learn:0', b'x' * 300]
end = time.time() + seconds
while time.time() < end:
    if what == 'all':
        at = r.randrange(size)
        n = min(r.randrange(64), size - at)
        page[at:at + n] = r.randbytes(n)
    else:
        # Text that is nearly right all over, so the control words have some of it
        at = r.randrange(size - 400)
        w = r.choice(words)
        page[at:at + len(w)] = w
        page[at + len(w)] = 0
END

for what in all words; do
	for how in threads pause; do
		[ $how = threads ] || how=
		begin live:1,price:1 "$tmp/work" $how
		python3 "$tmp/fuzz.py" "$page" $what 2
		ok "a page full of $what does no harm to a program ${how:-that sleeps}" kill -0 "$pid"
		for words in 'top -b -n 1' 'top --json -n 1' 'ctl --wait=1'; do
			timeout 20 "$quern" $words "$page" >"$tmp/out" 2>"$tmp/err"
			status=$?
			[ $status = 0 ] || [ $status = 125 ] ||
				ok "quern $words reads it" $status
		done
		kill -TERM "$pid"
		wait "$pid" 2>"$tmp/null"
		ok 'which ends as it is told' [ $? = 143 ]
	done
done

# --- a page that has just been made

# It starts a program and asks as soon as there is a page, as ring() of quern ctl does
cat >"$tmp/first.c" <<'END'
#include <dirent.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "format/statspage.h"

static int page_open(const char *dir, pid_t pid)
{
	char start[16], path[4096];
	struct dirent *e;
	DIR *d = opendir(dir);
	int fd = -1;

	snprintf(start, sizeof(start), "%d.", (int)pid);
	while (d && fd < 0 && (e = readdir(d))) {
		if (strncmp(e->d_name, start, strlen(start)))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		fd = open(path, O_RDWR);
	}
	if (d)
		closedir(d);
	return fd;
}

static int ask(const char *dir, pid_t pid)
{
	static struct qn_stats_page page;
	time_t end = time(NULL) + 5;
	struct qn_stats_page *p;
	int fd = -1;

	while (fd < 0 && time(NULL) < end)
		fd = page_open(dir, pid);
	while (pread(fd, &page, sizeof(page), 0) != sizeof(page))
		if (time(NULL) >= end)
			return 2;
	p = mmap(NULL, sizeof(page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return 2;
	p->control.command = QN_STATS_COMMAND_LOOK;
	__atomic_store_n(&p->control.asked, 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&p->control.bell, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &p->control.bell, FUTEX_WAKE, 9, NULL, NULL, 0);
	while (__atomic_load_n(&p->control.answered, __ATOMIC_SEQ_CST) != 1) {
		if (time(NULL) >= end)
			return 1;
		usleep(1000);
	}
	return 0;
}

int main(int argc, char **argv)
{
	int status, kid;

	if (argc < 3)
		return 2;
	kid = fork();
	if (!kid) {
		setenv("LD_PRELOAD", argv[2], 1);
		setenv("QUERN_CONF", "live:1", 1);
		execlp("sleep", "sleep", "60", (char *)NULL);
		_exit(127);
	}
	status = ask(argv[1], kid);
	kill(kid, SIGKILL);
	waitpid(kid, NULL, 0);
	return status;
}
END
must $cc $flags -I"$top/lib" -o "$tmp/first" "$tmp/first.c"
lost=0
for i in $(seq 20); do
	"$tmp/first" "$dir" "$lib" || lost=$((lost + 1))
done
echo "# $lost of 20 requests were lost"
[ "$lost" = 0 ]
ok "what is asked of a page that has just been made is answered" $?

# --- a process that becomes another program

cat >"$tmp/becomes.c" <<'END'
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* Half a second of sleep that malloc is not asked in, then another program */
int main(int argc, char **argv)
{
	(void)argc;
	free(malloc(100));
	usleep(500000);
	execv(argv[1], argv + 1);
	return 1;
}
END
must $cc $flags -o "$tmp/becomes" "$tmp/becomes.c"
# Without a helper neither answers but when it asks for memory
begin live:1,helper:0 "$tmp/becomes" "$tmp/work" busy
ctl --wait=10 "$pid" price=3
ok 'a request reaches the program that a process becomes' says 'work): policy rule, price 3'
stop
begin live:1,helper:0 "$tmp/becomes" /bin/sleep 60
ctl --wait=2 "$pid" price=3
[ $? != 0 ] && grep -q 'has not looked yet' "$tmp/err"
ok 'and is told of if that one does not look' $?
stop

# --- real programs

if command -v redis-server >"$tmp/null"; then
	begin live:1 redis-server --port 0 --unixsocket "$tmp/redis" --save ''
	redis-cli -s "$tmp/redis" debug populate 100000 x 100 >"$tmp/null" 2>&1
	redis-cli -s "$tmp/redis" flushall >"$tmp/null" 2>&1
	ctl "$pid" price=7.5 policy=bandit purge
	ok 'redis-server answers' says 'redis-server): policy bandit, price 7.5'
	redis-cli -s "$tmp/redis" shutdown nosave >"$tmp/null" 2>&1
	wait "$pid"
	ok 'and ends well' $?
	ok 'with its page' [ ! -e "$page" ]
else
	skip 'redis-server answers' 'no redis-server'
fi
cat >"$tmp/p.py" <<'END'
import time
for i in range(1000):
    a = [bytearray(1000 + i) for i in range(20000)]
    time.sleep(0.02)
END
begin live:1 python3 "$tmp/p.py"
ctl "$pid" price=0.075 purge decisions
ok 'python3 answers' says 'python3[^ ]*): policy rule, price 0.075'
stop

finish
