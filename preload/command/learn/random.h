/* SPDX-License-Identifier: MIT */
/*
 * random.h - numbers by chance that are the same wherever they are drawn.
 */
#ifndef QN_RANDOM_H
#define QN_RANDOM_H

#include "base/compiler.h"

/* The next of a row (splitmix64); any @state begins one */
u64 qn_random(u64 *state);

#endif /* QN_RANDOM_H */
