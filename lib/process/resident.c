// SPDX-License-Identifier: MIT
/*
 * resident.c - limits, refaults, and the one call that gives memory back; see resident.h.
 */
#include "process/resident.h"

#include <errno.h>

#include "base/bits.h"
#include "port/port.h"
#include "quern.h"

/* Parts that are looked at to tell how much of a block was written */
#define LOOK_PARTS ((size_t)16)

u32 qn_resident_now(void)
{
	return (u32)(qn_port_clock() / 1000) | 1;
}

/* ---- the price ---- */

/* The only way back to the system */
static int give_up(void *p, size_t size)
{
	return qn_port_purge(p, size);
}

/* Nanoseconds for a page on the machine that the preset was found on */
#define PAGE_NS 1600u
/* What is measured counts from and to these: a machine may stop us in between */
#define PAGE_NS_LEAST 200u
#define PAGE_NS_MOST  20000u
#define MEASURE_PARTS ((size_t)16)
/* Knob keep: as long as the price says */
#define KEEP_ONCE 16u
/* Limits rise so many times at most */
#define SCALE_MOST 16u
/* Pressure leaves so much to each thread: less would be looked at by each free() */
#define LIMIT_LEAST ((size_t)64 << 10)

/* What pressure leaves of a price, in units of its one */
#define LEFT_ONE ((size_t)QN_PRESSURE_MOST * QN_PRESSURE_MOST)

static size_t price_left(u32 pressure)
{
	size_t left = QN_PRESSURE_MOST - min(pressure, QN_PRESSURE_MOST);

	return left * left;
}

/* A limit or a time as it is at the price that is left */
static __seldom size_t pressed(size_t limit, u32 pressure)
{
	size_t left = price_left(pressure);

	return limit / LEFT_ONE * left +
	       (size_t)((u64)(limit % LEFT_ONE) * left / LEFT_ONE);
}

/* The same of what each thread may keep */
static __seldom size_t pressed_own(size_t limit, u32 pressure)
{
	return max(pressed(limit, pressure), min(limit, LIMIT_LEAST));
}

u32 qn_resident_page_ns(const struct qn_resident *r)
{
	u32 measured = READ_ONCE(r->page_ns);

	qn_assert(!measured ||
		  (measured >= PAGE_NS_LEAST && measured <= PAGE_NS_MOST));
	return measured ? measured : PAGE_NS;
}

/* Until to keep a page has cost as much as to fetch it again */
static __seldom u32 even_ms(const struct qn_resident *r,
			    const struct qn_knobs *k)
{
	/* GB-seconds a CPU-second are ns a byte; the price is in thousandths, so this is ms */
	u64 ms = (u64)k->price * qn_resident_page_ns(r) / QN_PART_SIZE;

	return (u32)min(max(ms, (u64)1), (u64)QN_KEEP_MOST);
}

u32 qn_resident_keep_ms(const struct qn_resident *r)
{
	u32 pressure = READ_ONCE(r->pressure);
	const struct qn_knobs *k = qn_resident_knobs(r);
	u64 ms = qn_delays_age(&r->delays, even_ms(r, k));

	ms = min(ms, (u64)QN_KEEP_MOST) * k->keep / KEEP_ONCE;
	ms = min(max(ms, (u64)1), (u64)QN_KEEP_MOST);
	if (likely(!pressure))
		return (u32)ms;
	return (u32)pressed((size_t)ms, pressure);
}

/* Microseconds to touch some pages and to give them up */
static __apart u64 measure(char *p)
{
	size_t size = MEASURE_PARTS * QN_PART_SIZE;
	u64 from = qn_port_clock();

	for (size_t at = 0; at < size; at += QN_PART_SIZE)
		WRITE_ONCE(p[at], 1);
	give_up(p, size);
	return qn_port_clock() - from;
}

__apart void qn_resident_measure(struct qn_resident *r)
{
	size_t size = QN_UNIT_SIZE;
	char *p;
	u64 usec, again, ns;

	if (r->is_measured)
		return;
	r->is_measured = true;
	p = qn_port_map(NULL, size);
	if (!p)
		return;
	/* The faster one was not interrupted */
	usec = measure(p);
	again = measure(p);
	usec = min(usec, again);
	ns = min(max(usec * 1000 / MEASURE_PARTS, (u64)PAGE_NS_LEAST),
		 (u64)PAGE_NS_MOST);
	/* Where there is no clock it stays what it is on some machine */
	if (usec)
		WRITE_ONCE(r->page_ns, (u32)ns);
	qn_port_release(p, size);
}

/* ---- limits ---- */

static __apart size_t at_price(size_t value, size_t price)
{
	price = min(price, SCALE_MOST * (size_t)QN_PRICE_PRESET);
	return value / QN_PRICE_PRESET * price +
	       value % QN_PRICE_PRESET * price / QN_PRICE_PRESET;
}

/* What is kept whatever happens follows the price */
static __always_inline size_t scaled(const struct qn_knobs *k, size_t bytes)
{
	if (likely(k->price == QN_PRICE_PRESET))
		return bytes;
	return at_price(bytes, k->price);
}

/* The time that counts as a refault follows a price below the preset */
static __always_inline size_t scaled_down(const struct qn_knobs *k, size_t ms)
{
	if (likely(k->price >= QN_PRICE_PRESET))
		return ms;
	return at_price(ms, k->price);
}

/*
 * What has an age, or was learned from refaults, follows a price above the preset. One below
 * it shortens the time that counts as a refault.
 */
static __always_inline size_t raised(const struct qn_knobs *k, size_t bytes)
{
	if (likely(k->price <= QN_PRICE_PRESET))
		return bytes;
	return at_price(bytes, k->price);
}

size_t qn_resident_in_use(const struct qn_resident *r)
{
	size_t used = READ_ONCE(r->used);

	return r->live ? min(used, (size_t)READ_ONCE(*r->live)) : used;
}

/* Bytes of runs that were in use lately, and are not */
static size_t fallen(const struct qn_resident *r)
{
	size_t peak = READ_ONCE(r->peak), used = READ_ONCE(r->used);

	return peak > used ? peak - used : 0;
}

/*
 * Memory beyond the base that experience has a use for. Refaults raise it within bounds: a
 * loop over boost_most and a part of what is in use is served without purges, and a
 * process that lets go of more gets rid of it.
 */
static size_t learned(const struct qn_resident *r, const struct qn_knobs *k,
		      size_t used)
{
	return min(READ_ONCE(r->boost), k->boost_most + used / k->boost_part);
}

/* Bytes of blocks that were in use, and are not */
static size_t live_fallen(const struct qn_resident *r, size_t used)
{
	u64 peak = r->live_peak ? READ_ONCE(*r->live_peak) : used;

	return peak > used ? (size_t)peak - used : 0;
}

/*
 * What has fallen lately does not count: chunks are runs in use. Two threads may keep what
 * the process may. @most: of what was learned
 */
static noinline size_t chunk_limit(const struct qn_resident *r,
				   const struct qn_knobs *k, u32 nr,
				   size_t most)
{
	size_t used = qn_resident_in_use(r);
	size_t more = min(learned(r, k, used) / 2, most);

	return scaled(k, k->dirty + used / (2 * nr * k->dirty_part)) +
	       raised(k, more / nr);
}

/*
 * Free memory in chunks serves no slabs and no large blocks: while those grow it comes on top
 * of a peak.
 */
static __seldom size_t yield_limit(const struct qn_resident *r,
				   const struct qn_knobs *k)
{
	size_t used = qn_resident_in_use(r);
	size_t most = live_fallen(r, used) + used / k->slack_part;

	return chunk_limit(r, k, 1, max(most, QN_CHUNKS_LEAST));
}

static u32 nr_holders(const struct qn_resident *r)
{
	return max(READ_ONCE(r->nr_holders), 1u);
}

static __always_inline size_t limit_of(const struct qn_resident *r,
				       const struct qn_knobs *k,
				       enum qn_keep keep)
{
	size_t used;

	if (keep == QN_KEEP_CHUNK)
		return chunk_limit(r, k, 1, SIZE_MAX);
	if (keep == QN_KEEP_YIELD)
		return yield_limit(r, k);
	if (keep == QN_KEEP_SHARE)
		return chunk_limit(r, k, nr_holders(r), SIZE_MAX);
	used = qn_resident_in_use(r);
	if (keep == QN_KEEP_WAITING)
		return scaled(k, k->dirty + used / (2 * nr_holders(r) *
						    k->dirty_part));
	return scaled(k, k->dirty + used / k->dirty_part) +
	       raised(k, min(READ_ONCE(r->boost) / 2, k->sparse_boost));
}

size_t qn_resident_limit(const struct qn_resident *r, enum qn_keep keep)
{
	const struct qn_knobs *k = qn_resident_knobs(r);
	u32 pressure = READ_ONCE(r->pressure);
	size_t limit;

	/* Who asks for none gets none */
	if (!k->dirty)
		return 0;
	limit = limit_of(r, k, keep);
	if (likely(!pressure))
		return limit;
	return pressed_own(limit, pressure);
}

/*
 * Less may stay than @limit. What came goes, and a slice of what was there before: no call
 * of free() has to pay for all that pressure makes too much at once.
 */
static __seldom bool is_much_pressed(const struct qn_resident *r, u32 pressure,
				     size_t limit, size_t came, size_t *keep)
{
	size_t slice = r->dirty - min(r->dirty, came + QN_OLD_SLICE);

	limit = pressed(limit, pressure);
	*keep = max(limit / 16 * qn_resident_knobs(r)->purge_keep, slice);
	return r->dirty > limit;
}

/*
 * More is dirty than is kept in any case. A program that has no more in use than it had lately
 * has a use for the rest of that, and for some more, since not every free run fits.
 */
static __seldom bool is_beyond(const struct qn_resident *r, size_t base,
			       size_t came, size_t *keep)
{
	const struct qn_knobs *k = qn_resident_knobs(r);
	u32 pressure = READ_ONCE(r->pressure);
	size_t used = qn_resident_in_use(r);
	size_t more = learned(r, k, used);
	size_t cap = fallen(r) + used / k->slack_part;
	size_t limit = base + raised(k, min(more, cap));

	qn_assert(limit >= base);
	*keep = limit / 16 * k->purge_keep;
	qn_assert(*keep <= limit);
	if (r->dirty > limit || r->dirty + r->stale > base + raised(k, more))
		return true;
	return unlikely(pressure) &&
	       is_much_pressed(r, pressure, limit, came, keep);
}

bool qn_resident_is_much(const struct qn_resident *r, size_t came, size_t *keep)
{
	const struct qn_knobs *k = qn_resident_knobs(r);
	size_t base;

	if (!k->dirty) {
		*keep = 0;
		return r->dirty;
	}
	base = scaled(k, k->dirty) +
	       raised(k, qn_resident_in_use(r) / k->dirty_part);
	if (r->dirty + r->stale <= base && likely(!READ_ONCE(r->pressure)))
		return false;
	return is_beyond(r, base, came, keep);
}

/* ---- refaults ---- */

static void add(size_t *sum, size_t bytes)
{
	__atomic_fetch_add(sum, bytes, __ATOMIC_RELAXED);
}

u32 qn_resident_refault_ms(const struct qn_resident *r)
{
	const struct qn_knobs *k = qn_resident_knobs(r);

	return (u32)scaled_down(k, k->refault_ms);
}

/* The earliest time that says that a purge was a mistake */
static u32 recent_from(const struct qn_resident *r)
{
	return qn_resident_now() - qn_resident_refault_ms(r);
}

static bool is_recent(u32 purged, u32 from)
{
	return purged && (s32)(purged - from) >= 0;
}

/* @bytes that were purged lately were wanted back: it was a mistake */
static __apart void add_refault(struct qn_resident *r, size_t bytes)
{
	__atomic_fetch_add(&r->refaults, bytes, __ATOMIC_RELAXED);
	add(&r->recent_refaults, bytes);
	if (READ_ONCE(r->recent_refaults) >
	    (1 << 20) + READ_ONCE(r->recent) / 4)
		add(&r->boost, qn_resident_knobs(r)->boost_gain * bytes);
}

u32 qn_resident_touch(struct qn_resident *r, struct qn_unit *u, u32 parts)
{
	qn_assert(parts <= UINT16_MAX);
	parts &= ~(u32)u->touched;
	u->touched |= (u16)parts;
	if (parts && u->purged && is_recent(u->purged, recent_from(r)))
		add_refault(r, qn_nr_parts(parts) * QN_PART_SIZE);
	return parts;
}

void qn_resident_reuse(struct qn_resident *r, struct qn_unit *u, size_t nr,
		       size_t bytes)
{
	u32 recent = recent_from(r);
	size_t sum = 0;

	qn_assert(bytes <= QN_UNIT_SIZE);
	for (; nr > 0; nr--, u++) {
		size_t most =
			qn_nr_parts(u->touched ^ UINT16_MAX) * QN_PART_SIZE;

		/* A descriptor that nobody wrote stays without memory */
		if (!u->purged)
			continue;
		if (is_recent(u->purged, recent))
			sum += min(bytes, most);
		u->purged = 0;
	}
	if (sum)
		add_refault(r, sum);
}

__seldom void qn_resident_expect(const struct qn_resident *r, struct qn_unit *u,
				 size_t nr)
{
	u32 recent = recent_from(r);

	for (; nr > 0; nr--, u++)
		/* A descriptor that nobody wrote stays without memory */
		if (u->purged && !is_recent(u->purged, recent))
			u->purged = 0;
}

/* Was a part written that was not resident when its unit came into use? */
static bool is_back(const struct qn_unit *u, size_t part, const char *p)
{
	return u->purged && !(u->touched >> part & 1) &&
	       !qn_is_zero(p, QN_PART_SIZE);
}

__seldom void qn_resident_look(struct qn_resident *r, struct qn_unit *u,
			       const char *start, size_t from, size_t to)
{
	size_t nr = to - from, seen = 0, written = 0;
	bool any = false;

	qn_assert(from <= to && is_aligned((uintptr_t)start, QN_UNIT_SIZE));
	for (size_t i = from / QN_UNIT_PARTS; i * QN_UNIT_PARTS < to; i++)
		any |= u[i].purged != 0;
	if (!any)
		return;
	for (size_t at = from; at < to; at += DIV_ROUND_UP(nr, LOOK_PARTS)) {
		seen++;
		written += is_back(&u[at / QN_UNIT_PARTS], at % QN_UNIT_PARTS,
				   start + at * QN_PART_SIZE);
	}
	for (size_t i = from / QN_UNIT_PARTS; i * QN_UNIT_PARTS < to; i++)
		u[i].purged = 0;
	qn_assert(written <= seen && seen <= LOOK_PARTS);
	if (written)
		add_refault(r, nr * written / seen * QN_PART_SIZE);
}

/* ---- what comes and goes ---- */

__seldom size_t qn_resident_end(const struct qn_unit *u, size_t nr)
{
	while (nr > 0 && !u[nr - 1].touched)
		nr--;
	if (!nr)
		return 0;
	return ((nr - 1) << QN_UNIT_SHIFT) +
	       (qn_ilog2(u[nr - 1].touched) + 1) * QN_PART_SIZE;
}

static noinline void raise_high(struct qn_resident *r)
{
	r->high = r->used;
	if (r->used > r->peak)
		WRITE_ONCE(r->peak, r->used);
}

/* Until when nothing is due */
static noinline void look_ahead(struct qn_resident *r)
{
	size_t end = qn_delays_end(&r->delays);

	r->from = qn_delays_start(&r->delays);
	r->span = min(end, r->high + 1) - r->from;
	qn_assert(r->used - r->from < r->span);
}

noinline void qn_resident_move(struct qn_resident *r)
{
	if (r->used > r->high)
		raise_high(r);
	if (qn_delays_is_due(&r->delays, r->used))
		qn_delays_move(&r->delays, r->used, qn_resident_now());
	look_ahead(r);
}

void qn_resident_add_holder(struct qn_resident *r, bool more)
{
	qn_assert(more || READ_ONCE(r->nr_holders) > 0);
	__atomic_fetch_add(&r->nr_holders, more ? 1 : (u32)-1,
			   __ATOMIC_RELAXED);
}

__seldom size_t qn_resident_purge(struct qn_resident *r, struct qn_unit *u,
				  char *start, size_t from, size_t to, u32 ago)
{
	u32 now, nr = 0;
	size_t bytes;

	qn_assert(from < to && is_aligned((uintptr_t)start, QN_UNIT_SIZE));
	for (size_t i = from / QN_UNIT_PARTS; i * QN_UNIT_PARTS < to; i++)
		nr += qn_nr_parts(u[i].touched & qn_parts_of(i, from, to));
	if (!nr ||
	    give_up(start + from * QN_PART_SIZE, (to - from) * QN_PART_SIZE))
		return 0;
	now = (qn_resident_now() - ago) | 1;
	for (size_t i = from / QN_UNIT_PARTS; i * QN_UNIT_PARTS < to; i++) {
		u[i].touched &= (u16)~qn_parts_of(i, from, to);
		u[i].purged = now;
	}
	bytes = nr * QN_PART_SIZE;
	qn_assert(bytes <= (to - from) * QN_PART_SIZE);
	__atomic_fetch_add(&r->purged, bytes, __ATOMIC_RELAXED);
	__atomic_fetch_add(&r->nr_purges, 1, __ATOMIC_RELAXED);
	add(&r->recent, bytes);
	return bytes;
}

bool qn_resident_drop(void *p, size_t size)
{
	return is_aligned((uintptr_t)p | size, qn_port_page_size()) &&
	       give_up(p, size) == 0;
}

__seldom void qn_resident_note(struct qn_unit *u, size_t bytes)
{
	size_t to = DIV_ROUND_UP(bytes, QN_PART_SIZE);

	for (size_t i = 0; i * QN_UNIT_PARTS < to; i++)
		u[i].touched |= (u16)qn_parts_of(i, 0, to);
}

void qn_resident_forget(struct qn_unit *u, size_t nr)
{
	for (; nr > 0; nr--, u++) {
		u->touched = 0;
		u->purged = 0;
	}
}

bool qn_resident_is_locked(char *end)
{
	size_t page = qn_port_page_size();

	/* Locked memory is no longer purged */
	return give_up(end - page, page) == -EINVAL;
}

/* ---- time ---- */

__seldom bool qn_resident_decay(struct qn_resident *r)
{
	u32 now = qn_resident_now();
	size_t boost = READ_ONCE(r->boost);

	if (now - r->second < 1000)
		return false;
	r->second = now;
	WRITE_ONCE(r->boost, boost - min(boost, r->low / 2));
	r->low = r->dirty;
	WRITE_ONCE(r->peak, r->peak - (r->peak - r->high) / 2);
	r->high = r->used;
	qn_assert(r->high <= READ_ONCE(r->peak));
	qn_resident_move(r);
	qn_delays_decide(&r->delays, now, even_ms(r, qn_resident_knobs(r)));
	WRITE_ONCE(r->recent, READ_ONCE(r->recent) / 2);
	WRITE_ONCE(r->recent_refaults, READ_ONCE(r->recent_refaults) / 2);
	return true;
}

__apart void qn_resident_restart(struct qn_resident *r)
{
	__atomic_store_n(&r->purged, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&r->nr_purges, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&r->refaults, 0, __ATOMIC_RELAXED);
}
