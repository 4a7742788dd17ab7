// SPDX-License-Identifier: MIT
/*
 * trap.c - slots: which sample gets one, how its block lies there, and what its end shows.
 *
 * Order in this file: samples, slots, allocation, free, start.
 */
#include "process/trap-internal.h"

#include <errno.h>
#include <string.h>

#include "port/guard.h"

/* What stands in margins */
#define PATTERN (QN_HARD_PATTERN & 0xff)

struct qn_trap_gate qn_trap __bss_apart;
struct qn_trap_heap qn_trap_heap __bss_apart;

/* ---- samples ---- */

__apart u32 qn_trap_draw(struct qn_sampler *s, u32 least, u32 *interval)
{
	u64 mean = (u64)qn_trap.one_in * least;

	*interval = s->interval;
	if (mean && mean < *interval)
		*interval = (u32)mean;
	/* Each block is due */
	if (mean && qn_trap.one_in == 1)
		return least;
	return qn_sampler_draw_of(s, *interval);
}

/* The fewer slots are left, the fewer samples get one: later ones are to have some, too */
static __apart u32 thinned(u32 one_in)
{
	u32 left = QN_TRAP_LIVE - READ_ONCE(qn_trap_heap.nr_used);

	if (one_in == 1 || left >= QN_TRAP_LIVE / 4)
		return one_in;
	return one_in * min(QN_TRAP_LIVE / 4 / max(left, 1u), 16u);
}

/* One of so many of this size, where samples are one of fewer */
static __apart bool is_chosen(struct qn_sampler *s, u64 bytes, u32 osize)
{
	u64 need = (u64)thinned(qn_trap.one_in) * osize;

	return qn_trap.one_in == 1 ||
	       (u64)qn_sampler_seed(s) * need >> 32 < bytes;
}

/* ---- slots ---- */

__apart void qn_trap_take(struct qn_trap_stack *stack)
{
	const struct qn_sites_ops *ops = qn_trap_heap.ops;

	stack->thread = qn_port_thread_id();
	stack->nr = ops ? ops->take(stack->pcs, QN_TRAP_DEPTH) : 0;
}

static __apart u32 pages_for(size_t size)
{
	return (u32)DIV_ROUND_UP(max(size, (size_t)1), qn_trap_heap.page);
}

/* Where the permitted pages end */
static __apart char *pages_end(const struct qn_trap_slot *slot)
{
	size_t i = (size_t)(slot - qn_trap_heap.slots);

	return qn_trap_pages(i) + slot->pages * qn_trap_heap.page;
}

static __apart char *pages_start(const struct qn_trap_slot *slot)
{
	return qn_trap_pages((size_t)(slot - qn_trap_heap.slots));
}

/* The slot that has waited longest, if the budget allows it. Context: the lock is held. */
static __apart struct qn_trap_slot *slot_get(size_t bytes)
{
	struct qn_trap_heap *h = &qn_trap_heap;
	u32 i;

	if (h->nr_used == QN_TRAP_LIVE || h->bytes + bytes > QN_TRAP_BYTES ||
	    !h->nr_waiting)
		return NULL;
	i = h->waiting[h->head];
	if (!qn_port_open(qn_trap_pages(i), bytes))
		return NULL;
	h->head = (h->head + 1) % QN_TRAP_SLOTS;
	h->nr_waiting--;
	WRITE_ONCE(h->nr_used, h->nr_used + 1);
	h->bytes += bytes;
	return &h->slots[i];
}

/* Context: the lock is held */
static __apart void slot_put(struct qn_trap_slot *slot)
{
	struct qn_trap_heap *h = &qn_trap_heap;
	size_t i = (size_t)(slot - h->slots);
	/* A report may have permitted what lies around it */
	size_t size = QN_TRAP_PAGES * h->page;

	WRITE_ONCE(h->nr_used, h->nr_used - 1);
	h->bytes -= slot->pages * h->page;
	if (!qn_port_forbid(qn_trap_pages(i) - h->page, size + h->page))
		return;
	h->waiting[(h->head + h->nr_waiting) % QN_TRAP_SLOTS] = (u16)i;
	h->nr_waiting++;
}

/* ---- allocation ---- */

/* Context: the lock is held. Nobody knows of the slot yet. */
static __apart void *slot_use(struct qn_trap_slot *slot, size_t size,
			      size_t align, const struct qn_trap_stack *who)
{
	struct qn_trap_heap *h = &qn_trap_heap;
	char *start, *end, *p;

	slot->pages = (u8)pages_for(size);
	start = pages_start(slot);
	end = pages_end(slot);
	p = h->is_right ? (char *)round_down((uintptr_t)end - size, align) :
			  start;
	h->is_right = !h->is_right;
	qn_assert(p >= start && p + size <= end);
	memset(start, (int)PATTERN, (size_t)(p - start));
	memset(p + size, (int)PATTERN, (size_t)(end - p) - size);
	slot->size = (u32)size;
	slot->alloc = *who;
	slot->free.thread = 0;
	slot->is_told = false;
	slot->p = p;
	/* Pairs with the acquires of those who look without the lock */
	__atomic_store_n(&slot->state, QN_TRAP_USED, __ATOMIC_RELEASE);
	return p;
}

__apart void *qn_trap_sample(struct qn_sampler *s, u64 bytes, u32 osize,
			     size_t size, size_t align)
{
	struct qn_trap_heap *h = &qn_trap_heap;
	struct qn_trap_stack who;
	struct qn_trap_slot *slot;
	void *p = NULL;

	/* A signal handler that interrupted this very code has to do without */
	if (size > (QN_TRAP_PAGES - 1) * h->page || align > h->page ||
	    READ_ONCE(h->nr_used) == QN_TRAP_LIVE ||
	    !is_chosen(s, bytes, osize) || qn_port_holds(&qn_trap.lock))
		return NULL;
	qn_trap_take(&who);
	qn_port_lock(&qn_trap.lock);
	slot = slot_get(pages_for(size) * h->page);
	if (slot)
		p = slot_use(slot, size, align, &who);
	qn_port_unlock(&qn_trap.lock);
	if (p)
		qn_hub_account_large(h->hub, (s64)size, 0);
	return p;
}

/* ---- free ---- */

static __apart bool is_pattern(const char *p, size_t size)
{
	const char *end = p + size;
	u64 other = 0, word;

	for (; p < end && !is_aligned((uintptr_t)p, sizeof(word)); p++)
		other |= (u8)*p ^ PATTERN;
	for (; p + sizeof(word) <= end; p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		other |= word ^ QN_HARD_PATTERN;
	}
	for (; p < end; p++)
		other |= (u8)*p ^ PATTERN;
	return !other;
}

/* Return: NULL, or what is wrong around a block in use */
static __apart const char *margins_look(const struct qn_trap_slot *slot)
{
	const char *start = pages_start(slot), *end = slot->p + slot->size;

	if (!is_pattern(start, (size_t)(slot->p - start)))
		return "the bytes before the block were overwritten";
	if (!is_pattern(end, (size_t)(pages_end(slot) - end)))
		return "the bytes behind the block were overwritten";
	return NULL;
}

/* Return: the slot whose block in use begins at @p; NULL after a message */
static __apart struct qn_trap_slot *slot_find(const void *p, const char *where)
{
	struct qn_trap_slot *slot = &qn_trap_heap.slots[qn_trap_index(p)], copy;
	u8 state = __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);
	const char *what = "the pointer is not the start of a block";

	if (likely(state == QN_TRAP_USED && slot->p == p))
		return slot;
	copy = *slot;
	if (state == QN_TRAP_FREED && slot->p == p)
		what = "the block was freed already";
	qn_trap_report(where, p, what, &copy);
	return NULL;
}

__apart void qn_trap_free(void *p)
{
	struct qn_trap_slot *slot, copy;
	struct qn_trap_stack who;
	const char *what;

	qn_trap_take(&who);
	qn_port_lock(&qn_trap.lock);
	slot = &qn_trap_heap.slots[qn_trap_index(p)];
	if (slot->state != QN_TRAP_USED || slot->p != p) {
		qn_port_unlock(&qn_trap.lock);
		slot_find(p, "free");
		return;
	}
	what = margins_look(slot);
	slot->free = who;
	__atomic_store_n(&slot->state, QN_TRAP_FREED, __ATOMIC_RELEASE);
	slot_put(slot);
	/* Without the lock another block may have it at once */
	copy = *slot;
	qn_port_unlock(&qn_trap.lock);
	qn_hub_account_large(qn_trap_heap.hub, -(s64)copy.size, 0);
	if (what)
		qn_trap_report("free", p, what, &copy);
}

__apart size_t qn_trap_size(const void *p, const char *where)
{
	const struct qn_trap_slot *slot = slot_find(p, where);

	return slot ? slot->size : SIZE_MAX;
}

__apart bool qn_trap_sized_look(const void *p, size_t size, bool is_exact,
				const char *where)
{
	const struct qn_trap_slot *slot = slot_find(p, where);
	struct qn_trap_slot copy;

	if (!slot)
		return false;
	size = max(size, (size_t)1);
	if (size == slot->size || (!is_exact && size < slot->size))
		return true;
	copy = *slot;
	qn_trap_report(where, p,
		       "the block was not allocated with the size given",
		       &copy);
	return true;
}

__apart void qn_trap_audit(void)
{
	struct qn_trap_heap *h = &qn_trap_heap;
	struct qn_trap_slot copy;
	const char *what;

	if (!qn_trap_is_on() || qn_port_holds(&qn_trap.lock))
		return;
	for (u32 i = 0; i < QN_TRAP_SLOTS; i++) {
		qn_port_lock(&qn_trap.lock);
		copy = h->slots[i];
		what = copy.state == QN_TRAP_USED ? margins_look(&h->slots[i]) :
						    NULL;
		qn_port_unlock(&qn_trap.lock);
		if (what)
			qn_trap_report("exit", copy.p, what, &copy);
	}
}

/* ---- start ---- */

__apart int qn_trap_start(struct qn_hub *hub, u32 one_in,
			  enum qn_hard_error error,
			  const struct qn_sites_ops *ops)
{
	struct qn_trap_heap *h = &qn_trap_heap;
	size_t page = qn_port_page_size();
	/* The last slot has a forbidden page behind it, too */
	size_t size = (QN_TRAP_SLOTS * QN_TRAP_PAGES + 1) * page;

	h->hub = hub;
	h->error = error;
	h->ops = ops;
	h->page = page;
	h->slots = qn_port_map(NULL, QN_TRAP_SLOTS * sizeof(*h->slots));
	if (!h->slots)
		return -ENOMEM;
	qn_trap.base = qn_port_reserve(size);
	if (!qn_trap.base) {
		qn_port_release(h->slots, QN_TRAP_SLOTS * sizeof(*h->slots));
		return -ENOMEM;
	}
	qn_trap.size = size;
	h->nr_waiting = QN_TRAP_SLOTS;
	for (u32 i = 0; i < QN_TRAP_SLOTS; i++)
		h->waiting[i] = (u16)i;
	qn_port_on_fault(qn_trap_fault);
	qn_trap.one_in = one_in;
	return 0;
}
