// SPDX-License-Identifier: MIT
/*
 * trace-heaptrack.c - lines of heaptrack's.
 *
 * Raw, as the program wrote them: "x program", "m module base parts", "t address
 * parent" for a caller, "+ size trace address", "- address". Interpreted, after
 * heaptrack has looked names up: "s name", "i address module function file line ...",
 * "t ip parent", "a size trace" for a kind of allocation, "+ kind", "- kind". Numbers
 * are hexadecimal and count from 1, kinds from 0. In both "c milliseconds".
 */
#define _GNU_SOURCE 1
#include "trace-import.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/fail.h"

/* ---- call sites ---- */

/* A name that ends the line; newer versions tell its size before it */
static char *name_of(const char *text)
{
	const char *end = text + strcspn(text, "\n");
	char *after;
	u64 size = strtoull(text, &after, 16);

	if (after != text && *after == ' ' && size == (u64)(end - after - 1))
		text = after + 1;
	return qn_xprintf(
		"%.*s", (int)min(end - text, (ptrdiff_t)QN_MODULE_NAME), text);
}

static void add_string(struct qn_heaptrack *h, const char *text)
{
	QN_GROW(h->strings, h->nr_strings);
	h->strings[h->nr_strings++] = name_of(text);
}

/* A number; *@text is moved on. False: there is none. */
static bool next_number(char **text, u64 *v)
{
	char *end;

	*v = strtoull(*text, &end, 16);
	if (end == *text)
		return false;
	*text = end;
	return true;
}

/* "i address module", then for each function here its name, file and line */
static void add_ip(struct qn_heaptrack *h, char *text)
{
	struct qn_heaptrack_ip ip = { .first = h->nr_functions };
	u64 function, rest;

	next_number(&text, &ip.address);
	next_number(&text, &ip.module);
	while (next_number(&text, &function)) {
		QN_GROW(h->functions, h->nr_functions);
		h->functions[h->nr_functions++] = function;
		ip.nr++;
		if (!next_number(&text, &rest) || !next_number(&text, &rest))
			break;
	}
	QN_GROW(h->ips, h->nr_ips);
	h->ips[h->nr_ips++] = ip;
}

static void add_trace(struct qn_heaptrack *h, const u64 *v)
{
	QN_GROW(h->traces, h->nr_traces);
	h->traces[h->nr_traces++] = (struct qn_heaptrack_trace){ v[0], v[1] };
}

static void free_modules(struct qn_heaptrack *h)
{
	for (u32 i = 0; i < h->nr_modules; i++)
		free(h->modules[i].name);
	h->nr_modules = 0;
}

/*
 * "m size name base", then distance and size of each part that is mapped; older
 * versions leave the size of the name out. "-": all are told anew.
 */
static void add_module(struct qn_heaptrack *h, char *text)
{
	struct qn_heaptrack_module m = { .start = UINT64_MAX };
	char *name = text, *end;
	u64 size, at;

	if (next_number(&text, &size) && *text == ' ' && size < strlen(text))
		name = text + 1;
	else
		size = strcspn(name, " \n");
	end = name + size;
	if (size == 1 && *name == '-') {
		free_modules(h);
		return;
	}
	if (!next_number(&end, &m.base))
		return;
	while (next_number(&end, &at) && next_number(&end, &size)) {
		m.start = min(m.start, m.base + at);
		m.end = max(m.end, m.base + at + size);
	}
	size = min(strcspn(name, " \n"), QN_MODULE_NAME);
	m.name = size == 1 && *name == 'x' && h->program ?
			 qn_xprintf("%s", h->program) :
			 qn_xprintf("%.*s", (int)size, name);
	QN_GROW(h->modules, h->nr_modules);
	h->modules[h->nr_modules++] = m;
}

static struct qn_trace_frame named(struct qn_import *m, const char *name,
				   u64 offset)
{
	return (struct qn_trace_frame){
		qn_stacks_module(&m->sites, name, strlen(name)), offset
	};
}

/* Raw: an address of the process, which lies in one of its files */
static struct qn_trace_frame raw_frame(struct qn_import *m, u64 address)
{
	const struct qn_heaptrack *h = &m->heaptrack;

	for (u32 i = 0; i < h->nr_modules; i++)
		if (address >= h->modules[i].start &&
		    address < h->modules[i].end)
			return named(m, h->modules[i].name,
				     address - h->modules[i].base);
	return (struct qn_trace_frame){ 0, address };
}

static const char *string(const struct qn_heaptrack *h, u64 nr)
{
	return nr && nr <= h->nr_strings ? h->strings[nr - 1] : NULL;
}

/*
 * Interpreted, and without a name: where its file lay is not told, so the address stays
 * as it is, beside the file's name
 */
static struct qn_trace_frame nameless(struct qn_import *m, u64 address,
				      const char *file)
{
	const char *slash = file ? strrchr(file, '/') : NULL;
	struct qn_trace_frame f = { 0, address };
	char *text;

	if (!file)
		return f;
	text = qn_xprintf("0x%" PRIx64 " (%.200s)", address,
			  slash ? slash + 1 : file);
	f = named(m, text, 0);
	free(text);
	return f;
}

/*
 * The frames of an address, up to @most; a function takes the place of a module, and
 * has no offset
 */
static u32 frames_of(struct qn_import *m, u64 number,
		     struct qn_trace_frame *frames, u32 most)
{
	const struct qn_heaptrack *h = &m->heaptrack;
	const struct qn_heaptrack_ip *ip;
	u32 nr = 0;

	if (!h->nr_ips || !number || number > h->nr_ips) {
		frames[0] = raw_frame(m, number);
		return 1;
	}
	ip = &h->ips[number - 1];
	for (u32 i = 0; i < ip->nr && nr < most; i++) {
		const char *name = string(h, h->functions[ip->first + i]);

		if (name)
			frames[nr++] = named(m, name, 0);
	}
	if (!nr)
		frames[nr++] = nameless(m, ip->address, string(h, ip->module));
	return nr;
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
		nr += frames_of(m, h->traces[trace - 1].ip, frames + nr,
				QN_TRACE_DEPTH - nr);
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
	QN_GROW(h->kinds, h->nr_kinds);
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
		QN_GROW(k->slots, k->nr);
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
	case 'x': /* the program's file */
		free(m->heaptrack.program);
		m->heaptrack.program = name_of(line + 1 + (line[1] == ' '));
		break;
	case 'm':
		add_module(&m->heaptrack, line + 1 + (line[1] == ' '));
		break;
	case 'i':
		add_ip(&m->heaptrack, line + 1);
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
	free_modules(h);
	free(h->modules);
	free(h->program);
	free(h->functions);
	free(h->kinds);
	free(h->strings);
	free(h->ips);
	free(h->traces);
}
