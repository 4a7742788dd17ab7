/* SPDX-License-Identifier: MIT */
/*
 * gauge.h - asks how scarce memory is, and tells resident.h.
 *
 * Three things are asked of Linux, each a level (pressure.h); the highest counts:
 *
 *	stalls	memory.pressure of the process's own cgroup, or /proc/pressure/memory
 *	cgroup	memory.current against memory.high and memory.max, but for the page cache.
 *		memory.stat has that, and is read only where these two are near
 *	limits	what RLIMIT_AS and RLIMIT_DATA leave, and what the heap has free of that
 *
 * A fourth is what the program says itself, qn_pressure(). Pressure rises at once and falls
 * by a quarter each QN_GAUGE_US, so that a level at the edge of a text does not swing.
 * What quern purges is no stall and no refault to the kernel: it does not feed on itself.
 *
 * Who reads is a knob (pressure):
 *
 *	0	nobody; the program's own word does not count either
 *	1	the helper's thread (helper.h), which has descriptors of its own for that:
 *		none. It is gone before the program restricts itself by seccomp
 *	2	calls of malloc as well. That may break a program: a sandbox may kill who
 *		opens a file, a file of another file system may hang, and other threads may
 *		count on the number of the next descriptor
 *
 * No file is opened before QN_GAUGE_FROM bytes are dirty. Each is open for one call of
 * the port (qn_port_read()). A kept descriptor would take fewer calls, but programs close
 * all descriptors, and one that is theirs would have to be told from ours each time. One
 * that cannot be read, or has another text, is not asked for again.
 *
 * A refused mmap() is no pressure. A program may ask for more than there can be, and to
 * purge gives back no address space: see alloc_again() in process.c.
 */
#ifndef QN_GAUGE_H
#define QN_GAUGE_H

#include "base/compiler.h"
#include "format/statspage.h"
#include "port/port.h"

struct qn_resident;

/* Microseconds between two looks: a few a second, some 20 us each */
#define QN_GAUGE_US 250000u
/* Dirty bytes that are worth a look; with pressure it goes on with fewer */
#define QN_GAUGE_FROM ((size_t)16 << 20)
/* Longest name of a file */
#define QN_GAUGE_PATH 320

/**
 * enum qn_gauge_reader - who reads, values of the knob pressure
 * @QN_GAUGE_OFF: nobody
 * @QN_GAUGE_HELPER: the helper
 * @QN_GAUGE_CALLS: calls of malloc, too
 */
enum qn_gauge_reader {
	QN_GAUGE_OFF,
	QN_GAUGE_HELPER,
	QN_GAUGE_CALLS,
};

/**
 * struct qn_gauge - of a hub
 * @last:	when it was last looked at, in microseconds; atomic
 * @lock:	guards the rest; a fork() waits for it, since files are open
 * @asked:	level that the program asked for
 * @read:	level of what was read, as far as it has fallen
 * @source:	enum qn_stats_pressure: where @read comes from
 * @most, @most_source: the highest level so far, and where it came from
 * @lost:	bit n: file n cannot be read
 * @root:	what stands before each name; "" but in tests
 * @group:	directory of the cgroup, from @root on; "" if it is not known
 */
struct qn_gauge {
	u64 last;
	struct qn_lock lock;
	u32 asked;
	u32 read;
	u32 most;
	u8 source;
	u8 most_source;
	u16 lost;
	const char *root;
	char group[QN_GAUGE_PATH / 2];
};

/* Is it time for a look? Context: any. */
static inline bool qn_gauge_is_due(const struct qn_gauge *g, u64 now)
{
	return now - READ_ONCE(g->last) >= QN_GAUGE_US;
}

/* Is it, and is there something that pressure could act on, or pressure to fall? */
bool qn_gauge_is_worth(const struct qn_gauge *g, const struct qn_resident *r,
		       u64 now);

/**
 * qn_gauge_look() - read, and set the pressure of @r
 * @g:		the gauge
 * @r:		what is resident
 * @mapped:	bytes of address space that the heap has
 * @now:	microseconds
 *
 * Nothing is done if another thread does it, or before it is worth it.
 *
 * Context: no lock held; not from a thread that holds @g->lock. Six files at most.
 * Return: true if the pressure rose.
 */
bool qn_gauge_look(struct qn_gauge *g, struct qn_resident *r, size_t mapped,
		   u64 now);

/**
 * qn_gauge_ask() - the program says how scarce memory is
 * @g:		the gauge
 * @r:		what is resident
 * @level:	0 to QN_PRESSURE_MOST, until the next call
 *
 * Context: no lock held.
 */
void qn_gauge_ask(struct qn_gauge *g, struct qn_resident *r, u32 level);

/*
 * Whoever read is gone: a level that nobody sees fall must not stay. Context: no lock held,
 * but perhaps @g->lock, in what a signal handler interrupted: then nothing is done.
 */
void qn_gauge_forget(struct qn_gauge *g, struct qn_resident *r);

#endif /* QN_GAUGE_H */
