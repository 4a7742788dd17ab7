/* SPDX-License-Identifier: MIT */
/*
 * load.h - the command that drives a server, and the server's end.
 */
#ifndef QN_LOAD_H
#define QN_LOAD_H

#include "trial.h"

/* Before a run: as if nothing had run yet */
void qn_load_begin(struct qn_load *l);

/* While the server runs, again and again: start the load, or see how far it is */
void qn_load_step(struct qn_load *l, int fd_out, int fd_log);

/* The server has ended: the load ends too, if it has not */
void qn_load_end(struct qn_load *l);

#endif /* QN_LOAD_H */
