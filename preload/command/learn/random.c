// SPDX-License-Identifier: MIT
/*
 * random.c - splitmix64, by Sebastiano Vigna.
 */
#include "random.h"

u64 qn_random(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}
