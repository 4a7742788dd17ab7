/* SPDX-License-Identifier: MIT */
/*
 * random.h - the pseudo-random numbers of all tests: the same in every run and on
 * every machine, from any seed.
 *
 * roll() draws from the file's own state, which a test sets where it begins.
 * Threads have a state each.
 */
#ifndef QN_TESTS_RANDOM_H
#define QN_TESTS_RANDOM_H

#include <stdint.h>

static uint32_t random_state __attribute__((unused));

/* Of the state itself the upper bits are the better ones */
static inline uint32_t random_turn(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state;
}

/* A number of 32 bits, of which all are good */
static inline uint32_t random_next(uint32_t *state)
{
	uint32_t n = random_turn(state);

	n = (n ^ n >> 16) * 0x85ebca6bu;
	return n ^ n >> 13;
}

/* From 0 to @n - 1 */
static inline uint32_t random_pick(uint32_t *state, uint32_t n)
{
	return (uint32_t)(((uint64_t)random_turn(state) * n) >> 32);
}

static inline uint32_t roll(uint32_t n)
{
	return random_pick(&random_state, n);
}

#endif /* QN_TESTS_RANDOM_H */
