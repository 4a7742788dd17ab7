// SPDX-License-Identifier: MIT
/*
 * medium.c - blocks between boundary tags; medium.h has the picture.
 *
 * Order in this file: tags, what is resident, free runs, chunks, allocation, free,
 * resizing, purging, checks.
 */
#include "process/medium.h"

#include "port/debug.h"
#include "process/slab.h"

/* A run of so many times the length had better not be cut while blocks wait */
#define CUT_TIMES 4
/*
 * Tags and links are looked at before they are followed in the first merges, and later
 * in one of so many, up to the next one: that costs a third of a merge
 */
#define MERGES_FIRST  64u
#define MERGES_A_LOOK 16u
/* So many bytes are freed before the next look for pages, where none may be kept */
#define LOOK_LEAST ((size_t)64 << 10)
/* Runs of less are not looked into for pages */
#define PURGE_LEAST ((size_t)8192)

/* ---- tags ---- */

static __always_inline void tag_set(void *p, size_t size, size_t flags)
{
	qn_assert(is_aligned(size | (uintptr_t)p, QN_MEDIUM_STEP));
	qn_assert(size <= QN_TAG_LOW);
	qn_assert(!(flags & ~(QN_TAG_FLAGS | QN_TAG_PREV_FREE)));
	*qn_tag_of(p) = qn_tag_seal(p) | size | flags;
}

/*
 * What is before a block in use is free, or is no longer. Others read the tag meanwhile,
 * all of it but this flag, and the owner may write its lower half.
 */
static __always_inline void tag_note(void *p, bool prev_free)
{
	u32 flag = QN_TAG_PREV_FREE >> 32, *high = qn_tag_low(p) + 1;

	WRITE_ONCE(*high, prev_free ? *high | flag : *high & ~flag);
}

/* ---- damage ---- */

#define WRITTEN  "the block was written to after it was freed"
#define OVERRUN  "the word before the block was overwritten"
#define OVERFLOW "the word behind the block was overwritten"

/* The seal of the tag before @p, and those of @flags that are in @mask */
static __always_inline bool tag_is_sound(const void *p, size_t tag, size_t mask,
					 size_t flags)
{
	return !((tag ^ qn_tag_seal(p) ^ flags) & (QN_TAG_SEAL | mask));
}

/* May the tag before @p be read, wherever @p comes from */
static bool is_place(const struct qn_medium *m, const char *p)
{
	const struct qn_unit *u = qn_segments_find(m->segments, p);

	return u && u->kind == QN_UNIT_MEDIUM && u->holder == m->owner &&
	       is_aligned((uintptr_t)p, QN_MEDIUM_STEP) &&
	       ((uintptr_t)p % QN_UNIT_SIZE || u != u->first);
}

/* The same at once for most */
static __always_inline bool is_readable(const struct qn_medium *m,
					const void *p)
{
	const struct qn_segment *seg = &m->segments->space.seg[0];
	size_t at = (uintptr_t)p - (uintptr_t)seg->base;

	return likely(at < READ_ONCE(seg->committed) << QN_UNIT_SHIFT &&
		      is_aligned(at, QN_MEDIUM_STEP) && at >= QN_UNIT_SIZE) ||
	       is_place(m, p);
}

static __noreturn __apart void damaged(const void *p, const char *what)
{
	qn_misuse("free", p, what);
}

/* ---- what is resident ---- */

/* The unit of an address in a chunk */
static __always_inline struct qn_unit *unit_of(const struct qn_medium *m,
					       const char *p)
{
	const struct qn_segment *seg = &m->segments->space.seg[0];
	size_t at = (uintptr_t)p - (uintptr_t)seg->base;

	if (likely(at < READ_ONCE(seg->committed) << QN_UNIT_SHIFT))
		return qn_unit_of((char *)seg->units, at);
	return qn_segments_find(m->segments, p);
}

/* No more is free, or not resident, than there is; chunks and holders agree */
static bool sums_are_sound(const struct qn_medium *m)
{
	size_t chunks = m->bytes + 2 * sizeof(size_t) * m->nr_chunks;

	return is_aligned(chunks, QN_UNIT_SIZE) && m->holes <= chunks &&
	       m->free + m->owed <= chunks - m->holes &&
	       !m->bytes == !m->nr_chunks && (!m->empty || m->nr_chunks) &&
	       m->longest >= m->bytes / max(m->nr_chunks, 1u);
}

/* The sixteenths of a unit that [@from, @to), offsets in it, lies in */
static u32 parts_between(size_t from, size_t to)
{
	qn_assert(from < to && to <= QN_UNIT_SIZE);
	return (2u << ((to - 1) >> QN_PART_SHIFT)) -
	       (1u << (from >> QN_PART_SHIFT));
}

/* Where in a unit the last of its sixteenths @parts ends */
static size_t part_end(u32 parts)
{
	return (size_t)(qn_ilog2(parts) + 1) << QN_PART_SHIFT;
}

/* Sixteenths @parts of a unit were not resident and will be */
static noinline void parts_touch(struct qn_medium *m, struct qn_unit *u,
				 u32 parts)
{
	size_t bytes = qn_nr_parts(parts) * QN_PART_SIZE;

	qn_assert(parts && !(parts & u->touched));
	qn_assert(m->holes >= bytes);
	qn_resident_touch(&m->segments->resident, u, parts);
	m->holes -= bytes;
	m->free += bytes;
}

/* [@p, @end) of a run with holes is about to be written */
static noinline void touch(struct qn_medium *m, char *p, char *end)
{
	qn_assert(p < end);
	m->clean = p;
	while (p < end) {
		struct qn_unit *u = unit_of(m, p);
		size_t at = (uintptr_t)p % QN_UNIT_SIZE;
		size_t n = min((size_t)(end - p), QN_UNIT_SIZE - at);
		u32 parts = parts_between(at, at + n);
		u32 old = parts & u->touched;

		if (old)
			m->clean = p - at + part_end(old);
		parts &= ~(u32)u->touched;
		if (unlikely(parts))
			parts_touch(m, u, parts);
		p += n;
	}
}

/* ---- free runs ---- */

static __always_inline struct qn_run *node_of(char *p)
{
	return (struct qn_run *)(void *)p;
}

/* Both ends of a free run tell its size, and so does its node */
static __always_inline void run_sign(char *p, size_t size, size_t flags)
{
	qn_assert(size >= QN_MEDIUM_LEAST);
	qn_assert(!(flags & ~QN_TAG_HOLES));
	tag_set(p, size, QN_TAG_FREE | flags);
	*qn_tag_of(p + size - sizeof(size_t)) = size;
	node_of(p)->size = size / QN_MEDIUM_STEP;
}

static __always_inline void run_add(struct qn_medium *m, char *p, size_t size,
				    size_t flags)
{
	run_sign(p, size, flags);
	qn_bins_add(&m->bins, node_of(p));
}

/*
 * Links of a free run are about to be followed: if something was written over them after
 * the free, say so. @p must be known to have a sound tag of a free run.
 */
static noinline void run_look_closely(const struct qn_medium *m, const char *p)
{
	const struct qn_run *run = (const struct qn_run *)(const void *)p;
	const struct qn_run *next = run->next;

	if (unlikely(run->size != qn_tag_size(*qn_tag_of(p)) / QN_MEDIUM_STEP ||
		     (next &&
		      (!is_readable(m, next) || next->prev != &run->next))))
		damaged(p, WRITTEN);
}

static __always_inline void run_look(const struct qn_medium *m, const char *p)
{
	if (unlikely(m->careful))
		run_look_closely(m, p);
}

static __always_inline void run_del(struct qn_medium *m, char *p)
{
	run_look(m, p);
	qn_bins_del(&m->bins, node_of(p));
}

static noinline void run_change(struct qn_medium *m, char *old, char *p,
				size_t size, size_t flags)
{
	run_del(m, old);
	run_add(m, p, size, flags);
}

/*
 * A free run begins at @p now, or it ends elsewhere: where its bin stays the same it
 * keeps its place there
 */
static __always_inline void run_move(struct qn_medium *m, char *old, char *p,
				     size_t size, size_t flags)
{
	size_t before = node_of(old)->size;

	if (!qn_bins_share(before, size / QN_MEDIUM_STEP)) {
		run_change(m, old, p, size, flags);
		return;
	}
	run_look(m, old);
	if (p != old)
		qn_bins_replace(node_of(old), node_of(p));
	run_sign(p, size, flags);
}

/* ---- chunks ---- */

/* A chunk has an eighth of the units that there are, between two knobs */
static size_t chunk_units(const struct qn_medium *m,
			  const struct qn_knobs *knobs, size_t bytes)
{
	size_t nr = m->bytes / 8 >> QN_UNIT_SHIFT;

	nr = min(max(nr, knobs->chunk_least), knobs->chunk_most);
	return max(nr, DIV_ROUND_UP(bytes, QN_UNIT_SIZE));
}

/* Return: bytes of it that are resident */
static size_t chunk_sign(struct qn_medium *m, struct qn_unit *u, size_t nr)
{
	size_t resident = 0;

	for (size_t i = 0; i < nr; i++) {
		qn_assert(u[i].kind == QN_UNIT_MEDIUM && !u[i].owner);
		resident += qn_nr_parts(u[i].touched) * QN_PART_SIZE;
		u[i].holder = m->owner;
		u[i].first = u;
	}
	m->holes += (nr << QN_UNIT_SHIFT) - resident;
	m->free += resident;
	return resident;
}

bool qn_medium_grow(struct qn_medium *m, size_t size)
{
	const struct qn_knobs *knobs = qn_segments_knobs(m->segments);
	size_t need = qn_medium_bytes(size) + 2 * sizeof(size_t);
	size_t nr = chunk_units(m, knobs, need), bytes, resident;
	struct qn_unit *u;
	char *p, *end;

	u = qn_chunk_alloc(m->segments, nr,
			   DIV_ROUND_UP(knobs->chunk_blocks * need,
					QN_UNIT_SIZE));
	if (!u)
		return false;
	nr = u->chunk_size;
	qn_assert(need <= nr << QN_UNIT_SHIFT);
	bytes = (nr << QN_UNIT_SHIFT) - 2 * sizeof(size_t);
	resident = chunk_sign(m, u, nr);
	m->bytes += bytes;
	m->longest = max(m->longest, bytes);
	if (m->nr_chunks++ == 0)
		qn_resident_add_holder(&m->segments->resident, true);
	p = qn_unit_start(m->segments, u) + 2 * sizeof(size_t);
	end = p + bytes;
	touch(m, p - 2 * sizeof(size_t), p + sizeof(struct qn_run));
	touch(m, end - 2 * sizeof(size_t), end);
	tag_set(end, 0, QN_TAG_PREV_FREE);
	run_add(m, p, bytes, resident < nr << QN_UNIT_SHIFT ? QN_TAG_HOLES : 0);
	if (!m->empty)
		m->empty = p;
	qn_assert(sums_are_sound(m));
	return true;
}

/* All of the chunk of @u is free and in no bin */
static noinline void chunk_free(struct qn_medium *m, struct qn_unit *u,
				size_t size)
{
	struct qn_unit *first = u->first;
	size_t nr = first->chunk_size, resident = 0;

	qn_assert(m->nr_chunks > 0 && m->bytes >= size);
	qn_assert(size + 2 * sizeof(size_t) == nr << QN_UNIT_SHIFT);
	for (size_t i = 0; i < nr; i++) {
		qn_assert(first[i].holder == m->owner);
		resident += qn_nr_parts(first[i].touched) * QN_PART_SIZE;
		first[i].holder = NULL;
	}
	m->holes -= (nr << QN_UNIT_SHIFT) - resident;
	*m->count -= resident;
	m->bytes -= size;
	if (--m->nr_chunks == 0)
		qn_resident_add_holder(&m->segments->resident, false);
	m->moved = true;
	qn_assert(!m->bytes == !m->nr_chunks);
	qn_run_free_parts(m->segments, first);
}

/* Is a free run all of its chunk: is it the first of it, and nothing behind it */
static __always_inline bool is_chunk(const struct qn_medium *m, const char *p,
				     size_t size)
{
	const struct qn_unit *u;

	if (likely((uintptr_t)p % QN_UNIT_SIZE != 2 * sizeof(size_t) ||
		   qn_tag_size(READ_ONCE(*qn_tag_low(p + size)))))
		return false;
	u = unit_of(m, p);
	return u == u->first;
}

/* ---- allocation ---- */

void qn_medium_look_at(const struct qn_medium *m, const void *p)
{
	if (unlikely(!is_readable(m, p)))
		damaged(p,
			"the block that led here was written to after it was freed");
	if (unlikely(!tag_is_sound(p, *qn_tag_of(p), QN_TAG_WAITS | QN_TAG_FREE,
				   QN_TAG_WAITS)))
		damaged(p, OVERRUN);
}

void qn_medium_init(struct qn_medium *m, struct qn_segments *s,
		    struct qn_local *owner, size_t page_size)
{
	m->segments = s;
	m->owner = owner;
	m->careful = true;
	m->page_size = max(page_size, QN_PART_SIZE);
	m->count = &m->free;
	qn_assert(is_power_of_2(m->page_size));
	qn_assert(!m->nr_chunks && sums_are_sound(m));
}

/* What is written of a free run of @size bytes whose first are to be a block */
static __always_inline size_t cut_bytes(size_t size, size_t need)
{
	return size - need < QN_MEDIUM_LEAST ? size - sizeof(size_t) :
					       need + sizeof(struct qn_run);
}

/*
 * Of @size bytes at @p what is behind the first @need is free. @run: the free run among
 * them, which is still in its bin, or NULL.
 *
 * Return: the bytes that are not.
 */
static __always_inline size_t block_cut(struct qn_medium *m, char *p,
					size_t size, size_t need, char *run,
					size_t holes)
{
	size_t rest = size - need;

	qn_assert(need <= size);
	if (unlikely(holes))
		touch(m, p, p + cut_bytes(size, need));
	if (rest < QN_MEDIUM_LEAST) {
		if (run)
			run_del(m, run);
		tag_note(p + size, false);
		return size;
	}
	if (run)
		run_move(m, run, p + need, rest, holes);
	else
		run_add(m, p + need, rest, holes);
	return need;
}

/* Make a block of the first bytes of a free run */
static __always_inline void *run_cut(struct qn_medium *m, char *p, size_t need)
{
	size_t tag = *qn_tag_of(p);

	if (unlikely(m->careful &&
		     !tag_is_sound(p, tag, QN_TAG_FREE, QN_TAG_FREE)))
		damaged(p, OVERRUN);
	if (unlikely(p == m->empty))
		m->empty = NULL;
	need = block_cut(m, p, qn_tag_size(tag), need, p, tag & QN_TAG_HOLES);
	tag_set(p, need, 0);
	m->free -= need;
	m->credit -= (ptrdiff_t)need;
	m->nr_allocs++;
	return p;
}

/* Would writing the first @bytes of a free run touch pages for the first time */
static noinline bool cut_touches(const struct qn_medium *m, const char *p,
				 size_t bytes)
{
	const char *end = p + bytes;

	while (p < end) {
		size_t at = (uintptr_t)p % QN_UNIT_SIZE;
		size_t n = min((size_t)(end - p), QN_UNIT_SIZE - at);

		if (parts_between(at, at + n) & ~(u32)unit_of(m, p)->touched)
			return true;
		p += n;
	}
	return false;
}

/*
 * Is a run what a request had better be served from while there are blocks that wait?
 * They may be merged to what is not much longer, and they have their pages.
 */
static __always_inline bool cut_is_good(const struct qn_medium *m,
					const char *p, size_t need)
{
	size_t tag = *qn_tag_of(p), size = qn_tag_size(tag);

	return size < CUT_TIMES * need &&
	       (likely(!(tag & QN_TAG_HOLES)) ||
		!cut_touches(m, p, cut_bytes(size, need)));
}

/*
 * A block that waits in list @i or a later one, has the alignment, and is not much longer
 * than is needed: of the shortest of them
 */
static __always_inline void *get_near(struct qn_medium *m, size_t i,
				      size_t need, size_t align)
{
	size_t end = qn_medium_list(need + need / QN_MEDIUM_NEAR) + 1;

	qn_assert(is_power_of_2(align) && i <= end);
	if (!m->waits)
		return NULL;
	for (end = min(end, QN_MEDIUM_LISTS); i < end; i++) {
		const char *p = m->waiting[i];

		if (!m->group[i / QN_MEDIUM_GROUP])
			i |= QN_MEDIUM_GROUP - 1;
		else if (p && is_aligned((uintptr_t)p, align))
			return qn_medium_get(m, i * QN_MEDIUM_ROUND, true);
	}
	return NULL;
}

static __always_inline char *run_find(const struct qn_medium *m, size_t need)
{
	return (char *)qn_bins_find_large(&m->bins, need / QN_MEDIUM_STEP).run;
}

static void *cut_run(struct qn_medium *m, size_t need)
{
	char *p = run_find(m, need);

	qn_assert(is_aligned(need, QN_MEDIUM_STEP) && need >= QN_MEDIUM_LEAST);
	if ((!p || !cut_is_good(m, p, need)) && m->waits) {
		qn_medium_merge(m);
		p = run_find(m, need);
	}
	return likely(p != NULL) ? run_cut(m, p, need) : NULL;
}

void *qn_medium_cut(struct qn_medium *m, size_t need)
{
	void *p = get_near(m, qn_medium_list(need) + 1, need, QN_MEDIUM_STEP);

	return p ? p : cut_run(m, need);
}

/* The block's first @skip bytes turn free */
static void *block_skip(struct qn_medium *m, char *p, size_t skip)
{
	char *q = p + skip;

	qn_assert(skip >= QN_MEDIUM_LEAST);
	tag_set(q, qn_tag_size(*qn_tag_of(p)) - skip, QN_TAG_PREV_FREE);
	m->free += skip;
	run_add(m, p, skip, 0);
	return q;
}

__seldom void *qn_medium_alloc_aligned(struct qn_medium *m, size_t size,
				       size_t align)
{
	size_t bytes = qn_medium_bytes(size);
	char *p = get_near(m, qn_medium_list(bytes), bytes, align), *q;

	qn_assert(size <= QN_MEDIUM_MAX && align <= QN_MEDIUM_MAX);
	if (p)
		return p;
	/* What is skipped must be long enough for a run, and so must what is left */
	size = max(size, QN_MEDIUM_LEAST - sizeof(size_t));
	p = cut_run(m, qn_medium_bytes(size + align + QN_MEDIUM_LEAST));
	if (!p)
		return NULL;
	q = (char *)round_up((uintptr_t)p + QN_MEDIUM_LEAST, align);
	if (!is_aligned((uintptr_t)p, align))
		p = block_skip(m, p, (size_t)(q - p));
	qn_medium_resize(m, p, size);
	qn_assert(is_aligned((uintptr_t)p, align));
	return p;
}

/* ---- free ---- */

static __noreturn __cold void misuse(const char *where, const void *p,
				     size_t tag)
{
	if (tag & QN_TAG_SEAL)
		qn_misuse(where, p, "the pointer is not the start of a block");
	qn_misuse(where, p, "the block was freed already");
}

/* Its tag without the seal. Before the start of a chunk nothing may be readable */
static __always_inline size_t block_tag(const struct qn_unit *u, const void *p,
					const char *where)
{
	size_t tag = ~(size_t)0;

	if (likely((uintptr_t)p % QN_MEDIUM_STEP == 0 &&
		   ((uintptr_t)p % QN_UNIT_SIZE || u != u->first)))
		tag = READ_ONCE(*qn_tag_of(p)) ^ qn_tag_seal(p);
	if (unlikely((tag & (QN_TAG_SEAL | QN_TAG_FREE | QN_TAG_WAITS)) ||
		     !qn_tag_size(tag)))
		misuse(where, p, tag);
	return tag;
}

size_t qn_medium_size(const struct qn_unit *u, const void *p, const char *where)
{
	return qn_tag_size(block_tag(u, p, where)) - sizeof(size_t);
}

/* All of a chunk turned free, and is in no bin: one such is kept */
static noinline void chunk_emptied(struct qn_medium *m, char *p, size_t size,
				   size_t holes)
{
	if (m->empty) {
		chunk_free(m, unit_of(m, p), size);
		return;
	}
	qn_assert(m->nr_chunks > 0);
	m->empty = p;
	tag_note(p + size, true);
	run_add(m, p, size, holes);
}

/*
 * Are the tags sound on both sides of a block whose own tag is, before anything is done
 * by what they say? Else a message: about this block if what is behind it was written to.
 */
static noinline void block_look(const struct qn_medium *m, const char *p,
				size_t tag)
{
	size_t size = qn_tag_size(tag), before;
	const char *next = p + size;

	if (unlikely(size > m->longest ||
		     !tag_is_sound(next, READ_ONCE(*qn_tag_of(next)), 0, 0)))
		damaged(p, OVERFLOW);
	if (!(tag & QN_TAG_PREV_FREE))
		return;
	before = *qn_tag_of(p - sizeof(size_t));
	if (unlikely(before > m->longest || before % QN_MEDIUM_STEP ||
		     !tag_is_sound(p - before, *qn_tag_of(p - before),
				   QN_TAG_FREE, QN_TAG_FREE)))
		damaged(p, OVERRUN);
}

/* A block of @size bytes, no longer counted as in use, is merged with what is free */
static __always_inline void block_free(struct qn_medium *m, char *p,
				       size_t size)
{
	size_t tag = *qn_tag_of(p);
	u32 next;
	char *run = NULL;
	size_t holes = 0;

	if (unlikely(m->careful))
		block_look(m, p, tag);
	next = READ_ONCE(*qn_tag_low(p + size));
	/* A second free finds this, whatever is merged */
	*qn_tag_of(p) = tag | QN_TAG_FREE;
	if (next & QN_TAG_FREE) {
		run = p + size;
		holes = next & QN_TAG_HOLES;
		size += qn_tag_size(next);
	}
	if (tag & QN_TAG_PREV_FREE) {
		size_t before = *qn_tag_of(p - sizeof(size_t));

		if (run)
			run_del(m, run);
		p -= before;
		run = p;
		holes |= *qn_tag_of(p) & QN_TAG_HOLES;
		size += before;
	}
	if (unlikely(is_chunk(m, p, size))) {
		if (run)
			run_del(m, run);
		chunk_emptied(m, p, size, holes);
		return;
	}
	if (!(next & QN_TAG_FREE))
		tag_note(p + size, true);
	if (run)
		run_move(m, run, p, size, holes);
	else
		run_add(m, p, size, holes);
}

/* A link of @from leads to @p: to a block that waits in this list? */
static noinline void link_look(const struct qn_medium *m, const char *p,
			       const char *from, size_t list)
{
	size_t tag, waits = QN_TAG_WAITS;

	if (unlikely(!is_readable(m, p)))
		damaged(from, WRITTEN);
	tag = *qn_tag_of(p);
	if (unlikely(!tag_is_sound(p, tag, waits | QN_TAG_FREE, waits) ||
		     qn_medium_list(qn_tag_size(tag)) != list))
		damaged(p, OVERRUN);
}

static void list_merge(struct qn_medium *m, size_t list)
{
	char *p = m->waiting[list], *from = p;

	m->waiting[list] = NULL;
	while (p) {
		size_t tag;

		if (unlikely(m->careful))
			link_look(m, p, from, list);
		from = p;
		p = qn_link_get(p);
		tag = *qn_tag_of(from) & ~(size_t)QN_TAG_WAITS;
		*qn_tag_of(from) = tag;
		block_free(m, from, qn_tag_size(tag));
	}
}

static void group_merge(struct qn_medium *m, size_t g)
{
	m->group[g] = false;
	for (size_t i = 0; i < QN_MEDIUM_GROUP; i++)
		list_merge(m, g * QN_MEDIUM_GROUP + i);
}

/* What may be free before it is looked at: room for what comes until then */
static size_t look_next(const struct qn_medium *m, size_t limit)
{
	return max(2 * limit, m->free + limit / 2);
}

static void waiting_merge(struct qn_medium *m)
{
	m->careful = m->nr_merges < MERGES_FIRST ||
		     m->nr_merges % MERGES_A_LOOK == 0;
	qn_assert(m->count == &m->free);
	m->nr_merges++;
	m->waits = false;
	for (size_t w = 0; w < QN_MEDIUM_WORDS; w++) {
		bool *group = &m->group[w * sizeof(u64)];
		u64 any;

		__builtin_memcpy(&any, group, sizeof(any));
		if (!any)
			continue;
		for (size_t i = 0; i < sizeof(any); i++)
			if (group[i])
				group_merge(m, w * sizeof(any) + i);
	}
	qn_assert(!m->waits);
	qn_assert(sums_are_sound(m));
}

void qn_medium_merge(struct qn_medium *m)
{
	size_t limit = qn_resident_limit(&m->segments->resident, QN_KEEP_SHARE);

	waiting_merge(m);
	m->look = min(m->look, look_next(m, limit));
}

void qn_medium_free(struct qn_medium *m, const struct qn_unit *u, void *p)
{
	/* Before a unit there may be nothing to read; and a message for what is no block */
	if (unlikely((uintptr_t)p % QN_UNIT_SIZE == 0))
		block_tag(u, p, "free");
	if (unlikely(!qn_medium_put(m, p)))
		block_tag(u, p, "free");
}

__apart size_t qn_medium_take(struct qn_medium *m, const struct qn_unit *u,
			      void *p)
{
	size_t size = qn_tag_size(block_tag(u, p, "free"));

	qn_assert(READ_ONCE(m->busy) && m->count == &m->owed);
	*m->count += size;
	block_free(m, p, size);
	return size;
}

/* ---- resizing ---- */

bool qn_medium_resize(struct qn_medium *m, void *p, size_t size)
{
	size_t need = qn_medium_bytes(size);
	size_t tag = *qn_tag_of(p);
	size_t old = qn_tag_size(tag), have = old;
	char *behind = (char *)p + old, *run = NULL;
	size_t next, holes = 0;

	qn_assert(size <= QN_MEDIUM_MAX);
	/* What was rounded up may be more than is there, and needed */
	if (size + sizeof(size_t) <= old && old < need + QN_MEDIUM_LEAST)
		return true;
	next = *qn_tag_of(behind);
	if (unlikely(!tag_is_sound(behind, next, 0, 0)))
		qn_misuse("realloc", p, OVERFLOW);
	if (next & QN_TAG_WAITS) {
		qn_medium_merge(m);
		tag = *qn_tag_of(p);
		next = *qn_tag_of(behind);
	}
	if (next & QN_TAG_FREE) {
		run = behind;
		have += qn_tag_size(next);
		holes = next & QN_TAG_HOLES;
	}
	if (need > have)
		return false;
	if (!run)
		tag_note(behind, true);
	need = block_cut(m, p, have, need, run, holes);
	tag_set(p, need, tag & QN_TAG_PREV_FREE);
	m->free -= need - old;
	return true;
}

/* ---- purging ---- */

/* The pages of a free run that hold nothing of it */
static void run_pages(const struct qn_medium *m, const struct qn_run *run,
		      char **from, char **to)
{
	uintptr_t p = (uintptr_t)run;
	uintptr_t end = p + run->size * QN_MEDIUM_STEP - 2 * sizeof(size_t);

	*from = (char *)round_up(p + sizeof(*run), m->page_size);
	*to = (char *)round_down(end, m->page_size);
}

/*
 * Pages that are purged for an owner that sleeps are of more use to others, even if the owner
 * wants them back some day. It was a mistake only if that is so soon that it did not sleep.
 */
static u32 purge_age(const struct qn_medium *m)
{
	u32 recent = (u32)qn_segments_knobs(m->segments)->refault_ms;

	return m->count == &m->free ? 0 : recent - min(recent, QN_SLEEP_MS);
}

/* Resident bytes of [@from, @to), which lies in one chunk */
static size_t pages_sum(const struct qn_medium *m, char *from, char *to)
{
	size_t sum = 0;

	for (char *next; from < to; from = next) {
		size_t at = (uintptr_t)from % QN_UNIT_SIZE;

		next = min(from - at + QN_UNIT_SIZE, to);
		sum += qn_nr_parts(
			       parts_between(at, at + (size_t)(next - from)) &
			       unit_of(m, from)->touched) *
		       QN_PART_SIZE;
	}
	return sum;
}

static size_t run_purge(struct qn_medium *m, struct qn_run *run)
{
	char *from, *to, *start;
	size_t sum;

	run_pages(m, run, &from, &to);
	if (from >= to)
		return 0;
	start = (char *)round_down((uintptr_t)from, QN_UNIT_SIZE);
	sum = qn_resident_purge(&m->segments->resident, unit_of(m, from), start,
				(size_t)(from - start) / QN_PART_SIZE,
				(size_t)(to - start) / QN_PART_SIZE,
				purge_age(m));
	if (!sum)
		return 0;
	qn_assert(sum <= (size_t)(to - from));
	*qn_tag_of(run) |= QN_TAG_HOLES;
	m->holes += sum;
	*m->count -= sum;
	return sum;
}

static __seldom size_t runs_sum(const struct qn_medium *m)
{
	size_t sum = 0;
	char *from, *to;

	for (unsigned int b = qn_bin_of(PURGE_LEAST / QN_MEDIUM_STEP);
	     b < QN_NR_BINS; b++)
		for (struct qn_run *run = m->bins.head[b]; run;
		     run = run->next) {
			run_pages(m, run, &from, &to);
			sum += pages_sum(m, from, to);
		}
	return sum;
}

static __apart void runs_purge(struct qn_medium *m)
{
	size_t sum = 0;

	for (unsigned int b = qn_bin_of(PURGE_LEAST / QN_MEDIUM_STEP);
	     b < QN_NR_BINS; b++)
		for (struct qn_run *run = m->bins.head[b]; run; run = run->next)
			sum += run_purge(m, run);
	if (sum)
		m->moved = true;
}

void qn_medium_look(struct qn_medium *m)
{
	size_t limit;

	if (m->free <= m->look)
		return;
	limit = qn_resident_limit(&m->segments->resident, QN_KEEP_SHARE);
	waiting_merge(m);
	/* Is it in whole pages? */
	if (runs_sum(m) >
	    qn_resident_limit(&m->segments->resident, QN_KEEP_CHUNK))
		runs_purge(m);
	m->look = look_next(m, limit);
}

static __apart void empty_free(struct qn_medium *m)
{
	char *p = m->empty;

	if (!p)
		return;
	qn_assert(m->nr_chunks > 0);
	m->empty = NULL;
	run_del(m, p);
	chunk_free(m, unit_of(m, p), qn_tag_size(*qn_tag_of(p)));
}

__apart void qn_medium_settle(struct qn_medium *m)
{
	qn_medium_merge(m);
	empty_free(m);
}

__apart void qn_medium_relieve(struct qn_medium *m)
{
	empty_free(m);
	if (runs_sum(m) >
	    qn_resident_limit(&m->segments->resident, QN_KEEP_SHARE))
		runs_purge(m);
}

__apart void qn_medium_idle(struct qn_medium *m)
{
	empty_free(m);
	runs_purge(m);
	qn_assert(!m->empty);
}

__apart void qn_medium_trim(struct qn_medium *m)
{
	qn_medium_settle(m);
	runs_purge(m);
}

/* ---- a look at what was written where it should not have been ---- */

/*
 * Blocks that wait: do their links lead to such, and to all? @tags: how many by their
 * tags do. The first may be about to come or go.
 */
static __apart void list_look(const struct qn_medium *m, size_t list, u32 tags,
			      u32 *budget)
{
	const char *from = NULL, *p = m->waiting[list];

	for (; p && *budget; --*budget, tags--) {
		size_t flags = from ? QN_TAG_WAITS : 0;

		if (!is_place(m, p))
			damaged(from ? from : p, WRITTEN);
		if (!tag_is_sound(p, *qn_tag_of(p), flags, flags))
			damaged(p, OVERRUN);
		from = p;
		p = qn_link_get(p);
	}
	if (*budget && from && (s32)tags > 1)
		damaged(from, WRITTEN);
}

static __apart void free_run_look(const struct qn_medium *m, const char *p,
				  size_t size)
{
	const struct qn_run *run = (const struct qn_run *)(const void *)p;
	const char *prev = (const char *)run->prev;

	run_look(m, p);
	if (!((prev >= (const char *)m && prev < (const char *)(m + 1)) ||
	      is_place(m, prev - offsetof(struct qn_run, next))) ||
	    *run->prev != run)
		damaged(p, WRITTEN);
	if (*qn_tag_of(p + size - sizeof(size_t)) != size)
		damaged(p, WRITTEN);
}

__apart void qn_medium_audit(const struct qn_medium *m, const struct qn_unit *u,
			     u8 *waits, u32 *budget)
{
	const char *start = qn_unit_start(m->segments, u);
	const char *end = start + (u->run.size << QN_UNIT_SHIFT);
	const char *from = start, *p = start + 2 * sizeof(size_t);

	for (; *budget; --*budget) {
		size_t tag = *qn_tag_of(p), size = qn_tag_size(tag);

		if (!tag_is_sound(p, tag, 0, 0) || size > (size_t)(end - p) ||
		    (!size && p != end))
			damaged(from == start ? p : from,
				from == start ? OVERRUN : OVERFLOW);
		if (!size)
			break;
		if (tag & QN_TAG_FREE)
			free_run_look(m, p, size);
		else if (waits && tag & QN_TAG_WAITS && size <= QN_MEDIUM_MAX &&
			 waits[qn_medium_list(size)] < UINT8_MAX)
			waits[qn_medium_list(size)]++;
		from = p;
		p += size;
	}
}

__apart void qn_medium_audit_lists(const struct qn_medium *m, const u8 *waits,
				   u32 *budget)
{
	for (size_t i = 0; i < QN_MEDIUM_LISTS; i++)
		if (m->group[i / QN_MEDIUM_GROUP])
			list_look(m, i, waits ? waits[i] : 0, budget);
}

/* ---- checks ---- */

static const char *run_check(const struct qn_medium *m, struct qn_run *run)
{
	const char *p = (const char *)run;
	size_t size = run->size * QN_MEDIUM_STEP;
	size_t tag = *qn_tag_of(p) ^ qn_tag_seal(p);
	struct qn_unit *u = qn_segments_find(m->segments, p);

	if (!u || u->kind != QN_UNIT_MEDIUM || u->holder != m->owner)
		return "a free run lies in no chunk of its thread";
	if ((tag & ~(size_t)QN_TAG_HOLES) != (size | QN_TAG_FREE))
		return "the tag of a free run is damaged";
	if (*qn_tag_of(p + size - sizeof(size_t)) != size)
		return "a free run ends with another size than it begins";
	if ((*qn_tag_of(p + size) & (QN_TAG_FREE | QN_TAG_PREV_FREE)) !=
	    QN_TAG_PREV_FREE)
		return "what is behind a free run does not know of it";
	return NULL;
}

/* Bytes of a list of blocks that wait; 0 if there is one that does not belong there */
static size_t list_sum(const struct qn_medium *m, size_t list)
{
	const char *p = m->waiting[list];
	size_t sum = 0;

	for (; p; p = qn_link_get(p)) {
		size_t tag = *qn_tag_of(p) ^ qn_tag_seal(p);

		if ((tag & (QN_TAG_SEAL | QN_TAG_FREE | QN_TAG_WAITS)) !=
			    QN_TAG_WAITS ||
		    qn_medium_list(qn_tag_size(tag)) != list)
			return 0;
		sum += qn_tag_size(tag);
	}
	return sum;
}

__apart const char *qn_medium_check(const struct qn_medium *m)
{
	const char *what = NULL;
	size_t sum = qn_medium_used(m);

	for (size_t i = 0; i < QN_MEDIUM_LISTS; i++) {
		size_t bytes = list_sum(m, i);

		if (m->waiting[i] && (!bytes || !m->group[i / QN_MEDIUM_GROUP]))
			return "a list of blocks that wait is damaged";
		sum += bytes;
	}
	for (unsigned int b = 0; b < QN_NR_BINS; b++)
		for (struct qn_run *run = m->bins.head[b]; run && !what;
		     run = run->next) {
			what = run_check(m, run);
			sum += run->size * QN_MEDIUM_STEP;
		}
	if (!what && sum != m->bytes)
		what = "chunks are not the sum of their blocks and free runs";
	return what;
}
