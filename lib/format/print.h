/* SPDX-License-Identifier: MIT */
/*
 * print.h - text put together by hand: inside a process under quern the printf family may
 * take locks and allocate, where neither is allowed.
 */
#ifndef QN_PRINT_H
#define QN_PRINT_H

#include "base/compiler.h"

/**
 * struct qn_print - a text that grows up to the end of its buffer
 * @at:		where it goes on; what is there is terminated
 * @left:	bytes there, with one for the end. What does not fit is left out
 */
struct qn_print {
	char *at;
	size_t left;
};

void qn_print(struct qn_print *p, const char *text);

/* In decimal digits */
void qn_print_number(struct qn_print *p, u64 n);

/* In hexadecimal digits, with 0x in front */
void qn_print_pointer(struct qn_print *p, const void *pointer);

/* Millionths, as a decimal: 1500000 is 1.5 */
void qn_print_micro(struct qn_print *p, u64 n);

/* Bytes, by the largest of their units: "9.5 MiB" */
void qn_print_size(struct qn_print *p, u64 bytes);

/**
 * qn_print_finding() - "quern: free(0x7f00): the block was freed already"
 * @p:		the text, from its start
 * @where:	the function that noticed it
 * @pointer:	that it got
 * @what:	the finding
 */
void qn_print_finding(struct qn_print *p, const char *where,
		      const void *pointer, const char *what);

/**
 * qn_print_path() - a path of settings, with the number of the process for each "%p"
 * @p:		the text
 * @path:	of QUERN_CONF
 * @pid:	the number
 */
void qn_print_path(struct qn_print *p, const char *path, u32 pid);

#endif /* QN_PRINT_H */
