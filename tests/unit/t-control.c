// SPDX-License-Identifier: MIT
/*
 * t-control.c - requests to a running process, by words of its page that anybody may have
 * written to.
 *
 * Links: linuxport.c, lib/process/control.c and all below it.
 *
 * Invariants checked here:
 * - a request is answered once, under its number, with what became of it;
 * - settings of a request hold all or none, within the ranges of QUERN_CONF;
 * - whatever is in the control words, the knobs in force are valid, the policy is one that
 *   there is, and the hub goes on;
 * - nothing is answered before others may ask, nor while another thread answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "../random.h"
#include "format/print.h"
#include "format/rundir.h"
#include "linuxport.h"
#include "process/control.h"

static struct qn_hub hub;
static struct qn_stats_control *control;

static void begin(void)
{
	port_reset(4096);
	memset(&hub, 0, sizeof(hub));
	assert_int_equal(qn_hub_init(&hub), 0);
	qn_port_lock(&hub.learn);
	qn_control_begin(&hub);
	qn_port_unlock(&hub.learn);
	control = &hub.page->control;
}

/* As quern ctl does. Return: the result; -1 if there was no answer. */
static int ask(u32 command, const char *text)
{
	u32 number = control->asked + 1;

	memset(control->text, 0, sizeof(control->text));
	memcpy(control->text, text, strlen(text));
	control->command = command;
	control->result = -1;
	control->asked = number;
	if (qn_control_is_asked(&hub))
		qn_control_answer(&hub);
	return control->answered == number ? control->result : -1;
}

static int set(const char *text)
{
	return ask(QN_STATS_COMMAND_SET, text);
}

static void test_settings(void **state)
{
	(void)state;
	begin();
	assert_int_equal(set("price:7.5"), 0);
	assert_int_equal(qn_hub_knobs(&hub)->price, 7500);
	assert_int_equal(hub.page->knobs.price, 7500);
	assert_int_equal(set("dirty:1M,dirty_part:8,policy:fixed"), 0);
	assert_int_equal(qn_hub_knobs(&hub)->dirty, 1 << 20);
	assert_int_equal(qn_hub_knobs(&hub)->dirty_part, 8);
	assert_int_equal(qn_hub_knobs(&hub)->price, 7500);
	assert_ptr_equal(hub.controller.policy, &qn_policy_fixed);
	assert_string_equal(hub.page->policy, "fixed");
	assert_string_equal(hub.conf.policy, "fixed");
	/* The last one counts, as in QUERN_CONF */
	assert_int_equal(set("price:1,price:3"), 0);
	assert_int_equal(hub.conf.knobs.price, 3000);
	/* The one that there is goes on with what it knows */
	hub.controller.nr_promoted = 5;
	assert_int_equal(set("policy:fixed"), 0);
	assert_int_equal(hub.controller.nr_promoted, 5);
	assert_int_equal(set("policy:rule"), 0);
	assert_int_equal(hub.controller.nr_promoted, 0);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		int result;
	} rows[] = {
		{ "", -EINVAL },
		{ "price", -EINVAL },
		{ "price:", -ERANGE },
		{ "price:0", -ERANGE },
		{ "price:1e9", -ERANGE },
		{ "price:7,", -EINVAL },
		{ ",price:7", -EINVAL },
		{ ":7", -EINVAL },
		{ "learn:2", -ERANGE },
		{ "dirty:99999999999999999999G", -ERANGE },
		{ "stats:/tmp", -EINVAL },
		{ "policy:", -EINVAL },
		{ "policy:nobody", -EINVAL },
		{ "policy:rulerulerulerule", -EINVAL },
		{ "policy:tuned", -EINVAL },
		{ "price:7,dirty:x", -ERANGE },
		{ "policy:fixed,price:0", -ERANGE },
	};
	struct qn_knobs before;

	(void)state;
	begin();
	before = *qn_hub_knobs(&hub);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(set(rows[i].text), rows[i].result);
		assert_memory_equal(&before, qn_hub_knobs(&hub),
				    sizeof(before));
		assert_ptr_equal(hub.controller.policy, &qn_policy_rule);
	}
	assert_int_equal(ask(QN_STATS_COMMAND_SIZES + 1, ""), -ENOSYS);
	assert_int_equal(ask(UINT32_MAX, ""), -ENOSYS);
}

/* A policy that chooses has its preset in force: what is set counts beneath it */
static void test_choosing(void **state)
{
	struct qn_knobs asked;

	(void)state;
	begin();
	assert_int_equal(set("policy:bandit"), 0);
	hub.controller.chooser[0].rails.preset = 1;
	asked = hub.conf.knobs;
	assert_int_equal(set("price:4"), 0);
	assert_int_equal(hub.conf.knobs.price, 4000);
	assert_int_equal(qn_hub_knobs(&hub)->price, 4000);
	assert_memory_not_equal(&asked, qn_hub_knobs(&hub), sizeof(asked));
	assert_int_not_equal(qn_hub_knobs(&hub)->keep, hub.conf.knobs.keep);
	/* Another policy begins with what was asked for */
	assert_int_equal(set("policy:rule"), 0);
	assert_memory_equal(&hub.conf.knobs, qn_hub_knobs(&hub), sizeof(asked));
}

static void test_purge(void **state)
{
	bool zeroed;
	struct qn_unit *u;

	(void)state;
	begin();
	u = qn_run_alloc(&hub.segments, 4, 1, QN_UNIT_LARGE, &zeroed);
	assert_non_null(u);
	qn_run_free(&hub.segments, u, 4 << QN_UNIT_SHIFT);
	assert_int_equal(hub.segments.resident.dirty, 256 << 10);
	assert_int_equal(ask(QN_STATS_COMMAND_PURGE, ""), 0);
	assert_int_equal(control->value, 256 << 10);
	assert_int_equal(hub.segments.resident.dirty, 0);
	assert_int_equal(hub.page->dirty, 0);
}

static void test_sizes(void **state)
{
	struct qn_sample s = { .size = 100, .interval = 65536 };

	(void)state;
	begin();
	assert_int_equal(hub.page->sizes.nr, 0);
	for (int i = 0; i < 10; i++)
		assert_true(qn_hub_learn(&hub, &s, 1));
	assert_int_equal(ask(QN_STATS_COMMAND_SIZES, ""), 0);
	assert_int_equal(control->value, 10);
	assert_int_equal(hub.page->sizes.nr, QN_HUB_STEPS);
	assert_int_equal(hub.page->sizes.step, 16);
	/* 100 bytes are 7 steps */
	assert_true(hub.page->sizes.weight[7] > 0);
	assert_int_equal(hub.page->sizes.weight[7], hub.page->sizes.total);
	assert_int_equal(hub.page->sizes.weight[6], 0);
}

static void test_once(void **state)
{
	(void)state;
	begin();
	assert_false(qn_control_is_asked(&hub));
	assert_int_equal(set("price:5"), 0);
	assert_false(qn_control_is_asked(&hub));
	hub.conf.knobs.price = 1;
	qn_control_answer(&hub);
	assert_int_equal(hub.conf.knobs.price, 1);
	/* Another thread is at it */
	qn_port_lock(&hub.control.lock);
	assert_int_equal(set("price:6"), -1);
	qn_port_unlock(&hub.control.lock);
	qn_control_answer(&hub);
	assert_int_equal(control->answered, control->asked);
	assert_int_equal(hub.conf.knobs.price, 6000);
	/* A child has a page of its own, which nobody sees */
	qn_control_end(&hub);
	assert_int_equal(set("price:9"), -1);
	assert_int_equal(hub.conf.knobs.price, 6000);
}

/* The answer wakes whoever waits, and numbers go round */
static void test_answer(void **state)
{
	(void)state;
	begin();
	port.nr_woken = 0;
	assert_int_equal(ask(QN_STATS_COMMAND_LOOK, ""), 0);
	assert_int_equal(port.nr_woken, 1);
	control->asked = hub.control.seen = UINT32_MAX;
	assert_int_equal(set("price:8"), 0);
	assert_int_equal(control->answered, 0);
}

/* A text without an end, and anything else */
static void test_hostile(void **state)
{
	static const char bits[] = "price:7.5,policy:dqn,keep:0,dirty:1G,::,,K";
	struct qn_sample s = { .size = 200, .interval = 65536 };
	u32 seed = 7;

	(void)state;
	begin();
	memset(control, 'x', sizeof(*control));
	qn_control_answer(&hub);
	for (int i = 0; i < 20000; i++) {
		char *p = (char *)control;

		for (size_t n = 0; n < sizeof(*control); n++)
			p[n] = (char)random_next(&seed);
		/* Half of them are nearly right */
		if (i & 1) {
			size_t at = random_next(&seed) % (sizeof(bits) - 1);

			control->command = random_next(&seed) % 5;
			memset(control->text, 0, sizeof(control->text));
			strcpy(control->text, bits + at);
		}
		port.clock += 3000;
		if (qn_control_is_asked(&hub))
			qn_control_answer(&hub);
		assert_true(qn_knobs_are_valid(qn_hub_knobs(&hub)));
		assert_non_null(qn_policy_find(hub.conf.policy));
		assert_string_equal(hub.controller.policy->name,
				    hub.conf.policy);
		qn_hub_learn(&hub, &s, 1);
	}
	assert_null(qn_segments_check(&hub.segments));
	assert_int_equal(qn_table_check(hub.table), 0);
}

/* The rest of the page may hold anything as well: nothing is decided by it */
static void test_hostile_page(void **state)
{
	struct qn_sample s = { .size = 200, .interval = 65536 };
	u32 seed = 9;

	(void)state;
	begin();
	for (int i = 0; i < 2000; i++) {
		u8 *p = (u8 *)hub.page;

		for (size_t n = 0; n < sizeof(*hub.page); n++)
			p[n] = (u8)random_next(&seed);
		port.clock += 3000;
		qn_hub_learn(&hub, &s, 1);
		qn_hub_account(&hub, 3, 4096, 1);
		qn_hub_account(&hub, 3, -4096, 0);
		qn_hub_refresh(&hub);
		qn_control_answer(&hub);
		assert_true(qn_knobs_are_valid(qn_hub_knobs(&hub)));
	}
	assert_int_equal(qn_table_check(hub.table), 0);
	assert_int_equal(hub.ledger.live, 0);
}

/* ---- names and texts ---- */

static void test_rundir(void **state)
{
	char path[QN_RUNDIR_PATH], name[QN_RUNDIR_NAME];
	char longest[200];

	(void)state;
	assert_true(qn_rundir(0, "/run/user/5", 5, path));
	assert_string_equal(path, "/run/user/5/quern");
	assert_false(qn_rundir(0, NULL, 5, path));
	assert_false(qn_rundir(0, "", 5, path));
	assert_false(qn_rundir(0, "run", 5, path));
	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = 0;
	assert_false(qn_rundir(0, longest, 5, path));
	longest[QN_RUNDIR_PATH - sizeof("/quern")] = 0;
	assert_true(qn_rundir(0, longest, 5, path));
	assert_int_equal(strlen(path), QN_RUNDIR_PATH - 1);
	assert_true(qn_rundir(1, NULL, 1000, path));
	assert_string_equal(path, "/run/user/1000/quern");
	assert_true(qn_rundir(2, NULL, 0, path));
	assert_string_equal(path, "/dev/shm/quern-0");
	assert_true(qn_rundir(3, NULL, UINT32_MAX, path));
	assert_string_equal(path, "/tmp/quern-4294967295");
	assert_false(qn_rundir(QN_RUNDIRS, NULL, 0, path));
	qn_rundir_page(UINT32_MAX, UINT64_MAX, name);
	assert_string_equal(name, "4294967295.18446744073709551615.qstat");
}

static void test_print(void **state)
{
	static const struct {
		u64 bytes;
		const char *text;
	} sizes[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 1536, "1.5 KiB" },
		{ 1024 * 1024 - 1, "1023.9 KiB" },
		{ 1024 * 1024, "1.0 MiB" },
		{ UINT64_MAX, "15.9 EiB" },
	};

	char text[64];
	struct qn_print p = { text, sizeof(text) };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = (struct qn_print){ text, sizeof(text) };
		qn_print_size(&p, sizes[i].bytes);
		assert_string_equal(text, sizes[i].text);
	}
	p = (struct qn_print){ text, sizeof(text) };
	qn_print_micro(&p, 7500000);
	qn_print(&p, " ");
	qn_print_micro(&p, 1);
	qn_print(&p, " ");
	qn_print_micro(&p, 2000000);
	assert_string_equal(text, "7.5 0.000001 2");
	p = (struct qn_print){ text, sizeof(text) };
	qn_print_path(&p, "/a/%p.%%p%", 12);
	assert_string_equal(text, "/a/12.%12%");
	/* What does not fit is left out, and there is an end */
	p = (struct qn_print){ text, 5 };
	qn_print(&p, "abc");
	qn_print_number(&p, 123);
	assert_string_equal(text, "abc1");
	assert_int_equal(p.left, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_choosing),
		cmocka_unit_test(test_purge),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_hostile_page),
		cmocka_unit_test(test_rundir),
		cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
