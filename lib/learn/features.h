/* SPDX-License-Identifier: MIT */
/*
 * features.h - a view of a heap as inputs of the network.
 *
 * Each input is from -127 to 127: a share (127: the whole), or a logarithm with four steps
 * for each doubling, with a sign where it is of a change. Bytes count in pages of 4 KB in
 * the heap of a process, and in granules in a heap of one's own. Inputs that nobody fills
 * in are 0. "Since" is since the call before, "mean" is over some eight calls.
 *
 *	of a process			of a heap of one's own
 *	0	price			0	bytes in all
 *	1	pressure		1	free of all
 *	2	idle before this look	2	largest free of free
 *	3	time since		3	largest free of all
 *	4	break-even age		4	may be held of all
 *	5	dirty			5	requests served by held blocks
 *	6	in use			6	refused since
 *	7	dirty of both		7	flushed since
 *	8	live of used		8	is roomy
 *	9	used of recent peak	9	requests since
 *	10	change of used since	10	mean refused
 *	11	refaults of purged, lately	11	mean flushed
 *	12	purged of used, lately	12	live of peak
 *	13	refaults since		13	change of live since
 *	14	purged since		14	may be held of free
 *	15	mean refaults
 *	16	mean purged
 *	17	mean idle
 *	18	slope of live
 *	19	slope of the peak
 *	20	shift of the histogram
 *	21	external waste
 *	22	mean of input 7
 *	23	internal waste
 */
#ifndef QN_FEATURES_H
#define QN_FEATURES_H

#include "base/compiler.h"
#include "learn/controller.h"

#define QN_NR_FEATURES 24
_Static_assert(QN_NR_FEATURES == QN_STATS_INPUTS, "decisions show them all");
/* Words of a policy's state that the two functions below need */
#define QN_FEATURES_WORDS 8

/**
 * qn_features_process() - the inputs of a policy of the heap of a process
 * @v:		the view
 * @history:	QN_FEATURES_WORDS words, 0 at first: what the next call compares with
 * @in:		filled in
 *
 * Context: as @v. Bounded time: no loop over sizes.
 */
void qn_features_process(const struct qn_view *v, u32 *history,
			 s8 in[QN_NR_FEATURES]);

/* The same for a heap of one's own; alike on 32 and 64 bits for heaps below 4 GB */
void qn_features_heap(const struct qn_view *v, u32 *history,
		      s8 in[QN_NR_FEATURES]);

#endif /* QN_FEATURES_H */
