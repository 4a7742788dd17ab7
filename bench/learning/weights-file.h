/* SPDX-License-Identifier: MIT */
/*
 * weights-file.h - weights that quern train wrote, read while a program runs: so those of
 * many seeds can be compared.
 */
#ifndef QN_WEIGHTS_FILE_H
#define QN_WEIGHTS_FILE_H

#include "learn/network.h"

/**
 * ev_read_weights() - read a header as qn_weights_write() writes it
 * @path:	the file
 * @net:	set
 *
 * Return: 0, or -errno with a message.
 */
int ev_read_weights(const char *path, struct qn_network *net);

#endif /* QN_WEIGHTS_FILE_H */
