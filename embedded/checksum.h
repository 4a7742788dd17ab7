/* SPDX-License-Identifier: MIT */
/*
 * checksum.h - sums over bytes and a source of pseudo-random numbers.
 *
 * All defined by bytes and 32-bit words, so that every machine gets the same.
 */
#ifndef CHECKSUM_H
#define CHECKSUM_H

#include "base/compiler.h"
#include "base/fnv1a.h"

#define FNV1A_START QN_FNV1A_START

/* CRC-16/CCITT, most significant bit first; finds every error within a byte */
u16 crc16(u16 crc, const void *p, size_t size);

/* The CRC-32 of Ethernet; start with 0 */
u32 crc32(u32 crc, const void *p, size_t size);

u32 fnv1a(u32 hash, const void *p, size_t size);

/* The four bytes of @value, lowest first */
u32 fnv1a_word(u32 hash, u32 value);

/**
 * struct rng - Marsaglia's xorshift generator of 32 bits
 * @state:	never 0
 */
struct rng {
	u32 state;
};

void rng_init(struct rng *rng, u32 seed);
u32 rng_next(struct rng *rng);

/* From @low to @high, both included */
u32 rng_range(struct rng *rng, u32 low, u32 high);

/* True once in @n times on average */
bool rng_one_in(struct rng *rng, u32 n);

#endif /* CHECKSUM_H */
