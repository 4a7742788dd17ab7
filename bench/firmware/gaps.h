/* SPDX-License-Identifier: MIT */
/*
 * gaps.h - free memory as it shows from outside: what lies between the blocks.
 *
 * Works for heaps that do not tell, and holds the others to what they tell.
 */
#ifndef GAPS_H
#define GAPS_H

#include "replay.h"

/* Shorter ones are headers and rounding */
#define GAPS_MIN 16

/**
 * struct gaps - bytes between blocks
 * @sum:	of all gaps of GAPS_MIN bytes or more
 * @largest:	of them
 */
struct gaps {
	u32 sum;
	u32 largest;
};

/* Of the heap of @r as it is now, behind what it keeps for itself */
void gaps_find(struct gaps *gaps, const struct replay *r);

#endif /* GAPS_H */
