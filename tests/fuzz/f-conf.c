// SPDX-License-Identifier: MIT
/*
 * f-conf.c - texts that settings are read from: QUERN_CONF, a file of tuned settings, the
 * words of a request, and the system's files about scarce memory.
 *
 * The first byte says which. Whatever the text: knobs in force are valid, paths are
 * terminated, an error has a message that ends within its buffer, and leaves all as it was.
 */
#include "format/conf.h"
#include "format/tuned.h"
#include "process/control.h"
#include "process/gauge.h"
#include "process/pressure.h"

#include "../unit/linuxport.h"
#include "fuzz.h"

#define GUARD 0x5a

/* ---- QUERN_CONF ---- */

static void expect_terminated(const char *text, size_t size)
{
	fuzz_expect(memchr(text, 0, size), "no end within %zu bytes", size);
}

static void expect_sound(const struct qn_conf *c)
{
	fuzz_expect(qn_knobs_are_valid(&c->knobs), "a knob out of its range");
	expect_terminated(c->policy, sizeof(c->policy));
	expect_terminated(c->tuned, sizeof(c->tuned));
	expect_terminated(c->stats, sizeof(c->stats));
	expect_terminated(c->report, sizeof(c->report));
	expect_terminated(c->metrics, sizeof(c->metrics));
	expect_terminated(c->pressure_root, sizeof(c->pressure_root));
	expect_terminated(c->engine, sizeof(c->engine));
	fuzz_expect(qn_policy_find(c->policy), "no policy %s", c->policy);
	fuzz_expect(c->sample >= 4096 && c->live <= 1 && c->sites <= 1,
		    "a value out of its range");
}

static void conf(const char *text, size_t room)
{
	struct qn_conf c, before;
	char error[QN_CONF_ERROR + 1];

	room = room % QN_CONF_ERROR + 1;
	memset(error, GUARD, sizeof(error));
	qn_conf_init(&c);
	before = c;
	if (qn_conf_parse(&c, text, error, room)) {
		fuzz_expect(!memcmp(&c, &before, sizeof(c)), "half is set");
		fuzz_expect(room < 2 || *error, "no message for %s", text);
	}
	expect_terminated(error, room);
	fuzz_expect(error[room] == GUARD, "written behind %zu bytes", room);
	expect_sound(&c);
}

/* ---- a file of tuned settings ---- */

static void tuned(const char *text, size_t size)
{
	struct qn_tuned_file t;
	struct qn_knobs knobs = qn_knobs_preset;
	char error[QN_TUNED_ERROR + 1];
	int err;

	memset(error, GUARD, sizeof(error));
	err = qn_tuned_parse(&t, text, size, error);
	expect_terminated(error, QN_TUNED_ERROR);
	fuzz_expect(error[QN_TUNED_ERROR] == GUARD, "written behind");
	fuzz_expect(!err == !*error, "%d with the message \"%s\"", err, error);
	fuzz_expect(t.nr_classes <= QN_TUNED_CLASSES, "%u", t.nr_classes);
	for (unsigned int i = 0; i < t.nr_classes; i++)
		fuzz_expect(t.classes[i] && t.classes[i] <= QN_TUNED_SIZE, "%u",
			    t.classes[i]);
	fuzz_expect(qn_knobs_are_valid(&t.knobs), "a knob out of its range");
	qn_tuned_merge(&t, &knobs);
	fuzz_expect(qn_knobs_are_valid(&knobs), "a knob out of its range");
}

/* ---- requests ---- */

static struct qn_hub hub;

static void control(struct fuzz_input *in)
{
	struct qn_stats_control *c;

	port_reset(4096);
	memset(&hub, 0, sizeof(hub));
	fuzz_expect(!qn_hub_init(&hub), "no hub");
	qn_port_lock(&hub.learn);
	qn_control_begin(&hub);
	qn_port_unlock(&hub.learn);
	c = &hub.page->control;
	while (fuzz_left(in)) {
		size_t n = fuzz_byte(in) * 2u;

		c->command = fuzz_byte(in) % 8;
		memset(c->text, 0, sizeof(c->text));
		for (size_t i = 0; i < n && i < sizeof(c->text); i++)
			c->text[i] = (char)fuzz_byte(in);
		c->asked++;
		qn_control_answer(&hub);
		fuzz_expect(c->answered == c->asked, "no answer");
		fuzz_expect(qn_knobs_are_valid(qn_hub_knobs(&hub)),
			    "a knob out of its range");
		fuzz_expect(qn_policy_find(hub.conf.policy), "no policy %s",
			    hub.conf.policy);
		fuzz_expect(!qn_table_check(hub.table), "the table");
		fuzz_expect(!hub.learn.word && !hub.control.lock.word,
			    "a lock is held");
	}
	qn_segments_exit(&hub.segments);
}

/* ---- how scarce memory is ---- */

static void gauge(struct fuzz_input *in)
{
	static const char *const paths[] = {
		"/proc/pressure/memory",
		"/proc/self/cgroup",
		"/proc/meminfo",
		"/sys/fs/cgroup/a/memory.pressure",
		"/sys/fs/cgroup/a/memory.max",
		"/sys/fs/cgroup/a/memory.current",
		"/sys/fs/cgroup/a/memory.stat",
		"/sys/fs/cgroup/a/memory.high",
	};
	static char texts[ARRAY_SIZE(paths)][512];
	struct port_file files[ARRAY_SIZE(paths) + 1] = { 0 };
	static struct qn_gauge g;
	static struct qn_resident r;

	port_reset(4096);
	memset(&g, 0, sizeof(g));
	memset(&r, 0, sizeof(r));
	g.root = "";
	r.dirty = (size_t)64 << 20;
	port.files = files;
	for (unsigned int i = 0; i < ARRAY_SIZE(paths); i++) {
		size_t n = fuzz_byte(in) * 2u;

		for (size_t k = 0; k < n; k++)
			texts[i][k] = (char)fuzz_byte(in);
		files[i] = (struct port_file){ paths[i], texts[i], n ? n : 1 };
	}
	for (int i = 0; i < 4; i++) {
		port.clock += QN_GAUGE_US;
		port.limits[i % 2] = fuzz_u32(in);
		qn_gauge_look(&g, &r, fuzz_u32(in), port.clock);
		fuzz_expect(r.pressure <= QN_PRESSURE_MOST, "%u", r.pressure);
		fuzz_expect(!g.lock.word, "a lock is held");
	}
	expect_terminated(g.group, sizeof(g.group));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_begin(data, size);
	uint32_t what = fuzz_byte(&in) % 4;
	size_t left = fuzz_left(&in);
	char *text = malloc(left + 1);

	if (!text)
		return 0;
	memcpy(text, in.at, left);
	text[left] = '\0';
	if (what == 0)
		conf(text, left ? (unsigned char)text[left - 1] * 8u : 0);
	else if (what == 1)
		tuned((const char *)in.at, left);
	else if (what == 2)
		control(&in);
	else
		gauge(&in);
	free(text);
	return 0;
}
