/* SPDX-License-Identifier: MIT */
/*
 * weights.h - a network as a C header with its provenance: lib/learn/weights-*.h.
 */
#ifndef QN_WEIGHTS_H
#define QN_WEIGHTS_H

#include <stdio.h>
#include "learn/network.h"

/**
 * qn_weights_write() - write it
 * @out:	where to
 * @net:	the network
 * @name:	what it is for: the table is qn_weights_NAME
 * @comments:	lines of provenance
 */
void qn_weights_write(FILE *out, const struct qn_network *net, const char *name,
		      const char *comments);

#endif /* QN_WEIGHTS_H */
