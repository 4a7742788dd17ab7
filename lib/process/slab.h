/* SPDX-License-Identifier: MIT */
/*
 * slab.h - one unit cut into equal objects; the descriptor is its only metadata.
 *
 * Objects of a slab are in one of four places: in use (by the program, or waiting
 * on a list of some local), on the slab's free list, hidden because a page that they
 * touch was purged, or not yet carved:
 *
 *	@carved == used + length of @free + @hidden,  used == @count + @floor
 *
 * Objects are carved from the low end as they are needed, so that pages behind
 * @carved stay untouched. The owner's free() pushes on @free and counts @count
 * down; at 0 the owner looks at the slab (an event) and sets the next @floor.
 *
 * A slab belongs to one local; nobody else touches its descriptor. Everything
 * here runs in the owner's context and takes no lock.
 */
#ifndef QN_SLAB_H
#define QN_SLAB_H

#include "base/compiler.h"
#include "base/link.h"
#include "port/debug.h"
#include "quern.h"
#include "process/segment.h"

/**
 * enum qn_slab_state - where a slab stands in its class
 * @QN_SLAB_CURRENT: objects are taken from it now; has no event
 * @QN_SLAB_PARTIAL: in the class's queue: has free or uncarved objects
 * @QN_SLAB_SPARSE: as partial, at the queue's tail: an eighth at most is in use, so
 *	pages of it may be purged
 * @QN_SLAB_FULL: in no queue: wakes when a sixteenth of it is free
 * @QN_SLAB_DRAIN: in no queue: of a size that its class no longer has; leaves
 *	when it is empty
 */
enum qn_slab_state {
	QN_SLAB_CURRENT,
	QN_SLAB_PARTIAL,
	QN_SLAB_SPARSE,
	QN_SLAB_FULL,
	QN_SLAB_DRAIN,
};

/* Any thread may read it that has an object of the slab */
static __always_inline void qn_slab_set_state(struct qn_unit *u,
					      enum qn_slab_state state)
{
	qn_assert(state <= QN_SLAB_DRAIN);
	/* Pairs with the acquire where a slab is returned for its owner (remote.c) */
	smp_store_release(&u->state, (u8)state);
}

static __always_inline u32 qn_slab_used(const struct qn_unit *u)
{
	return (u32)((s32)u->count + u->floor);
}

/* Objects on its free list */
static __always_inline u32 qn_slab_nr_free(const struct qn_unit *u)
{
	return u->carved - u->hidden - qn_slab_used(u);
}

/* Set where the next event is: when no more than @floor objects are in use */
static __always_inline void qn_slab_watch(struct qn_unit *u, u32 used,
					  s32 floor)
{
	qn_assert(used <= u->nr);
	qn_assert((s32)used > floor);
	/* A signal handler that looks at it meanwhile knows by the 0 */
	u->count = 0;
	qn_in_order();
	u->floor = (s16)floor;
	qn_in_order();
	u->count = used - (u32)floor;
}

static __always_inline bool qn_slab_can_carve(const struct qn_unit *u)
{
	return u->carved < u->nr;
}

/* Sixteenths of the unit that carved objects touch */
static __always_inline u32 qn_slab_parts(const struct qn_unit *u)
{
	u32 bytes = (u32)u->carved * u->osize;

	return bytes ? (2u << ((bytes - 1) >> QN_PART_SHIFT)) - 1 : 0;
}

/* Does it have an object that was used before? */
static __always_inline bool qn_slab_has_free(const struct qn_unit *u)
{
	return u->free || u->hidden;
}

/* Does it have an object for a refill? */
static __always_inline bool qn_slab_has_room(const struct qn_unit *u)
{
	return qn_slab_has_free(u) || qn_slab_can_carve(u);
}

/**
 * qn_slab_init() - cut a unit
 * @u:		descriptor of a run of one unit
 * @owner:	the local
 * @class:	its class
 * @osize:	object size, a multiple of QN_ALIGN, at most QN_SLAB_MAX
 */
void qn_slab_init(struct qn_unit *u, struct qn_local *owner, unsigned int class,
		  u32 osize);

/**
 * qn_slab_carve() - cut more objects
 * @u:		a slab that can carve
 * @start:	its memory
 * @bytes:	how much to cut: rounded up to one object, down to what is left
 * @nr:		set to how many
 *
 * Return: the objects, linked in order of address; they count as in use.
 */
void *qn_slab_carve(struct qn_unit *u, char *start, size_t bytes, u32 *nr);

/**
 * qn_slab_take() - hand over free objects
 * @u:		a slab with free objects
 * @start:	its memory
 * @nr:		how many; stops with a message if it is 0: its count is not that of its list
 * @look:	how many links to follow at most, if all are handed over; at least 1
 *
 * Follows the links of what it hands over, the objects freed last first, and finds
 * there what free() had no time for: double frees, pointers into the middle of
 * objects, overwritten links. Following all of a long list costs more than all else
 * that is done for its objects, since each link waits for memory.
 *
 * Return: the objects, linked; they count as in use.
 */
void *qn_slab_take(struct qn_unit *u, char *start, u32 nr, u32 look);

/**
 * qn_slab_leave() - all objects of a slab are free: look at its list a last time
 * @u:		a slab of which nothing is in use
 * @start:	its memory
 * @look:	how many links to follow at most; at least 1
 *
 * A block that was freed twice makes a slab look empty that is not.
 */
void qn_slab_leave(struct qn_unit *u, char *start, u32 look);

/**
 * qn_slab_hide() - find pages that no object in use touches
 * @u:		a slab with nothing hidden
 * @start:	its memory
 * @page:	bytes of a page of the system
 *
 * Takes every object that touches such a page off the free list, so that the page
 * can be purged. Pages are counted in sixteenths of the unit, or in the system's
 * where those are larger. Time: some steps for each free object.
 *
 * Return: the pages, one bit each.
 */
u32 qn_slab_hide(struct qn_unit *u, char *start, size_t page);

/**
 * qn_slab_show() - put hidden objects back on the free list
 * @u:		a slab
 * @start:	its memory
 */
void qn_slab_show(struct qn_unit *u, char *start);

/* What finds the cause of one that was noticed */
#define QN_MISUSE_NEXT                                                       \
	"QUERN_CONF=hard:1 tells more, and sooner; guard:100,fence:0 shows " \
	"stacks of samples"

/* Report a misuse and stop. @where names what noticed it. */
void qn_misuse(const char *where, const void *p, const char *what) __noreturn
	__cold;

/* The same of a block whose size is known */
void qn_misuse_of(const char *where, const void *p, size_t size,
		  const char *what) __noreturn __cold;

/**
 * struct qn_refusals - what follows a request for a block that is none
 * @goes_on:	the program does, and the request is as if it had not been made
 * @silent:	nothing is said of it
 *
 * For requests that are looked at before anything is changed. All that is found later, or is
 * damage, ends in qn_misuse().
 */
struct qn_refusals {
	bool goes_on, silent;
};

extern struct qn_refusals qn_refusals __attribute__((visibility("hidden")));

/* As the two above, but it may return; @size: SIZE_MAX if it is not known */
void qn_refuse(const char *where, const void *p, size_t size, const char *what)
	__cold;

/* ---- a look at a free list ---- */

/* Is @p one of the two objects that the owner freed last? Context: the owner. */
static __always_inline bool qn_slab_is_last(const struct qn_unit *u,
					    const void *p)
{
	const void *last = u->free;

	return last && (p == last || p == qn_link_get(last));
}

#define QN_SLAB_TWICE    "the block was freed twice"
#define QN_SLAB_INTERIOR "the pointer is not the start of a block"
#define QN_SLAB_WRITTEN  "the object was written to after it was freed"
#define QN_SLAB_SHORT                                                       \
	"a block of this slab was freed twice, or written to after it was " \
	"freed"

#define QN_SLACK_WRITTEN "the bytes behind the block were overwritten"

/* Bytes of a map with one bit for each object */
#define QN_SLAB_SEEN (QN_UNIT_SIZE / QN_ALIGN / 8)

/**
 * struct qn_slab_fault - what was found in a free list
 * @p:		the object; the last one of a list that ends too early
 * @what:	QN_SLAB_TWICE and others, or NULL: nothing
 */
struct qn_slab_fault {
	const void *p;
	const char *what;
};

/**
 * qn_slab_look() - follow the links of a list to its end
 * @u:		a slab
 * @start:	its memory
 * @list:	its free list, or another list of objects of this slab alone
 * @seen:	QN_SLAB_SEEN bytes: objects found before; those of @list are added
 * @budget:	links to follow at most; counted down
 *
 * Context: the owner, also in a signal handler that interrupted it. Writes nothing
 * but @seen.
 */
struct qn_slab_fault qn_slab_look(const struct qn_unit *u, const char *start,
				  const char *list, u8 *seen, u32 *budget);

#endif /* QN_SLAB_H */
