// SPDX-License-Identifier: MIT
/*
 * medium.c - blocks between boundary tags; medium.h has the picture.
 *
 * Pages that are given back are in medium-purge.c, looks for damage and checks in
 * medium-audit.c. Order in this file: tags, what is resident, free runs, chunks, allocation,
 * free, resizing.
 */
#include "process/medium-internal.h"

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

/* May the tag before @p be read, wherever @p comes from */
bool qn_medium_is_place(const struct qn_medium *m, const char *p)
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
	       qn_medium_is_place(m, p);
}

__noreturn __apart void qn_medium_damaged(const void *p, const char *what)
{
	qn_misuse("free", p, what);
}

/* ---- what is resident ---- */

/* No more is free, or not resident, than there is; chunks and holders agree */
static bool sums_are_sound(const struct qn_medium *m)
{
	size_t chunks = m->bytes + 2 * sizeof(size_t) * m->nr_chunks;

	return is_aligned(chunks, QN_UNIT_SIZE) && m->holes <= chunks &&
	       m->free + m->owed <= chunks - m->holes &&
	       !m->bytes == !m->nr_chunks && (!m->empty || m->nr_chunks) &&
	       m->longest >= m->bytes / max(m->nr_chunks, 1u);
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
		struct qn_unit *u = qn_medium_unit(m, p);
		size_t at = (uintptr_t)p % QN_UNIT_SIZE;
		size_t n = min((size_t)(end - p), QN_UNIT_SIZE - at);
		u32 parts = qn_parts_between(at, at + n);
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
noinline void qn_medium_run_look_closely(const struct qn_medium *m,
					 const char *p)
{
	const struct qn_run *run = (const struct qn_run *)(const void *)p;
	const struct qn_run *next = run->next;

	if (unlikely(run->size != qn_tag_size(*qn_tag_of(p)) / QN_MEDIUM_STEP ||
		     (next &&
		      (!is_readable(m, next) || next->prev != &run->next))))
		qn_medium_damaged(p, QN_MEDIUM_WRITTEN);
}

static __always_inline void run_del(struct qn_medium *m, char *p)
{
	qn_medium_run_look(m, p);
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
	qn_medium_run_look(m, old);
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
	u = qn_medium_unit(m, p);
	return u == u->first;
}

/* ---- allocation ---- */

void qn_medium_look_at(const struct qn_medium *m, const void *p)
{
	if (unlikely(!is_readable(m, p)))
		qn_medium_damaged(
			p,
			"the block that led here was written to after it was freed");
	if (unlikely(!qn_tag_is_sound(p, *qn_tag_of(p),
				      QN_TAG_WAITS | QN_TAG_FREE,
				      QN_TAG_WAITS)))
		qn_medium_damaged(p, QN_MEDIUM_OVERRUN);
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
		     !qn_tag_is_sound(p, tag, QN_TAG_FREE, QN_TAG_FREE)))
		qn_medium_damaged(p, QN_MEDIUM_OVERRUN);
	if (unlikely(p == m->empty))
		m->empty = NULL;
	need = block_cut(m, p, qn_tag_size(tag), need, p, tag & QN_TAG_HOLES);
	tag_set(p, need, 0);
	m->free -= need;
	m->cut += need;
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

		if (qn_parts_between(at, at + n) &
		    ~(u32)qn_medium_unit(m, p)->touched)
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

static __apart size_t refused(const char *where, const void *p, size_t tag)
{
	qn_refuse(where, p, SIZE_MAX,
		  tag & QN_TAG_SEAL ?
			  "the pointer is not the start of a block" :
			  "the block was freed already");
	return 0;
}

/*
 * Its tag without the seal; 0 after a message. Before the start of a chunk nothing may be
 * readable.
 */
static __always_inline size_t block_tag(const struct qn_unit *u, const void *p,
					const char *where)
{
	size_t tag = ~(size_t)0;

	if (likely((uintptr_t)p % QN_MEDIUM_STEP == 0 &&
		   ((uintptr_t)p % QN_UNIT_SIZE || u != u->first)))
		tag = READ_ONCE(*qn_tag_of(p)) ^ qn_tag_seal(p);
	if (unlikely((tag & (QN_TAG_SEAL | QN_TAG_FREE | QN_TAG_WAITS)) ||
		     !qn_tag_size(tag)))
		return refused(where, p, tag);
	return tag;
}

__seldom size_t qn_medium_size(const struct qn_unit *u, const void *p,
			       const char *where)
{
	size_t tag = block_tag(u, p, where);

	return likely(tag) ? qn_tag_size(tag) - sizeof(size_t) : SIZE_MAX;
}

/* All of a chunk turned free, and is in no bin: one such is kept */
static noinline void chunk_emptied(struct qn_medium *m, char *p, size_t size,
				   size_t holes)
{
	if (m->empty) {
		chunk_free(m, qn_medium_unit(m, p), size);
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
		     !qn_tag_is_sound(next, READ_ONCE(*qn_tag_of(next)), 0, 0)))
		qn_medium_damaged(p, QN_MEDIUM_OVERFLOW);
	if (!(tag & QN_TAG_PREV_FREE))
		return;
	before = *qn_tag_of(p - sizeof(size_t));
	if (unlikely(before > m->longest || before % QN_MEDIUM_STEP ||
		     !qn_tag_is_sound(p - before, *qn_tag_of(p - before),
				      QN_TAG_FREE, QN_TAG_FREE)))
		qn_medium_damaged(p, QN_MEDIUM_OVERRUN);
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
		qn_medium_damaged(from, QN_MEDIUM_WRITTEN);
	tag = *qn_tag_of(p);
	if (unlikely(!qn_tag_is_sound(p, tag, waits | QN_TAG_FREE, waits) ||
		     qn_medium_list(qn_tag_size(tag)) != list))
		qn_medium_damaged(p, QN_MEDIUM_OVERRUN);
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

/* Programs of some size come here, and few others: it may lie apart */
__seldom void qn_medium_merge_now(struct qn_medium *m)
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
	m->merged = m->free;
	qn_assert(!m->waits);
	qn_assert(sums_are_sound(m));
}

void qn_medium_merge(struct qn_medium *m)
{
	qn_medium_merge_now(m);
	m->look = min(m->look, qn_medium_look_next(m));
}

/* It begins a unit, before which there may be nothing to read; or a message for what is no block */
static __seldom void put_looked_at(struct qn_medium *m, const struct qn_unit *u,
				   void *p)
{
	if (block_tag(u, p, "free"))
		qn_medium_put(m, p);
}

void qn_medium_free(struct qn_medium *m, const struct qn_unit *u, void *p)
{
	if (unlikely((uintptr_t)p % QN_UNIT_SIZE == 0) ||
	    unlikely(!qn_medium_put(m, p)))
		put_looked_at(m, u, p);
}

__apart size_t qn_medium_take(struct qn_medium *m, const struct qn_unit *u,
			      void *p)
{
	size_t size = qn_tag_size(block_tag(u, p, "free"));

	qn_assert(READ_ONCE(m->busy) && m->count == &m->owed);
	if (unlikely(!size))
		return 0;
	*m->count += size;
	block_free(m, p, size);
	return size;
}

/* ---- resizing ---- */

__seldom bool qn_medium_resize(struct qn_medium *m, void *p, size_t size)
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
	if (unlikely(!qn_tag_is_sound(behind, next, 0, 0)))
		qn_misuse("realloc", p, QN_MEDIUM_OVERFLOW);
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

__apart void qn_medium_empty_free(struct qn_medium *m)
{
	char *p = m->empty;

	if (!p)
		return;
	qn_assert(m->nr_chunks > 0);
	m->empty = NULL;
	run_del(m, p);
	chunk_free(m, qn_medium_unit(m, p), qn_tag_size(*qn_tag_of(p)));
}
