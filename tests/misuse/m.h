/* SPDX-License-Identifier: MIT */
/*
 * m.h - what the misuse programs (m-*.c) share. m-misuse.sh runs them.
 */
#ifndef QN_TESTS_M_H
#define QN_TESTS_M_H

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Says which pointer is about to be misused, and hides it from the compiler */
static inline void *misused(void *p)
{
	printf("%p", p);
	fflush(stdout);
	__asm__ volatile("" : "+r"(p) : : "memory");
	return p;
}

/*
 * What free() has no time to notice is noticed when the memory is about to be
 * used again
 */
static inline void use_again(size_t size)
{
	for (int i = 0; i < 100000; i++)
		if (!malloc(size))
			return;
}

#endif /* QN_TESTS_M_H */
