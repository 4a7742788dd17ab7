/* SPDX-License-Identifier: MIT */
/*
 * config.h - every number that somebody might want to change at build time, once.
 *
 * Override by -DQN_...=n, or in firmware by a file quern-config.h on the include
 * path (-DQN_CONFIG_H). Knobs that a heap reads while it runs are in knobs.h.
 */
#ifndef QN_BASE_CONFIG_H
#define QN_BASE_CONFIG_H

#ifdef QN_CONFIG_H
#include "quern-config.h"
#endif

/*
 * QN_SMALL: 1 in firmware, where every byte of state counts. Set by the build of
 * the freestanding archive, not by hand.
 */
#ifndef QN_SMALL
#define QN_SMALL 0
#endif

/*
 * QN_FOR_SIZE: 1: ways of a heap of one's own that are long or rare share code. 0: they are
 * written out. So it is at -O2; at -Os that takes 3.3 KB more flash, and a fifth to a third
 * fewer instructions (row "ways written out" of make bench-firmware).
 */
#ifndef QN_FOR_SIZE
#ifdef __OPTIMIZE_SIZE__
#define QN_FOR_SIZE 1
#else
#define QN_FOR_SIZE 0
#endif
#endif

/*
 * QN_NR_CLASSES: slots for classes in a table, class 0 and promoted ones
 * included. More slots let more sizes have a class of their own; a slot costs
 * two bytes a table, on Linux also 32 bytes a thread. In firmware there is one for each of
 * QN_HEAP_STEPS sizes: where all are taken, 150 bytes of code clear one.
 */
#ifndef QN_NR_CLASSES
#define QN_NR_CLASSES (QN_SMALL ? 25 : 64)
#endif
_Static_assert(QN_NR_CLASSES >= 4 && QN_NR_CLASSES <= 255, "QN_NR_CLASSES");

/*
 * QN_HEAP_STEPS: entries in the table of a heap of one's own: sizes up to
 * (QN_HEAP_STEPS - 1) * QN_ALIGN bytes can be given a class; larger ones are
 * always direct. One byte for each of two tables, two in the profile. Only lengths
 * that are held make a difference: in firmware up to 22. 32-bit machines have room for as
 * many as firmware: QN_HEAP_STATE of quern.h.
 */
#ifndef QN_HEAP_STEPS
#define QN_HEAP_STEPS (QN_SMALL || sizeof(void *) == 4 ? 24 : 65)
#endif
_Static_assert(QN_HEAP_STEPS >= 2 && QN_HEAP_STEPS <= 4096, "QN_HEAP_STEPS");

/*
 * QN_TABLE_EXACT_STEPS, QN_TABLE_PER_DOUBLING: the static classes of a slab
 * table. Every step up to the first has its own class; above it each doubling
 * is divided into so many. Finer classes waste less inside and more at the ends.
 */
#ifndef QN_TABLE_EXACT_STEPS
#define QN_TABLE_EXACT_STEPS 8
#endif
#ifndef QN_TABLE_PER_DOUBLING
#define QN_TABLE_PER_DOUBLING 8
#endif
_Static_assert(QN_TABLE_EXACT_STEPS % QN_TABLE_PER_DOUBLING == 0,
	       "classes above the exact ones must fall on whole steps");

/*
 * QN_SAMPLE_BYTES: mean bytes requested between two samples at first; in a heap of
 * one's own at most. Lower learns sooner and costs more: a sample is some hundred
 * instructions. A plain number: it is the default of the run-time key "sample" as
 * well, as text.
 */
#ifndef QN_SAMPLE_BYTES
#if QN_SMALL
#define QN_SAMPLE_BYTES 8192
#else
#define QN_SAMPLE_BYTES 65536
#endif
#endif
_Static_assert(QN_SAMPLE_BYTES >= 64, "QN_SAMPLE_BYTES");

/*
 * QN_SAMPLING: 0: a heap of one's own looks at no request, so it learns nothing; for
 * firmware that wants its state and its time back, and to count what sampling costs.
 */
#ifndef QN_SAMPLING
#define QN_SAMPLING 1
#endif

/*
 * QN_LIVE_SAMPLES: where more samples than this are live, sampling every so many bytes,
 * the distance doubles; it is halved again below five sixteenths of it. Some 800 place a
 * table nearly as well as all requests would. In firmware it is the time that they
 * cost which is the limit.
 */
#ifndef QN_LIVE_SAMPLES
#define QN_LIVE_SAMPLES (QN_SMALL ? 8 : 800)
#endif
_Static_assert(QN_LIVE_SAMPLES >= 8, "QN_LIVE_SAMPLES");

/*
 * QN_SAMPLES_FIRST, QN_SAMPLE_LATER: on Linux the distance is so many times longer at
 * least once so many samples were taken, however few of them are live: the table is
 * placed then, and from then on only changes are to be seen.
 */
#ifndef QN_SAMPLES_FIRST
#define QN_SAMPLES_FIRST 1024
#endif
#ifndef QN_SAMPLE_LATER
#define QN_SAMPLE_LATER 2
#endif

/*
 * QN_PROFILE_DECAY: samples after which all weights lose a quarter. Lower
 * forgets sooner; higher is steadier.
 */
#ifndef QN_PROFILE_DECAY
#define QN_PROFILE_DECAY 512
#endif
_Static_assert(QN_PROFILE_DECAY >= 16 && QN_PROFILE_DECAY <= 65535,
	       "QN_PROFILE_DECAY");

/*
 * QN_TREND_MS: the least milliseconds of an epoch, over which trends are taken. Shorter
 * ones follow a program sooner; of a longer one more samples tell.
 */
#ifndef QN_TREND_MS
#define QN_TREND_MS 100
#endif
_Static_assert(QN_TREND_MS >= 1 && QN_TREND_MS <= 10000, "QN_TREND_MS");

/*
 * QN_CONTROLLER_SLICE: entries of the histogram that one slice of the controller
 * looks at: the bound on qn_heap_step().
 */
#ifndef QN_CONTROLLER_SLICE
#define QN_CONTROLLER_SLICE (QN_SMALL ? 8 : 256)
#endif

/*
 * QN_PROMOTE_SAMPLES: samples of a size that have to weigh in the profile before it is
 * promoted. Fewer decide sooner and err more often. It stays at build time: how far a
 * share can be trusted depends on the number of samples, not on the load, and firmware
 * and a process's heap would need a knob each, which every look at a size has to choose.
 */
#ifndef QN_PROMOTE_SAMPLES
#define QN_PROMOTE_SAMPLES 8
#endif
_Static_assert(QN_PROMOTE_SAMPLES >= 1, "a size that nobody asked for");

/*
 * QN_DEMOTE_PART, QN_DEMOTE_BYTES_PART, QN_CLEARLY_COLDER: what keeps a table still under
 * a steady load. A class is demoted below one part in so many of the threshold that
 * promoted it (QN_PROMOTE_SAMPLES and knob promote_share; knob promote_bytes), and gives
 * way to a size that is so many times hotter. They stay at build time because they have to be
 * above 1 whatever the thresholds are: larger values change a table less often, and keep
 * classes that went cold for longer.
 */
#ifndef QN_DEMOTE_PART
#define QN_DEMOTE_PART 4
#endif
#ifndef QN_DEMOTE_BYTES_PART
#define QN_DEMOTE_BYTES_PART 8
#endif
#ifndef QN_CLEARLY_COLDER
#define QN_CLEARLY_COLDER 4
#endif
_Static_assert(QN_DEMOTE_PART > 1 && QN_DEMOTE_BYTES_PART > 1 &&
		       QN_CLEARLY_COLDER > 1,
	       "hysteresis");

/*
 * QN_RULE_SLABS: 1: policy rule has a way to judge classes that have slabs. A heap of
 * one's own has none, so firmware does without it.
 */
#ifndef QN_RULE_SLABS
#define QN_RULE_SLABS (!QN_SMALL)
#endif

/*
 * QN_POLICY_BANDIT, QN_POLICY_DQN, QN_POLICY_PAPER, QN_POLICY_TUNED: 1 builds the policy of
 * that name beside "fixed" and "rule". Firmware has those that it asks for.
 */
#ifndef QN_POLICY_BANDIT
#define QN_POLICY_BANDIT (!QN_SMALL)
#endif
#ifndef QN_POLICY_DQN
#define QN_POLICY_DQN (!QN_SMALL)
#endif
#ifndef QN_POLICY_PAPER
#define QN_POLICY_PAPER (!QN_SMALL)
#endif
#ifndef QN_POLICY_TUNED
#define QN_POLICY_TUNED (!QN_SMALL)
#endif
/* Is there a policy that chooses among presets? It needs some state in each heap. */
#define QN_PRESETS (QN_POLICY_BANDIT || QN_POLICY_DQN)
/* Is there one that wants to know what held blocks served in a heap of one's own? */
#define QN_HITS (QN_PRESETS || QN_POLICY_PAPER)

/*
 * QN_WHOLE_VIEW: 1: a policy of a heap of one's own is shown all there is, pressure and bytes
 * in use among it. 0: what policy "rule" looks at: 280 bytes of flash and some 70
 * instructions a step less. A policy of one's own may need it.
 */
#ifndef QN_WHOLE_VIEW
#define QN_WHOLE_VIEW (!QN_SMALL || QN_HITS || QN_RULE_SLABS)
#endif
_Static_assert(QN_WHOLE_VIEW || !QN_HITS, "these policies look at it");

/*
 * QN_COUNT_CALLS: 1: a heap of one's own counts calls that allocate and free, for nr_allocs
 * and nr_frees of struct qn_stats. It costs each call three instructions. The policies that
 * want to know of hits count by it.
 */
#ifndef QN_COUNT_CALLS
#define QN_COUNT_CALLS (!QN_SMALL || QN_HITS)
#endif
_Static_assert(QN_COUNT_CALLS || !QN_HITS, "hits are of so many calls");

/* QN_DEBUG: compile qn_assert() in */
#ifndef QN_DEBUG
#define QN_DEBUG 0
#endif

/*
 * QN_LOCK_IRQ: firmware masks interrupts around each operation, so that they can
 * allocate too.
 */
#ifndef QN_LOCK_IRQ
#define QN_LOCK_IRQ 0
#endif

/*
 * QN_LOCK_BASEPRI: 0: all of them are masked (PRIMASK). Else what is written into
 * BASEPRI: interrupts of this priority and below are masked; more urgent ones are
 * not delayed and must not allocate.
 */
#ifndef QN_LOCK_BASEPRI
#define QN_LOCK_BASEPRI 0
#endif
_Static_assert(QN_LOCK_BASEPRI >= 0 && QN_LOCK_BASEPRI <= 255,
	       "QN_LOCK_BASEPRI");

/*
 * QN_LOCK_INLINE: 1: where interrupts are masked, a heap's functions do it themselves rather
 * than by a call. 0 lets a linker's --wrap see each section.
 */
#ifndef QN_LOCK_INLINE
#define QN_LOCK_INLINE QN_LOCK_IRQ
#endif
_Static_assert(!QN_LOCK_INLINE || QN_LOCK_IRQ, "QN_LOCK_INLINE");

/*
 * QN_CHECKS: what a heap of one's own notices. Each level has those below it, and knobs
 * QN_GUARD and QN_POISON may be set apart.
 *
 *	0	free of what is no block; a second free of a held block is not noticed, and
 *		damages the heap
 *	1	also that one
 *	2	also writes beyond the end of a block: QN_GUARD
 *	3	also fills blocks: QN_POISON
 */
#ifndef QN_CHECKS
#define QN_CHECKS 1
#endif
_Static_assert(QN_CHECKS >= 0 && QN_CHECKS <= 3, "QN_CHECKS");

/*
 * QN_GUARD: the last word of every block tells whether it was written to: found
 * when the block is freed or resized. Costs a word a block.
 */
#ifndef QN_GUARD
#define QN_GUARD (QN_CHECKS >= 2)
#endif

/*
 * QN_POISON: blocks are filled when they are allocated and when they are freed,
 * so that whoever reads them uninitialised or too late gets nonsense.
 */
#ifndef QN_POISON
#define QN_POISON (QN_CHECKS >= 3)
#endif

/* QN_CPU_MHZ: the core's clock, by which firmware's cycle counter tells time */
#ifndef QN_CPU_MHZ
#define QN_CPU_MHZ 168
#endif
_Static_assert(QN_CPU_MHZ >= 1, "QN_CPU_MHZ");

/* QN_HEAP_LOCK: a heap of one's own takes the port's lock in each operation */
#ifndef QN_HEAP_LOCK
#define QN_HEAP_LOCK (!QN_SMALL || QN_LOCK_IRQ)
#endif

/* QN_NR_ZONES: zones that a heap of one's own can have */
#ifndef QN_NR_ZONES
#define QN_NR_ZONES 4
#endif
_Static_assert(QN_NR_ZONES >= 1 && QN_NR_ZONES <= 16, "QN_NR_ZONES");

/*
 * QN_NR_BINS: lists of free runs by size, a multiple of the bits in a word. 64
 * tell sizes apart up to 20479 granules (160 KB of 8-byte granules), 128 up to
 * 2^30; what is larger shares the last list. A pointer each.
 */
#ifndef QN_NR_BINS
#define QN_NR_BINS (QN_SMALL || sizeof(void *) == 4 ? 64 : 128)
#endif
_Static_assert(QN_NR_BINS >= 64 && QN_NR_BINS <= 128, "QN_NR_BINS");

/*
 * QN_ENGINE_SPAN_SHIFT, QN_ENGINE_SPAN_LEAST: powers of two of the address space that
 * an engine in quern's place is given on Linux, and of the least that will do where
 * the system refuses more. A process cannot have more live than that.
 */
#ifndef QN_ENGINE_SPAN_SHIFT
#define QN_ENGINE_SPAN_SHIFT (sizeof(void *) > 4 ? 36 : 29)
#endif
#ifndef QN_ENGINE_SPAN_LEAST
#define QN_ENGINE_SPAN_LEAST 24
#endif

#endif /* QN_BASE_CONFIG_H */
