#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-live.sh - pages of running processes that live views find (QUERN_CONF=live:1), and what else
# a process tells without quern run: a short report, metrics. Where files lie and whose they
# are, when they come and go, and that a program notices none of it.

. "$(dirname "$0")/../x.sh"
quern=${QUERN:-$PWD/build/quern}
own_rundir

cat >"$tmp/work.c" <<'END'
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void work(int ms)
{
	for (; ms > 0; ms -= 5) {
		for (int i = 0; i < 200; i++)
			free(malloc(100 + i * 40));
		usleep(5000);
	}
}

static void *thread(void *ms)
{
	work(*(int *)ms);
	return NULL;
}

static int nr_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* What a sandbox may do with those who open or remove files */
static void forbid(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_unlinkat, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog all = { sizeof(code) / sizeof(*code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all))
		exit(77);
}

int main(int argc, char **argv)
{
	const char *how = argv[1];
	int ms = argc > 2 ? atoi(argv[2]) : 400, status = 0;
	int files = nr_files();
	pthread_t t[4];

	if (!strcmp(how, "work"))
		work(ms);
	if (!strcmp(how, "idle"))
		usleep(ms * 1000);
	if (!strcmp(how, "exit"))
		work(ms), _exit(0);
	if (!strcmp(how, "exec"))
		work(ms), execl(argv[0], argv[0], "work", "10000", NULL);
	if (!strcmp(how, "limit")) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_FSIZE, &none);
		work(ms);
	}
	if (!strcmp(how, "threads")) {
		for (int i = 0; i < 4; i++)
			pthread_create(&t[i], NULL, thread, &ms);
		for (int i = 0; i < 4; i++)
			pthread_join(t[i], NULL);
	}
	if (!strcmp(how, "fork")) {
		work(300);
		if (!fork()) {
			work(ms);
			exit(0);
		}
		work(ms);
		wait(&status);
	}
	if (!strcmp(how, "forks"))
		for (int i = 0; i < 200; i++) {
			if (!fork())
				exit(0);
			free(malloc(3000));
			wait(&status);
		}
	if (!strcmp(how, "seccomp")) {
		work(ms);
		if (access(argv[3], F_OK))
			return 2;
		forbid();
		if (rmdir(argv[3]))
			return 3;
		work(ms);
		return 0;
	}
	if (!strcmp(how, "chroot")) {
		if (chroot(argv[3]) || chdir("/"))
			return 77;
		work(ms);
		return 0;
	}
	if (!strcmp(how, "unshare")) {
		work(ms);
		if (unshare(CLONE_NEWUSER))
			return 77;
		work(ms);
	}
	return status || nr_files() != files;
}
END
must $cc $flags -pthread -o "$tmp/work" "$tmp/work.c"

under() # settings, arguments of work
{
	conf=$1
	shift
	QUERN_CONF=$conf preloaded "$tmp/work" "$@"
}

wait_for() # command: until it is true, for 10 seconds
{
	for i in $(seq 100); do
		"$@" && return
		sleep 0.1
	done
	return 1
}

pages() # how many there are
{
	set -- "$dir"/*.qstat
	[ -e "$1" ] || set --
	echo $#
}

has() # so many pages
{
	[ "$(pages)" = "$1" ]
}

# A process of its own pid: preloaded() has timeout between
begin() # settings, arguments
{
	LD_PRELOAD=$lib QUERN_CONF=$1 "$tmp/work" "$2" "${3:-20000}" &
	pid=$!
}

stop()
{
	kill "$1" "$pid"
	wait "$pid" 2>"$tmp/null"
}

# --- where it lies, and when

under live:1 work 400 &
ok 'a page appears' wait_for has 1
ok 'in a directory that is its owner'"'"'s alone' [ "$(stat -c %a "$dir")" = 700 ]
ok 'as a file that is so, too' [ "$(stat -c %a "$dir"/*.qstat)" = 600 ]
wait
ok 'it is gone when the program has ended' has 0
under live:1 work 20
ok 'a program that ends at once makes none' has 0
begin live:1 idle
ok 'an idle program has one, too' wait_for has 1
stop -TERM
ok 'of which a killed one leaves a file' has 1
"$quern" ctl "$pid" >"$tmp/out" 2>&1
under live:0 work 400 &
sleep 0.3
ok 'no setting, no page' has 0
wait
under live:1,helper:0 idle 500 &
ok 'so has one without a helper, at once' wait_for has 1
wait
ok 'and it goes' has 0
under live:1 threads 300
ok 'with threads all is as without, and nothing is left' has 0

# --- directories that must not be used

elsewhere() # what stands in the place of the directory: is the page made there?
{
	under live:1 work 400 &
	wait_for has_elsewhere
	elsewhere=$?
	wait
	[ "$elsewhere" = 0 ]
}

has_elsewhere()
{
	for d in /run/user/$(id -u)/quern /dev/shm/quern-$(id -u) \
		/tmp/quern-$(id -u); do
		for page in "$d"/*.qstat; do
			[ -e "$page" ] && return
		done
	done
	return 1
}

must rmdir "$dir"
must mkdir -m 0755 "$dir"
ok 'a directory that others may enter is passed by' elsewhere
ok 'and stays empty' has 0
must rmdir "$dir"
must mkdir -m 0700 "$tmp/other"
must ln -s "$tmp/other" "$dir"
ok 'so is a symbolic link' elsewhere
ok 'which nobody follows' [ -z "$(ls "$tmp/other")" ]
must rm "$dir"
must touch "$dir"
ok 'and a file' elsewhere
must rm "$dir"
XDG_RUNTIME_DIR=run
ok 'a runtime directory has an absolute path' elsewhere
XDG_RUNTIME_DIR=/proc/nowhere
ok 'and can be written' elsewhere
XDG_RUNTIME_DIR=$tmp/run
if [ "$(id -u)" = 0 ]; then
	must mkdir -m 0700 "$dir"
	must chown 1:1 "$dir"
	ok 'a directory of another user is passed by' elsewhere
	must rmdir "$dir"
else
	skip 'a directory of another user is passed by' 'needs root'
fi
must mkdir -m 0700 "$dir"

# --- what can go wrong

under live:1 limit 400
ok 'where a file may have no byte the program goes on' $?
ok 'without a page' has 0
if [ "$(id -u)" = 0 ] && mkdir -p "$tmp/full" && unshare -m true 2>"$tmp/null"; then
	unshare -m sh -c "mount -t tmpfs -o size=4096 none '$tmp/full' &&
		mkdir '$tmp/full/quern' && chmod 0700 '$tmp/full/quern' &&
		XDG_RUNTIME_DIR='$tmp/full' LD_PRELOAD='$lib' \
		QUERN_CONF=live:1,metrics:$tmp/full/m '$tmp/work' work 400 && ls '$tmp/full/quern' '$tmp/full'/m*" \
		>"$tmp/out" 2>"$tmp/null"
	ok 'on a full disk the program goes on, and leaves nothing' \
		[ -z "$(grep -v : "$tmp/out" | grep qstat)" ]
else
	skip 'on a full disk the program goes on, and leaves nothing' 'needs a mount'
fi
under live:1,metrics:/nowhere/m,report:/nowhere/r work 200 2>"$tmp/err"
ok 'no directory for metrics and report: it goes on' $?
ok 'and says so of the report' grep -q "cannot write the file of QUERN_CONF=report:" "$tmp/err"
ok 'and of the metrics, once' \
	[ "$(grep -c "cannot write the file of QUERN_CONF=metrics:" "$tmp/err")" = 1 ]

under live:1 forks
ok 'many children, each gone at once' $?
ok 'leave nothing' has 0
begin live:1 fork 20000
ok 'parent and child have a page each' wait_for has 2
child=$(pgrep -P "$pid")
ok 'by their numbers' [ -e "$(echo "$dir/$child".*)" ]
kill -9 "$child"
stop -9
ok 'those of killed processes stay' has 2
"$quern" ctl "$pid" >"$tmp/out" 2>&1
ok 'until somebody looks' has 0
begin live:1 exec 300
wait_for has 2
ok 'a program that becomes another one has two' has 2
"$quern" ctl "$pid" >"$tmp/out" 2>&1
ok 'of which the last one is it' $?
ok 'and the other one goes' has 1
stop -9
"$quern" ctl "$pid" >"$tmp/out" 2>&1
under live:1 exit 400
ok '_exit() leaves a page' has 1
"$quern" ctl 1 >"$tmp/out" 2>&1
ok 'which goes likewise' has 0

under live:1 seccomp 300 "$dir"
status=$?
if [ $status = 77 ]; then
	skip 'a sandbox that kills who opens or removes a file kills nobody' 'no seccomp'
else
	ok 'a sandbox that kills who opens or removes a file kills nobody' $status
	ok 'and the page is gone before' has 0
fi
under live:1 unshare 300
status=$?
if [ $status = 77 ]; then
	skip 'a program that unshares can' 'it may not'
else
	ok 'a program that unshares can' $status
fi
mkdir "$tmp/root"
under live:1 chroot 400 "$tmp/root"
status=$?
if [ $status = 77 ]; then
	skip 'chroot() before there is a page' 'it may not'
else
	ok 'chroot() before there is a page' $status
	ok 'leaves none' has 0
fi

# --- blocks between marks: a page for live views is not worth their loss

cat >"$tmp/over.c" <<'END'
#include <stdlib.h>
#include <string.h>

int main(void)
{
	char *volatile p = malloc(24);

	p[24] = 1;
	free(p);
	return 0;
}
END
must $cc $flags -o "$tmp/over" "$tmp/over.c"
QUERN_CONF=live:1,metrics:$tmp/m preloaded "$tmp/over" 2>"$tmp/err"
ok 'a write behind a block is noticed as without' \
	grep -q 'quern: free(.*written' "$tmp/err"

# --- a program that changes its user when it starts: settings are not its caller's to make

cat >"$tmp/secure.c" <<'END'
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

int main(void)
{
	if (!getauxval(AT_SECURE))
		return 77;
	for (int i = 0; i < 60; i++) {
		free(malloc(1000));
		usleep(5000);
	}
	return 0;
}
END
chmod 0755 "$tmp"
mkdir "$tmp/lib"
cp "$lib" "$tmp/lib/libquern.so.0"
if [ "$(id -u)" = 0 ] && $cc $flags -o "$tmp/secure" "$tmp/secure.c" "$lib" \
	-Wl,-rpath,"$tmp/lib" && chown 1 "$tmp/secure" && chmod u+s "$tmp/secure"; then
	QUERN_CONF=live:1,report:$tmp/secret,metrics:$tmp/secret "$tmp/secure" 2>"$tmp/err"
	status=$?
	case $status in
	0)
		ok 'a setuid program takes no settings' [ ! -e "$tmp/secret" -a ! -s "$tmp/err" ]
		ok 'and has no page' has 0
		;;
	*) skip 'a setuid program takes no settings' 'it does not start here' ;;
	esac
else
	skip 'a setuid program takes no settings' 'needs root'
fi

# --- the short report

under report:stderr work 100 2>"$tmp/err"
ok 'the report comes on standard error' grep -q '^quern: heap of work (pid [0-9]*) at exit, policy rule$' "$tmp/err"
ok 'with figures' grep -q '^  in use by the program          [0-9.]* K*i*B, at most [0-9.]* KiB$' "$tmp/err"
ok 'and the way to more' grep -q 'quern run' "$tmp/err"
"$quern" run -- "$tmp/work" work 50 2>"$tmp/said" >"$tmp/null"
for row in 'in use by the program' 'free, pinned by blocks in use' 'free, kept for reuse' \
	'quern itself' 'together'; do
	ok "the row '$row' is that of quern run" \
		eval 'grep -q "^  $row  " "$tmp/err" && grep -q "^  $row  " "$tmp/said"'
done
under report:$tmp/report.txt work 50
under report:$tmp/report.txt work 50
ok 'a file is added to' [ "$(grep -c '^quern: heap' "$tmp/report.txt")" = 2 ]
under report:$tmp/r.%p.txt fork 100
ok 'with %p parent and child have one each' \
	[ "$(cat "$tmp"/r.[0-9]*.txt | grep -c '^quern: heap')" = 2 ]
under report:$tmp/one.txt fork 100
ok 'without it the child reports nothing' [ "$(grep -c '^quern: heap' "$tmp/one.txt")" = 1 ]
QUERN_CONF=report:stderr preloaded true 2>"$tmp/err"
ok 'a program without a block reports as well' grep -q '^quern: heap of true' "$tmp/err"
under report:stderr work 50 2>&-
ok 'no standard error, no harm' $?

# --- metrics

cat >"$tmp/check.py" <<'END'
# Holds a text to the grammar of OpenMetrics 1.0
import re, sys

text = open(sys.argv[1]).read()
name = '[a-zA-Z_:][a-zA-Z0-9_:]*'
label = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"'
sample = re.compile(r'(%s)(?:\{(%s(?:,%s)*)?\})? (-?[0-9]+(?:\.[0-9]+)?)$' % (name, label, label))
assert text.endswith('# EOF\n'), 'no end'
assert text.count('# EOF') == 1
kinds, units, helps, seen, current = {}, {}, {}, set(), None
for line in text[:-len('# EOF\n')].splitlines():
    assert line and line == line.strip(), line
    m = re.match('# (TYPE|UNIT|HELP) (%s) (.*)$' % name, line)
    if m:
        what, family, rest = m.groups()
        table = {'TYPE': kinds, 'UNIT': units, 'HELP': helps}[what]
        assert family not in table, 'twice: ' + line
        assert family == current or what == 'TYPE', 'out of its family: ' + line
        assert family not in seen, 'after its sample: ' + line
        current = family
        if what == 'TYPE':
            assert rest in ('gauge', 'counter'), line
        if what == 'UNIT':
            assert family.endswith('_' + rest), line
        table[family] = rest
        continue
    m = sample.match(line)
    assert m, 'neither comment nor sample: ' + line
    family = m.group(1)
    if kinds.get(current) == 'counter':
        assert family == current + '_total', line
        assert not m.group(3).startswith('-'), line
    else:
        assert family == current, line
    assert current not in seen, 'two samples with the same labels: ' + line
    seen.add(current)
assert seen == set(kinds) == set(helps) and len(seen) > 10, 'a family is not whole'
if len(sys.argv) > 2:
    values = dict((l.split('{')[0], float(l.split(' ')[-1])) for l in text.splitlines() if l[0] != '#')
    assert eval(sys.argv[2], values), sys.argv[2]
END
under live:1,metrics:$tmp/m.prom work 400 &
ok 'metrics are there while the program runs' wait_for [ -s "$tmp/m.prom" ]
wait
ok 'and hold to the grammar' python3 "$tmp/check.py" "$tmp/m.prom"
ok 'with what the program did' python3 "$tmp/check.py" "$tmp/m.prom" \
	'quern_allocations_total > 1000 and quern_heap_live_peak_bytes > 8000 and quern_heap_resident_bytes > quern_heap_live_bytes and quern_price_gigabyte_seconds == 2'
ok 'nothing but the file is left' [ "$(echo "$tmp"/m.prom*)" = "$tmp/m.prom" ]
cp "$tmp/work" "$tmp/a\"b\\c{}"
QUERN_CONF=metrics:$tmp/odd.prom,price:7.5 preloaded "$tmp/a\"b\\c{}" work 50
ok 'a name of any characters does no harm' python3 "$tmp/check.py" "$tmp/odd.prom" \
	'quern_price_gigabyte_seconds == 7.5'
under metrics:$tmp/p.%p.prom fork 200
set -- "$tmp"/p.[0-9]*.prom
ok 'with %p parent and child have a file each' [ $# = 2 ]
under metrics:$tmp/q.prom fork 200
ok 'without it the file is the parent'"'"'s' grep -q quern_threads "$tmp/q.prom"
sed 's/^# TYPE quern_threads gauge/# TYPE quern_threads counter/' "$tmp/m.prom" >"$tmp/bad.prom"
python3 "$tmp/check.py" "$tmp/bad.prom" 2>"$tmp/null"
ok 'the check itself notices a wrong kind' [ $? = 1 ]

# --- real programs

cat >"$tmp/p.py" <<'END'
import os, time
a = [bytearray(1000 + i) for i in range(20000)]
pid = os.fork()
for i in range(10):
    a = [bytearray(1000 + i) for i in range(20000)]
    time.sleep(0.05)
if pid:
    os.waitpid(pid, 0)
END
QUERN_CONF=live:1 preloaded python3 "$tmp/p.py"
ok 'python3, with a child' $?
ok 'which leaves nothing' has 0

finish
