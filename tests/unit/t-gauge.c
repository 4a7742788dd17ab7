// SPDX-License-Identifier: MIT
/*
 * t-gauge.c - who is asked how scarce memory is, how often, and what comes of it.
 *
 * Links: linuxport.c, lib/process/gauge.c and all below it.
 *
 * Invariants:
 * - nothing is read before enough is dirty, nor twice in QN_GAUGE_US; with pressure
 *   reading goes on, whatever is dirty;
 * - a file that is not there, may not be read or has another text is asked for once;
 *   one that could not be opened just now is asked for again;
 * - the cgroup's own stalls count and not the system's; the page cache counts for no
 *   limit; of a limit counts what is left and what the heap has free;
 * - the highest level counts, it rises at once and falls by quarters, and a source that
 *   comes and goes gives no more than its own level.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "process/gauge.h"
#include "process/pressure.h"
#include "process/resident.h"
#include "linuxport.h"

#define MB ((size_t)1 << 20)

#define STALL(n) "some avg10=" n " avg60=0.00 avg300=0.00 total=1\nfull ..."
#define GROUP    "/sys/fs/cgroup/a/b"

static struct qn_gauge g;
static struct qn_resident r;
static struct port_file files[12];
static unsigned int nr_files;

static void begin(void)
{
	port_reset(4096);
	memset(&g, 0, sizeof(g));
	memset(&r, 0, sizeof(r));
	memset(files, 0, sizeof(files));
	nr_files = 0;
	g.root = "";
	r.dirty = 16 * MB;
	port.files = files;
}

/* From now on @path has this text, or none */
static void has(const char *path, const char *text)
{
	unsigned int i = 0;

	while (i < nr_files && strcmp(files[i].path, path))
		i++;
	files[i] = (struct port_file){ path, text ? text : "", 0 };
	if (i == nr_files)
		nr_files++;
	assert_true(nr_files < sizeof(files) / sizeof(*files));
}

static u32 look(void)
{
	port.clock += QN_GAUGE_US;
	qn_gauge_look(&g, &r, 0, port.clock);
	return r.pressure;
}

static void test_seldom(void **state)
{
	(void)state;
	begin();
	has("/proc/pressure/memory", STALL("5.00"));
	r.dirty = 16 * MB - 1;
	assert_int_equal(look(), 0);
	assert_int_equal(port.nr_reads, 0);
	r.dirty = 16 * MB;
	assert_int_equal(look(), 512);
	port.nr_reads = 0;
	for (int i = 0; i < 9; i++) {
		port.clock += QN_GAUGE_US / 10;
		assert_false(qn_gauge_is_due(&g, port.clock));
		assert_false(qn_gauge_look(&g, &r, 0, port.clock));
	}
	assert_int_equal(port.nr_reads, 0);
	/* Purging is what pressure is for, so that is no reason to look away */
	r.dirty = 0;
	assert_int_equal(look(), 512);
	assert_int_equal(port.nr_reads, 1);
}

static void test_busy(void **state)
{
	(void)state;
	begin();
	has("/proc/pressure/memory", STALL("5.00"));
	port.threads = true;
	port.clock += QN_GAUGE_US;
	qn_port_lock(&g.lock);
	assert_false(qn_gauge_look(&g, &r, 0, port.clock));
	assert_int_equal(port.nr_reads, 0);
	qn_port_unlock(&g.lock);
	assert_true(qn_gauge_look(&g, &r, 0, port.clock));
	assert_false(qn_port_holds(&g.lock));
}

/* Six names without a file: the next looks open nothing */
static void test_absent(void **state)
{
	static const int errors[] = { -ENOENT,  -EACCES,     -EPERM, -ENOSYS,
				      -ENOTDIR, -EOPNOTSUPP, -EISDIR };

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		begin();
		port.limits[0] = port.limits[1] = MB;
		port.read_error = errors[i];
		assert_int_equal(look(), 0);
		/* The cgroup's name, stalls, and the process's size */
		assert_int_equal(port.nr_reads, 3);
		for (int n = 0; n < 5; n++)
			assert_int_equal(look(), 0);
		assert_int_equal(port.nr_reads, 3);
		/* Also when they come */
		port.read_error = 0;
		has("/proc/pressure/memory", STALL("5.00"));
		assert_int_equal(look(), 0);
	}
	begin();
	has("/proc/pressure/memory", STALL("5.00"));
	port.read_error = -EMFILE;
	assert_int_equal(look(), 0);
	port.read_error = 0;
	assert_int_equal(look(), 512);
}

static void test_nonsense(void **state)
{
	(void)state;
	begin();
	has("/proc/self/cgroup", "0::/a/b\n");
	has(GROUP "/memory.pressure", "nonsense\n");
	has(GROUP "/memory.high", "nonsense\n");
	has(GROUP "/memory.max", "");
	has("/proc/pressure/memory", "some avg10=x\n");
	assert_int_equal(look(), 0);
	assert_int_equal(port.nr_reads, 5);
	has(GROUP "/memory.pressure", STALL("9.00"));
	has("/proc/pressure/memory", STALL("9.00"));
	assert_int_equal(look(), 0);
	assert_int_equal(port.nr_reads, 5);
}

static void test_stalls(void **state)
{
	(void)state;
	begin();
	has("/proc/self/cgroup", "1:cpu:/x\n0::/a/b\n");
	has(GROUP "/memory.pressure", STALL("2.50"));
	has("/proc/pressure/memory", STALL("10.00"));
	assert_int_equal(look(), 256);
	assert_int_equal(g.most_source, QN_STATS_PRESSURE_STALLS);
	assert_int_equal(g.most, 256);
	/* The process's name is asked for once */
	port.nr_reads = 0;
	look();
	assert_int_equal(port.nr_reads, 1);
	begin();
	has("/proc/self/cgroup", "0::/\n");
	has("/sys/fs/cgroup/memory.pressure", STALL("5.00"));
	assert_int_equal(look(), 512);
	begin();
	g.root = "/elsewhere";
	has("/elsewhere/proc/self/cgroup", "0::/a/b\n");
	has("/elsewhere" GROUP "/memory.pressure", STALL("5.00"));
	assert_int_equal(look(), 512);
	begin();
	has("/proc/self/cgroup", "0::/../a/b\n");
	has("/proc/pressure/memory", STALL("5.00"));
	assert_int_equal(look(), 512);
}

/* A name that does not fit is no name */
static void test_long_name(void **state)
{
	char text[600], root[QN_GAUGE_PATH + 1];

	(void)state;
	for (size_t size = 100; size < 500; size++) {
		begin();
		memset(text, 'a', sizeof(text));
		memcpy(text, "0::/", 4);
		strcpy(text + size, "\n");
		has("/proc/self/cgroup", text);
		has("/proc/pressure/memory", STALL("5.00"));
		assert_int_equal(look(), 512);
		assert_true(strlen(g.group) < sizeof(g.group));
		if (g.group[0])
			assert_int_equal(strlen(g.group), size - 3 + 14);
	}
	begin();
	memset(root, 'a', sizeof(root));
	root[sizeof(root) - 1] = '\0';
	g.root = root;
	assert_int_equal(look(), 0);
	assert_int_equal(port.nr_reads, 0);
}

static void test_cgroup(void **state)
{
	(void)state;
	begin();
	has("/proc/self/cgroup", "0::/a/b\n");
	has(GROUP "/memory.high", "max\n");
	has(GROUP "/memory.max", "max\n");
	assert_int_equal(look(), 0);
	/* Of 256 MB half of the last eighth is left */
	has(GROUP "/memory.max", "268435456\n");
	has(GROUP "/memory.current", "251658240\n");
	has(GROUP "/memory.stat", "anon 1\nfile 0\nshmem 0\n");
	assert_in_range(look(), 511, 513);
	assert_int_equal(g.most_source, QN_STATS_PRESSURE_CGROUP);
	/* The lower limit counts, and it is passed */
	has(GROUP "/memory.high", "200000000\n");
	assert_int_equal(look(), 1024);
	/* 100 MB are files, of which 80 MB are shared memory, which stays */
	has(GROUP "/memory.high", "max\n");
	has(GROUP "/memory.stat", "anon 1\nfile 104857600\nshmem 83886080\n");
	for (int i = 0; i < 40; i++)
		look();
	assert_int_equal(r.pressure, 0);
	has(GROUP "/memory.stat", "anon 1\nfile 104857600\nshmem 104857600\n");
	assert_in_range(look(), 511, 513);
	/* Perhaps all of it is cache: a container is full of it */
	begin();
	has("/proc/self/cgroup", "0::/a/b\n");
	has(GROUP "/memory.max", "268435456\n");
	has(GROUP "/memory.current", "268435456\n");
	assert_int_equal(look(), 0);
	/* Far from the limit its parts are not asked for */
	begin();
	has("/proc/self/cgroup", "0::/a/b\n");
	has(GROUP "/memory.max", "268435456\n");
	has(GROUP "/memory.current", "134217728\n");
	look();
	assert_int_equal(g.lost >> 6 & 1, 0);
}

static u32 look_of(size_t mapped)
{
	port.clock += QN_GAUGE_US;
	qn_gauge_look(&g, &r, mapped, port.clock);
	return r.pressure;
}

static void test_limits(void **state)
{
	(void)state;
	begin();
	/* 240 MB in all, 200 MB of data */
	has("/proc/self/statm", "61440 1 1 1 0 51200 0\n");
	assert_int_equal(look_of(0), 0);
	port.limits[0] = 256 * MB;
	assert_in_range(look_of(0), 511, 513);
	assert_int_equal(g.most_source, QN_STATS_PRESSURE_LIMIT);
	/* What is free of the heap can be had */
	r.used = 50 * MB;
	for (int i = 0; i < 40; i++)
		look_of(66 * MB);
	assert_int_equal(r.pressure, 0);
	port.limits[0] = UINT64_MAX;
	port.limits[1] = 200 * MB;
	assert_int_equal(look_of(50 * MB), 1024);
	port.limits[1] = 1;
	assert_int_equal(look_of(50 * MB), 1024);
	has("/proc/self/statm",
	    "999999999999999999999 1 1 1 0 99999999999999 0\n");
	assert_int_equal(look_of(50 * MB), 1024);
}

/* At once upwards, downwards a quarter each quarter of a second, and then it is over */
static void test_falls(void **state)
{
	u32 before;

	(void)state;
	begin();
	has("/proc/pressure/memory", STALL("10.00"));
	assert_int_equal(look(), 1024);
	has("/proc/pressure/memory", STALL("0.00"));
	assert_int_equal(look(), 768);
	assert_int_equal(look(), 576);
	has("/proc/pressure/memory", STALL("6.00"));
	assert_int_equal(look(), 614);
	has("/proc/pressure/memory", STALL("0.00"));
	for (int i = 0; r.pressure; i++) {
		before = r.pressure;
		assert_true(look() < before);
		assert_true(i < 20);
	}
	/* Over, and nothing is dirty: nobody is asked any more */
	r.dirty = 0;
	port.nr_reads = 0;
	look();
	assert_int_equal(port.nr_reads, 0);
	/* A program that slept meanwhile begins without it */
	r.dirty = 16 * MB;
	has("/proc/pressure/memory", STALL("10.00"));
	assert_int_equal(look(), 1024);
	has("/proc/pressure/memory", STALL("0.00"));
	port_sleep_ms(20000);
	assert_int_equal(look(), 0);
	assert_int_equal(g.most, 1024);
}

/* A text at an edge does not make the level swing by more than itself */
static void test_no_swing(void **state)
{
	u32 least = 1024;

	(void)state;
	begin();
	for (int i = 0; i < 40; i++) {
		has("/proc/pressure/memory",
		    i % 2 ? STALL("4.00") : STALL("5.00"));
		look();
		least = i > 0 && r.pressure < least ? r.pressure : least;
	}
	assert_int_equal(least, 409);
}

static void test_asked(void **state)
{
	(void)state;
	begin();
	qn_gauge_ask(&g, &r, 300);
	assert_int_equal(r.pressure, 300);
	assert_int_equal(g.most_source, QN_STATS_PRESSURE_ASKED);
	/* The higher one counts */
	has("/proc/pressure/memory", STALL("5.00"));
	assert_int_equal(look(), 512);
	qn_gauge_ask(&g, &r, 700);
	assert_int_equal(r.pressure, 700);
	qn_gauge_ask(&g, &r, 0);
	assert_int_equal(r.pressure, 512);
	qn_gauge_ask(&g, &r, UINT32_MAX);
	assert_int_equal(r.pressure, 1024);
	/* A child has what the program asked for */
	qn_gauge_ask(&g, &r, 100);
	qn_gauge_forget(&g, &r);
	assert_int_equal(r.pressure, 100);
	assert_int_equal(g.read, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seldom), cmocka_unit_test(test_busy),
		cmocka_unit_test(test_absent), cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_stalls), cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_cgroup), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_falls),  cmocka_unit_test(test_no_swing),
		cmocka_unit_test(test_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
