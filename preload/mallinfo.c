// SPDX-License-Identifier: MIT
/*
 * mallinfo.c - what malloc tells of itself under the C library's names: mallinfo(),
 * malloc_stats() and malloc_info(); and mallopt(). Other C libraries than glibc have none of
 * these.
 *
 * Above tally.h. What the calling thread has in use is counted; of other threads that
 * run it is what they told last. The words are glibc's: blocks that it would map one by
 * one are not in its arenas, so they stand apart here as well.
 */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>

#include "port/port.h"
#include "process/process.h"

/**
 * struct report - all that is told
 * @page:	of the process
 * @tally:	what is in use
 * @in_use:	bytes of blocks in use that are not mapped one by one
 * @rest, @nr_rest: free memory other than objects that are ready
 */
struct report {
	const struct qn_stats_page *page;
	struct qn_tally tally;
	size_t in_use;
	size_t rest;
	size_t nr_rest;
};

/* Free bytes of a class; counted at different times, so one may be ahead */
static size_t class_free(const struct report *r, unsigned int c)
{
	s64 slab = (s64)READ_ONCE(r->page->classes[c].slab);
	s64 live = c == QN_CLASS_DIRECT ?
			   0 :
			   (s64)READ_ONCE(r->page->classes[c].live);

	return slab > live && slab > 0 ? (size_t)(slab - max(live, (s64)0)) : 0;
}

/* Counted before anything is printed: stdio may allocate */
static bool report_make(struct report *r)
{
	r->page = qn_process_tally(&r->tally);
	if (!r->page)
		return false;
	r->in_use = r->tally.live - r->tally.mapped;
	r->rest = READ_ONCE(r->page->dirty);
	r->nr_rest = r->tally.nr_runs + (r->rest > 0);
	for (unsigned int c = 0; c < QN_NR_CLASSES; c++) {
		u32 osize = READ_ONCE(r->page->classes[c].osize);
		size_t bytes = class_free(r, c);

		r->rest += bytes;
		r->nr_rest += osize ? bytes / osize : 0;
	}
	return true;
}

static size_t arena_bytes(const struct report *r)
{
	return r->in_use + r->tally.ready + r->rest;
}

/* ---- mallinfo ---- */

QN_EXPORT __apart struct mallinfo2 mallinfo2(void)
{
	struct mallinfo2 info = { 0 };
	struct report r = { 0 };

	if (!report_make(&r))
		return info;
	info.arena = arena_bytes(&r);
	info.ordblks = r.nr_rest;
	info.smblks = r.tally.nr_ready;
	info.hblks = r.tally.nr_mapped;
	info.hblkhd = r.tally.mapped;
	info.fsmblks = r.tally.ready;
	info.uordblks = r.in_use;
	info.fordblks = r.tally.ready + r.rest;
	info.keepcost = READ_ONCE(r.page->dirty);
	return info;
}

static int saturate(size_t n)
{
	return n > INT_MAX ? INT_MAX : (int)n;
}

/* The same in int, where 2 GB and more read as the largest int */
QN_EXPORT __apart struct mallinfo mallinfo(void)
{
	struct mallinfo2 wide = mallinfo2();

	return (struct mallinfo){
		.arena = saturate(wide.arena),
		.ordblks = saturate(wide.ordblks),
		.smblks = saturate(wide.smblks),
		.hblks = saturate(wide.hblks),
		.hblkhd = saturate(wide.hblkhd),
		.fsmblks = saturate(wide.fsmblks),
		.uordblks = saturate(wide.uordblks),
		.fordblks = saturate(wide.fordblks),
		.keepcost = saturate(wide.keepcost),
	};
}

__asm__(".globl __libc_mallinfo\n"
	".type __libc_mallinfo, %function\n"
	".set __libc_mallinfo, mallinfo\n");

/* ---- mallopt ---- */

/*
 * Parameters that tune are accepted and leave the heap as it is: it tunes
 * itself. M_PERTURB asks for something that a program could see, and is not
 * offered.
 */
QN_EXPORT __apart int mallopt(int param, int value)
{
	switch (param) {
	case M_MXFAST:
		/* The largest that the manual allows */
		return value >= 0 && value <= 80 * (int)sizeof(size_t) / 4;
	case M_TRIM_THRESHOLD:
	case M_TOP_PAD:
	case M_MMAP_THRESHOLD:
	case M_MMAP_MAX:
	case M_CHECK_ACTION:
	case M_ARENA_TEST:
	case M_ARENA_MAX:
		return 1;
	default:
		return 0;
	}
}

__asm__(".globl __libc_mallopt\n"
	".type __libc_mallopt, %function\n"
	".set __libc_mallopt, mallopt\n");

/* ---- malloc_stats ---- */

/**
 * struct text - a report under construction, without stdio
 * @size:	bytes in @buf; what does not fit is dropped
 */
struct text {
	size_t size;
	char buf[512];
};

static void text_add(struct text *t, const char *s)
{
	while (*s && t->size < sizeof(t->buf))
		t->buf[t->size++] = *s++;
}

/* In ten places at least, as the C library has them */
static void text_add_line(struct text *t, const char *label, size_t n)
{
	char digits[24] = { 0 };
	size_t at = sizeof(digits) - 2;

	digits[at] = '\n';
	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	while (at > sizeof(digits) - 2 - 10)
		digits[--at] = ' ';
	text_add(t, label);
	text_add(t, digits + at);
}

/* Straight to descriptor 2: it may be called where stdio's lock is held */
QN_EXPORT __apart void malloc_stats(void)
{
	struct report r = { 0 };
	struct text t = { 0 };

	if (!report_make(&r))
		return;
	text_add(&t, "Arena 0:\n");
	text_add_line(&t, "system bytes     = ", arena_bytes(&r));
	text_add_line(&t, "in use bytes     = ", r.in_use);
	text_add(&t, "Total (incl. mmap):\n");
	text_add_line(&t,
		      "system bytes     = ", arena_bytes(&r) + r.tally.mapped);
	text_add_line(&t, "in use bytes     = ", r.tally.live);
	text_add_line(&t, "mmap regions     = ", r.tally.nr_mapped);
	text_add_line(&t, "mmap bytes       = ", r.tally.mapped);
	qn_port_write(t.buf, t.size);
}

/* ---- malloc_info ---- */

/* Free objects by size, those that are ready among them; then what is free in chunks */
static void info_sizes(FILE *f, const struct report *r)
{
	size_t from = 1, bytes;

	fputs("<sizes>\n", f);
	for (unsigned int c = 1; c < QN_NR_CLASSES; c++) {
		size_t osize = READ_ONCE(r->page->classes[c].osize);

		if (!osize)
			continue;
		if (from > osize)
			from = 1;
		bytes = class_free(r, c) + r->tally.ready_of[c] * osize;
		if (bytes >= osize)
			fprintf(f,
				"  <size from=\"%zu\" to=\"%zu\" total=\"%zu\""
				" count=\"%zu\"/>\n",
				from, osize, bytes, bytes / osize);
		from = osize + 1;
	}
	bytes = class_free(r, QN_CLASS_DIRECT);
	if (bytes)
		fprintf(f,
			"  <unsorted from=\"%zu\" to=\"%zu\" total=\"%zu\""
			" count=\"%zu\"/>\n",
			QN_SLAB_MAX + 1, QN_MEDIUM_MAX, bytes,
			max(r->tally.nr_runs, (size_t)1));
	fputs("</sizes>\n", f);
}

static void info_total(FILE *f, const char *type, size_t nr, size_t size)
{
	fprintf(f, "<total type=\"%s\" count=\"%zu\" size=\"%zu\"/>\n", type,
		nr, size);
}

static void info_free(FILE *f, const struct report *r)
{
	info_total(f, "fast", r->tally.nr_ready, r->tally.ready);
	info_total(f, "rest", r->nr_rest, r->rest);
}

static void info_system(FILE *f, const struct report *r)
{
	size_t now = arena_bytes(r);

	fprintf(f,
		"<system type=\"current\" size=\"%zu\"/>\n"
		"<system type=\"max\" size=\"%zu\"/>\n"
		"<aspace type=\"total\" size=\"%zu\"/>\n"
		"<aspace type=\"mprotect\" size=\"%zu\"/>\n",
		now, max((size_t)READ_ONCE(r->page->peak_used), now),
		(size_t)READ_ONCE(r->page->reserved), r->tally.usable);
}

/*
 * Element by element as glibc's for one arena; what it does not have comes last. Writes
 * through the caller's stdio, so unlike the rest it may allocate.
 */
QN_EXPORT __apart int malloc_info(int options, FILE *f)
{
	struct report r = { 0 };

	if (options)
		return EINVAL;
	if (!report_make(&r))
		return ENOMEM;
	fputs("<malloc version=\"1\">\n<heap nr=\"0\">\n", f);
	info_sizes(f, &r);
	info_free(f, &r);
	info_system(f, &r);
	fputs("</heap>\n", f);
	info_free(f, &r);
	info_total(f, "mmap", r.tally.nr_mapped, r.tally.mapped);
	info_system(f, &r);
	fprintf(f,
		"<live size=\"%zu\"/>\n"
		"<metadata size=\"%zu\"/>\n"
		"</malloc>\n",
		r.tally.live, (size_t)READ_ONCE(r.page->metadata));
	return 0;
}
