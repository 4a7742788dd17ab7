/* SPDX-License-Identifier: MIT */
/*
 * policy-tuned.h - where policy "tuned" has its sizes from.
 */
#ifndef QN_POLICY_TUNED_H
#define QN_POLICY_TUNED_H

#include "base/compiler.h"

/**
 * qn_policy_tuned_set() - the sizes that have a class of their own
 * @classes:	in bytes; not copied
 * @nr:		how many
 *
 * Context: before a heap has the policy. In firmware they are those of granules.h.
 */
void qn_policy_tuned_set(const u16 *classes, unsigned int nr);

#endif /* QN_POLICY_TUNED_H */
