/* SPDX-License-Identifier: MIT */
/*
 * cfi.h - how to leave a function, from its entry in .eh_frame.
 *
 * Below frames.c. Knows what compilers write for x86-64 and no more; for the rest
 * there is libgcc.
 */
#ifndef QN_CFI_H
#define QN_CFI_H

#include "base/compiler.h"

/**
 * enum qn_cfi_how - where the caller's stack begins, or why that is not told
 * @QN_CFI_UNKNOWN: no rule
 * @QN_CFI_RSP, @QN_CFI_RBP: at a distance from this register
 * @QN_CFI_AT_RBP: at the address that lies at a distance from rbp
 * @QN_CFI_END:	there is no caller
 * @QN_CFI_SLOW: ask libgcc: a signal's frame, another register
 */
enum qn_cfi_how {
	QN_CFI_UNKNOWN,
	QN_CFI_RSP,
	QN_CFI_RBP,
	QN_CFI_AT_RBP,
	QN_CFI_END,
	QN_CFI_SLOW,
};

/* Where the caller's rbp is */
enum qn_cfi_rbp {
	QN_CFI_RBP_KEPT,
	QN_CFI_RBP_IN_FRAME,
	QN_CFI_RBP_AT_RBP,
};

/**
 * struct qn_cfi_rule - of one return address; the caller's lies below its stack
 * @cfa:	the distance, in bytes
 * @rbp:	distance of the caller's rbp from its stack, or from rbp, in words
 * @how:	enum qn_cfi_how
 * @rbp_how:	enum qn_cfi_rbp
 */
struct qn_cfi_rule {
	s32 cfa;
	s16 rbp;
	u8 how;
	u8 rbp_how;
};

/**
 * qn_cfi_rule() - work a rule out
 * @fde:	the function's entry in .eh_frame
 * @start:	of the function
 * @pc:		within the instruction that is asked about
 *
 * Return: a rule, never QN_CFI_UNKNOWN.
 */
struct qn_cfi_rule qn_cfi_rule(const u8 *fde, uintptr_t start, uintptr_t pc);

#endif /* QN_CFI_H */
