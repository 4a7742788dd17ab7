#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-pressure.sh - memory that goes back when the system says that it is scarce, or the
# program does, and that is kept again afterwards. The system's word is that of files in
# a directory of the test's own (QUERN_CONF=pressure_root).

. "$(dirname "$0")/../x.sh"

cat >"$tmp/use.c" <<'END'
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "quern.h"

#define MB ((size_t)1 << 20)

/* It may run without the library */
#pragma weak qn_pressure_set

static void *p[4000];

static long statm(int nr)
{
	long n[7];
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%ld %ld %ld %ld %ld %ld", n, n + 1, n + 2, n + 3,
			 n + 4, n + 5) != 6)
		abort();
	fclose(f);
	return n[nr] / 256;
}

static long resident_mb(void)
{
	return statm(1);
}

/* 80 MB in blocks of all kinds come and go twice: most of it is kept for the next time */
static void burst(void)
{
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 4000; i++)
			memset(p[i] = malloc(100 + i % 40 * 1000), 1,
			       100 + i % 40 * 1000);
		for (int i = 0; i < 4000; i++)
			free(p[i]);
	}
}

/* Until no more than so much is resident, or no longer */
static void work(long mb, int rounds)
{
	for (int i = 0; i < rounds && resident_mb() > mb; i++) {
		for (int n = 0; n < 500; n++)
			free(malloc(100 + n * 40));
		usleep(20000);
	}
}

static void write_text(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	if (!f || fputs(text, f) < 0)
		abort();
	fclose(f);
}

static int next_fd(void)
{
	int fd = open("/dev/null", O_RDONLY);

	close(fd);
	return fd;
}

int main(int argc, char **argv)
{
	const char *what = argv[1];
	int good, fd;
	long before;

	(void)argc;
	if (!strcmp(what, "asks")) {
		burst();
		before = resident_mb();
		if (qn_pressure(NULL, 1))
			return 1;
		work(12, 500);
		good = before > 30 && resident_mb() <= 12;
		/* None at all, so what comes next is kept again */
		if (qn_pressure(NULL, 0))
			return 1;
		burst();
		return !(good && resident_mb() > 30);
	}
	if (!strcmp(what, "off")) {
		burst();
		good = qn_pressure(NULL, 1) == 0;
		work(12, 40);
		return !(good && resident_mb() > 30);
	}
	if (!strcmp(what, "alone"))
		return qn_pressure_set != NULL;
	if (!strcmp(what, "falls")) {
		burst();
		work(12, 500);
		good = resident_mb() <= 12;
		write_text(argv[2], "some avg10=0.00 avg60=0.00 avg300=0.00 "
				    "total=0\n");
		/* Some seconds later */
		for (int i = 0; i < 40; i++) {
			usleep(250000);
			burst();
			if (resident_mb() > 30)
				return !good;
		}
		return 1;
	}
	if (!strcmp(what, "limit")) {
		struct rlimit low = { RLIM_INFINITY, RLIM_INFINITY };
		int data = !strcmp(argv[2], "data");

		/* The limit is reached, and what is free of the heap is a three-hundredth */
		if (!malloc(30000 * MB))
			return 1;
		burst();
		low.rlim_cur = (size_t)statm(data ? 5 : 0) * MB;
		setrlimit(data ? RLIMIT_DATA : RLIMIT_AS, &low);
		work(12, 500);
		printf("# %ld MB are resident\n", resident_mb());
		return resident_mb() > 12;
	}
	/* No descriptor is left, and none of the program's is touched */
	if (!strcmp(what, "closed")) {
		for (int i = 0; i < 100; i++)
			close(i);
		burst();
		fd = next_fd();
		work(12, 500);
		good = resident_mb() <= 12 && fd == 0 && next_fd() == 0;
		for (int i = 0; i < 100; i++)
			good &= fcntl(i, F_GETFD) < 0;
		return !good;
	}
	burst();
	work(12, !strcmp(what, "goes") ? 500 : 60);
	printf("# %ld MB are resident\n", resident_mb());
	if (!strcmp(what, "goes"))
		return resident_mb() > 12;
	return resident_mb() <= 30;
}
END
must $cc $flags -o "$tmp/use" "$tmp/use.c"

root=$tmp/root
files() # the texts of a system without pressure
{
	rm -rf "$root"
	mkdir -p "$root/proc/self" "$root/proc/pressure" "$root/sys/fs/cgroup/a"
	stalls "$root/proc/pressure/memory" 0.00
	echo "0::/a" >"$root/proc/self/cgroup"
	stalls "$root/sys/fs/cgroup/a/memory.pressure" 0.00
	echo max >"$root/sys/fs/cgroup/a/memory.high"
	echo max >"$root/sys/fs/cgroup/a/memory.max"
	echo 1000000000 >"$root/sys/fs/cgroup/a/memory.current"
	printf 'anon 900000000\nfile 100000000\nshmem 0\n' \
		>"$root/sys/fs/cgroup/a/memory.stat"
}

stalls() # file, percent
{
	echo "some avg10=$2 avg60=0.00 avg300=0.00 total=0" >"$1"
	echo "full avg10=0.00 avg60=0.00 avg300=0.00 total=0" >>"$1"
}

# Nothing goes by its age, or since it is much
with() # conf, then what the program does
{
	conf=$1
	shift
	QUERN_CONF=price:1000,dirty:256M,$conf preloaded "$tmp/use" "$@"
}

files
with "helper:0,pressure:2,pressure_root:$root" stays
ok "without pressure memory stays" $?
stalls "$root/sys/fs/cgroup/a/memory.pressure" 50.00
with "helper:0,pressure:2,pressure_root:$root" goes
ok "tasks of the cgroup stall: it goes" $?
with "pressure_root:$root" goes
ok "the helper looks by default" $?
with "helper:0,pressure_root:$root" stays
ok "and no call of malloc" $?
with "pressure:0,pressure_root:$root" stays
ok "pressure:0 is blind" $?
with "pressure_root:$root" closed
ok "the helper takes no descriptor" $?
with "helper:0,pressure:2,pressure_root:$root" closed
ok "a program without descriptors keeps none" $?
for helper in 0 1; do
	stalls "$root/sys/fs/cgroup/a/memory.pressure" 50.00
	with "helper:$helper,pressure:$((2 - helper)),pressure_root:$root" \
		falls "$root/sys/fs/cgroup/a/memory.pressure"
	ok "it is kept again when nobody stalls any more, helper:$helper" $?
done

files
stalls "$root/proc/pressure/memory" 50.00
with "helper:0,pressure:2,pressure_root:$root" stays
ok "tasks elsewhere stall: it stays" $?
rm "$root/proc/self/cgroup"
with "helper:0,pressure:2,pressure_root:$root" goes
ok "there is no cgroup: it goes" $?

files
echo 1000000000 >"$root/sys/fs/cgroup/a/memory.high"
with "helper:0,pressure:2,pressure_root:$root" stays
ok "a limit that the page cache has filled: it stays" $?
echo 900000000 >"$root/sys/fs/cgroup/a/memory.max"
with "helper:0,pressure:2,pressure_root:$root" goes
ok "a limit that the program is at: it goes" $?

with "helper:0,pressure:2,pressure_root:$tmp/nowhere" stays
ok "no file at all: it stays" $?
files
for f in $(find "$root" -type f); do
	head -c 5000 /dev/urandom >"$f"
done
with "helper:0,pressure:2,pressure_root:$root" stays
ok "files of nonsense: it stays" $?

files
with "helper:0,pressure:2" limit data
ok "RLIMIT_DATA: it goes" $?
with "helper:0,pressure:2" limit address
ok "RLIMIT_AS: it goes" $?

with pressure:1 asks
ok "qn_pressure() lets it go, and come back" $?
with pressure:0 off
ok "qn_pressure() means nothing with pressure:0" $?
"$tmp/use" alone
ok "without the library there is no such function" $?

with "pressure:3" stays 2>"$tmp/err"
[ $? = 2 ] && grep -q "pressure; allowed: .*0.*2" "$tmp/err"
ok "pressure:3 is refused" $?

finish
