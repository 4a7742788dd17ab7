// SPDX-License-Identifier: MIT
/*
 * trace-heaptrack.c - lines of heaptrack's.
 *
 * Raw, as the program wrote them: "t address parent" for a caller, "+ size trace
 * address", "- address". Interpreted, after heaptrack has looked names up: "s name",
 * "i address module function ...", "t ip parent", "a size trace" for a kind of
 * allocation, "+ kind", "- kind". Numbers are hexadecimal and count from 1, kinds from
 * 0. In both "c milliseconds".
 */
#define _GNU_SOURCE 1
#include "trace-import.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

/* Room for one more after @nr elements of @size bytes */
static void *grown(void *p, u32 nr, size_t size)
{
	if (nr & (nr - 1))
		return p;
	return qn_xrealloc(p, (2 * (size_t)nr + 1) * size);
}

/* ---- call sites ---- */

/* Newer versions tell the size of a name before it */
static void add_string(struct qn_heaptrack *h, const char *text)
{
	const char *end = text + strcspn(text, "\n");
	char *after;
	u64 size = strtoull(text, &after, 16);

	if (after != text && *after == ' ' && size == (u64)(end - after - 1))
		text = after + 1;
	h->strings = grown(h->strings, h->nr_strings, sizeof(*h->strings));
	h->strings[h->nr_strings++] = qn_xprintf(
		"%.*s", (int)min(end - text, (ptrdiff_t)QN_MODULE_NAME), text);
}

static void add_ip(struct qn_heaptrack *h, const u64 *v)
{
	h->ips = grown(h->ips, h->nr_ips, sizeof(*h->ips));
	h->ips[h->nr_ips++] = (struct qn_heaptrack_ip){ v[0], v[1], v[2] };
}

static void add_trace(struct qn_heaptrack *h, const u64 *v)
{
	h->traces = grown(h->traces, h->nr_traces, sizeof(*h->traces));
	h->traces[h->nr_traces++] = (struct qn_heaptrack_trace){ v[0], v[1] };
}

/* Where names are known a function takes the place of a module, without an offset */
static struct qn_trace_frame frame_of(struct qn_import *m, u64 ip)
{
	const struct qn_heaptrack *h = &m->heaptrack;
	const struct qn_heaptrack_ip *i;
	u64 name;

	if (!h->nr_ips || !ip || ip > h->nr_ips)
		return (struct qn_trace_frame){ 0, ip };
	i = &h->ips[ip - 1];
	name = i->function && i->function <= h->nr_strings ? i->function :
							     i->module;
	if (!name || name > h->nr_strings)
		return (struct qn_trace_frame){ 0, i->address };
	return (struct qn_trace_frame){ qn_stacks_module(
						&m->sites, h->strings[name - 1],
						strlen(h->strings[name - 1])),
					name == i->function ? 0 : i->address };
}

/* Return: the site of a trace; it has the trace's number */
static u32 site_of(struct qn_import *m, u64 trace)
{
	const struct qn_heaptrack *h = &m->heaptrack;
	struct qn_trace_frame frames[QN_TRACE_DEPTH];
	u64 site = trace;
	u32 nr = 0;

	if (trace >= QN_STACKS_MOST || trace > h->nr_traces)
		return 0;
	if (qn_stacks_frames(&m->sites, (u32)site, &nr))
		return (u32)site;
	for (; trace && trace <= h->nr_traces && nr < QN_TRACE_DEPTH;
	     trace = h->traces[trace - 1].parent)
		frames[nr++] = frame_of(m, h->traces[trace - 1].ip);
	return nr && qn_stacks_set(&m->sites, site, frames, nr) ? (u32)site : 0;
}

/* ---- events ---- */

static void raw_call(struct qn_import *m, char sign, const u64 *v)
{
	struct qn_op op = { .op = sign == '+' ? QN_TRACE_MALLOC : QN_TRACE_FREE,
			    .ns = m->ns,
			    .site = sign == '+' ? site_of(m, v[1]) : 0,
			    .size = sign == '+' ? v[0] : 0 };

	qn_import_add(m, sign == '+' ? v[2] : v[0], &op);
}

static void add_kind(struct qn_import *m, u64 size, u64 trace)
{
	struct qn_heaptrack *h = &m->heaptrack;

	if (size > QN_TRACE_SIZE_MAX) {
		qn_import_bad(m, "the size is no size");
		size = 0;
	}
	h->kinds = grown(h->kinds, h->nr_kinds, sizeof(*h->kinds));
	h->kinds[h->nr_kinds++] =
		(struct qn_heaptrack_kind){ .size = size,
					    .site = site_of(m, trace) };
}

/* Which of a kind is freed is not told; the latest is taken */
static void kind_call(struct qn_import *m, char sign, u64 kind)
{
	struct qn_op op = { .op = sign == '+' ? QN_TRACE_MALLOC : QN_TRACE_FREE,
			    .ns = m->ns };
	struct qn_heaptrack_kind *k =
		kind < m->heaptrack.nr_kinds ? &m->heaptrack.kinds[kind] : NULL;

	if (!k || (sign == '-' && !k->nr)) {
		qn_import_bad(m, "there is no such allocation");
		return;
	}
	if (sign == '+') {
		k->slots = grown(k->slots, k->nr, sizeof(*k->slots));
		op.size = k->size;
		op.site = k->site;
		op.slot = k->slots[k->nr++] = qn_objects_slot(&m->objects);
	} else {
		op.slot = k->slots[--k->nr];
		qn_objects_release(&m->objects, op.slot);
	}
	qn_writer_put(&m->w, &op);
}

static void read_call(struct qn_import *m, char sign, const u64 *v, int got)
{
	if (got == 3 || (got == 1 && sign == '-' && !m->heaptrack.nr_kinds))
		raw_call(m, sign, v);
	else if (got == 1)
		kind_call(m, sign, v[0]);
	else
		qn_import_bad(m, "is no line of heaptrack");
}

void qn_import_heaptrack(struct qn_import *m, char *line)
{
	u64 v[3] = { 0 };
	int got = sscanf(line + 1, " %" SCNx64 " %" SCNx64 " %" SCNx64, &v[0],
			 &v[1], &v[2]);

	switch (line[0]) {
	case 'c': /* milliseconds since the start */
		m->ns = max(m->ns, v[0] * 1000000);
		break;
	case 's':
		add_string(&m->heaptrack, line + 1 + (line[1] == ' '));
		break;
	case 'i':
		add_ip(&m->heaptrack, v);
		break;
	case 't':
		add_trace(&m->heaptrack, v);
		break;
	case 'a':
		if (got >= 2)
			add_kind(m, v[0], v[1]);
		break;
	case '+':
	case '-':
		read_call(m, line[0], v, got);
		break;
	default:
		break;
	}
}

void qn_heaptrack_exit(struct qn_heaptrack *h)
{
	for (u32 i = 0; i < h->nr_kinds; i++)
		free(h->kinds[i].slots);
	for (u32 i = 0; i < h->nr_strings; i++)
		free(h->strings[i]);
	free(h->kinds);
	free(h->strings);
	free(h->ips);
	free(h->traces);
}
