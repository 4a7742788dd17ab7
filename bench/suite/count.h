/* SPDX-License-Identifier: MIT */
/*
 * count.h - for programs whose instructions count.sh counts.
 */
#ifndef QN_BENCH_COUNT_H
#define QN_BENCH_COUNT_H

/* A function apart, under its own name, whatever is known of its arguments */
#ifdef __clang__
#define APART __attribute__((noinline))
#else
#define APART __attribute__((noipa))
#endif

#endif /* QN_BENCH_COUNT_H */
