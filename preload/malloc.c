// SPDX-License-Identifier: MIT
/*
 * malloc.c - the C library's names for the process's heap.
 *
 * The top of the river: malloc() and free() are the inline fast paths of
 * process.h and nothing more, the other names check their arguments and pass
 * them down. Contracts are glibc's, which preloaded programs were written
 * against: realloc(p, 0) frees and returns NULL, alignments that are no power
 * of two are refused as its manual says. Must be compiled with -fno-builtin, or
 * the compiler turns code of this kind into calls of itself.
 */
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "port/port.h"
#include "process.h"

/* Not, or not in every version of the C library, declared by its headers */
void cfree(void *p);
void free_sized(void *p, size_t size);
void free_aligned_sized(void *p, size_t align, size_t size);

QN_EXPORT void *malloc(size_t size)
{
	return qn_process_malloc(size);
}

QN_EXPORT void free(void *p)
{
	qn_process_free(p);
}

QN_EXPORT void cfree(void *p) __attribute__((alias("free"), leaf, nothrow));

/* The size is a promise of the caller's; the heap knows whether it can be true */
QN_EXPORT void free_sized(void *p, size_t size)
{
	qn_process_free_sized_slow(p, size, QN_SIZED_OTHER, "free_sized");
}

QN_EXPORT void free_aligned_sized(void *p, size_t align __maybe_unused,
				  size_t size)
{
	qn_process_free_sized_slow(p, size, QN_SIZED_OTHER,
				   "free_aligned_sized");
}

QN_EXPORT void *calloc(size_t n, size_t size)
{
	return qn_process_calloc(n, size);
}

static void *fail(int error)
{
	errno = error;
	return NULL;
}

/* To 0 bytes is a free with NULL as its result, and no failure */
QN_EXPORT void *realloc(void *p, size_t size)
{
	if (unlikely(p && !size)) {
		qn_process_free(p);
		return NULL;
	}
	return qn_process_realloc(p, size);
}

QN_EXPORT void *reallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return fail(ENOMEM);
	return realloc(p, bytes);
}

QN_EXPORT __seldom void *memalign(size_t align, size_t size)
{
	if (!is_power_of_2(align))
		return fail(EINVAL);
	return qn_process_memalign(align, size);
}

QN_EXPORT __seldom void *aligned_alloc(size_t align, size_t size)
{
	return memalign(align, size);
}

/* Reports by its result: errno and, on failure, *@memptr stay as they were */
QN_EXPORT __seldom int posix_memalign(void **memptr, size_t align, size_t size)
{
	int saved = errno;
	void *p;

	if (!is_power_of_2(align) || align % sizeof(void *))
		return EINVAL;
	p = qn_process_memalign(align, size);
	errno = saved;
	if (!p)
		return ENOMEM;
	*memptr = p;
	return 0;
}

QN_EXPORT __seldom void *valloc(size_t size)
{
	return qn_process_memalign(qn_port_page_size(), size);
}

/* valloc() of whole pages */
QN_EXPORT __seldom void *pvalloc(size_t size)
{
	size_t page = qn_port_page_size();

	if (size > PTRDIFF_MAX)
		return fail(ENOMEM);
	return qn_process_memalign(page, round_up(size, page));
}

QN_EXPORT size_t malloc_usable_size(void *p)
{
	return qn_process_usable_size(p);
}

QN_EXPORT int malloc_trim(size_t pad __maybe_unused)
{
	return qn_process_trim();
}

/*
 * Parameters that tune are accepted and leave the heap as it is: it tunes
 * itself. M_PERTURB asks for something that a program could see, and is not
 * offered.
 */
QN_EXPORT int mallopt(int param, int value __maybe_unused)
{
	switch (param) {
	case M_MXFAST:
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

/*
 * In the words of the C library's manual: all memory is in arenas, none in
 * separately mapped blocks, and arena = uordblks + fordblks.
 */
QN_EXPORT __apart struct mallinfo2 mallinfo2(void)
{
	struct qn_stats st = { 0 };
	struct mallinfo2 info = { 0 };

	qn_stats(&st);
	info.uordblks = st.live;
	info.fordblks = st.free;
	info.arena = st.live + st.free;
	info.keepcost = READ_ONCE(qn_process_stats()->dirty);
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
	struct mallinfo info = { 0 };

	info.uordblks = saturate(wide.uordblks);
	info.fordblks = saturate(wide.fordblks);
	info.arena = saturate(wide.arena);
	info.keepcost = saturate(wide.keepcost);
	return info;
}

/**
 * struct text - a report under construction, without stdio
 * @size:	bytes in @buf; what does not fit is dropped
 */
struct text {
	size_t size;
	char buf[512];
};

static void text_add_char(struct text *t, char c)
{
	if (t->size < sizeof(t->buf))
		t->buf[t->size++] = c;
}

static void text_add(struct text *t, const char *s)
{
	while (*s)
		text_add_char(t, *s++);
}

static void text_add_number(struct text *t, size_t n)
{
	char digits[24];
	size_t nr = 0;

	do {
		digits[nr++] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	while (nr)
		text_add_char(t, digits[--nr]);
}

static __apart void text_add_line(struct text *t, const char *label, size_t n)
{
	text_add(t, label);
	text_add_number(t, n);
	text_add_char(t, '\n');
}

/* Straight to descriptor 2: it may be called where stdio's lock is held */
QN_EXPORT __apart void malloc_stats(void)
{
	struct mallinfo2 info = mallinfo2();
	struct text t = { 0 };

	text_add(&t, "Total (quern):\n");
	text_add_line(&t, "system bytes     = ", info.arena);
	text_add_line(&t, "in use bytes     = ", info.uordblks);
	text_add_line(&t, "free bytes       = ", info.fordblks);
	qn_port_write(t.buf, t.size);
}

/* Free objects of each class, as the sizes of request that they would serve */
static __apart void info_add_classes(FILE *f, const struct qn_stats_page *page)
{
	size_t from = 1;

	fputs("<sizes>\n", f);
	for (unsigned int i = 0; i < QN_STATS_CLASSES; i++) {
		size_t osize = READ_ONCE(page->classes[i].osize);
		size_t slab = READ_ONCE(page->classes[i].slab);
		size_t live = READ_ONCE(page->classes[i].live);

		if (!osize)
			continue;
		if (from > osize)
			from = 1;
		if (slab > live)
			fprintf(f,
				"  <size from=\"%zu\" to=\"%zu\" total=\"%zu\""
				" count=\"%zu\"/>\n",
				from, osize, slab - live,
				(slab - live) / osize);
		from = osize + 1;
	}
	fputs("</sizes>\n", f);
}

/*
 * As glibc's: XML, one heap. Writes through the caller's stdio, so unlike the
 * rest it may allocate.
 */
QN_EXPORT __apart int malloc_info(int options, FILE *f)
{
	const struct qn_stats_page *page = qn_process_stats();
	struct mallinfo2 info = mallinfo2();

	if (options)
		return EINVAL;
	fputs("<malloc version=\"1\">\n<heap nr=\"0\">\n", f);
	info_add_classes(f, page);
	fprintf(f,
		"</heap>\n"
		"<total type=\"live\" size=\"%zu\"/>\n"
		"<total type=\"rest\" size=\"%zu\"/>\n"
		"<system type=\"current\" size=\"%zu\"/>\n"
		"<system type=\"max\" size=\"%zu\"/>\n"
		"</malloc>\n",
		info.uordblks, info.fordblks, info.arena,
		(size_t)READ_ONCE(page->peak_used));
	return 0;
}
