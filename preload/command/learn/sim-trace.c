// SPDX-License-Identifier: MIT
/*
 * sim-trace.c - traces in memory, and mixes of them; see sim.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/crc32.h"
#include "command/base/fail.h"
#include "command/trace/trace-read.h"
#include "sim.h"

/* ---- traces ---- */

/* "traces/jq.trace" as "jq" */
static void name_of(struct qn_sim_trace *t)
{
	const char *slash = strrchr(t->path, '/');
	const char *from = slash ? slash + 1 : t->path;
	size_t size = min(strcspn(from, "."), sizeof(t->name) - 1);

	for (size_t i = 0; i < size; i++)
		t->name[i] = from[i] <= ' ' || from[i] > '~' ? '?' : from[i];
	t->name[size] = 0;
}

static void add(struct qn_sim_trace *t, const struct qn_op *op, u64 first_ns)
{
	struct qn_sim_op *to;

	if (t->nr == t->room) {
		u64 room = 2 * t->room + 65536;

		t->ops = qn_xremap(t->ops, t->room * sizeof(*t->ops),
				   room * sizeof(*t->ops));
		t->room = room;
	}
	to = &t->ops[t->nr++];
	to->usec = (op->ns - first_ns) / 1000;
	to->size = op->op == QN_TRACE_FREE ? 0 : op->size;
	to->slot = op->slot;
	to->op = op->op;
	to->align_shift = op->align_shift;
	t->nr_slots = max(t->nr_slots, op->slot + 1);
}

static void read_all(struct qn_sim_trace *t, const struct qn_tracefile *file,
		     u32 process, u64 most)
{
	struct qn_reader reader;
	struct qn_op op;
	u64 first = 0;

	qn_reader_init(&reader, file, process);
	while (t->nr < most && qn_reader_next(&reader, &op)) {
		if (!qn_op_is_heap(&op))
			continue;
		if (!t->nr)
			first = op.ns;
		add(t, &op, first);
	}
	qn_reader_exit(&reader);
	for (u64 i = 0; i < t->nr; i++)
		t->sum = qn_crc32(t->sum, &t->ops[i],
				  offsetof(struct qn_sim_op, align_shift) + 1);
}

/* Each episode forks: a child gets entries of pages that it reads, and no others */
static void share(struct qn_sim_trace *t)
{
	size_t size = t->nr * sizeof(*t->ops);
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return;
	memcpy(p, t->ops, size);
	qn_xremap(t->ops, t->room * sizeof(*t->ops), 0);
	t->ops = p;
	t->room = t->nr;
}

int qn_sim_load(struct qn_sim_trace *t, const char *path, u64 most)
{
	struct qn_tracefile file;
	u32 process = UINT32_MAX;
	int err;

	*t = (struct qn_sim_trace){ .path = path };
	name_of(t);
	err = qn_tracefile_open(&file, path);
	if (err)
		return err;
	err = qn_tracefile_choose(&file, path, &process);
	if (!err)
		read_all(t, &file, process, most);
	if (!err && !t->nr) {
		qn_error("%s has no call of malloc; record one: quern record "
			 "-o FILE -- PROGRAM",
			 path);
		err = -EINVAL;
	}
	qn_tracefile_close(&file);
	if (!err)
		share(t);
	return err;
}

void qn_sim_unload(struct qn_sim_trace *t)
{
	qn_xremap(t->ops, t->room * sizeof(*t->ops), 0);
	*t = (struct qn_sim_trace){ .path = t->path };
}

/* ---- mixes ---- */

void qn_sim_mix_whole(struct qn_sim_mix *m, const struct qn_sim_trace *t)
{
	m->nr = 1;
	m->parts[0] = (struct qn_sim_part){ .trace = t, .to = t->nr };
}

/* Short pauses as often as long ones: each doubling has the same chance */
static u64 draw_pause(u64 *state)
{
	u64 usec = QN_SIM_PAUSE_LEAST << qn_random(state) % 6;

	usec += qn_random(state) % usec;
	return min(usec, (u64)QN_SIM_PAUSE_MOST);
}

static u32 draw_stretch(u32 most, u64 *state)
{
	u32 nr = 1;

	while (most >> nr)
		nr++;
	return 1u << qn_random(state) % nr;
}

/* The start one time in two, else anywhere */
static u64 draw_from(const struct qn_sim_trace *t, u64 most, u64 *state)
{
	u64 r = qn_random(state);

	if (t->nr <= most || r % 2)
		return 0;
	return (r >> 8) % (t->nr - most);
}

void qn_sim_mix_draw(struct qn_sim_mix *m,
		     const struct qn_sim_trace *const *traces, u32 nr_traces,
		     u32 nr, u64 most, u32 most_stretch, u64 seed)
{
	const struct qn_sim_trace *t = NULL;
	u64 from;

	m->nr = nr;
	for (u32 i = 0; i < nr; i++) {
		/* Again the same, one time in two */
		if (!t || qn_random(&seed) % 2)
			t = traces[qn_random(&seed) % nr_traces];
		from = draw_from(t, most, &seed);
		m->parts[i] = (struct qn_sim_part){
			.trace = t,
			.from = from,
			.to = min(t->nr, from + most),
			.pause = draw_pause(&seed),
			.stretch = draw_stretch(most_stretch, &seed),
		};
	}
}
