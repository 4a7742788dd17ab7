// SPDX-License-Identifier: MIT
/*
 * checksum.c - CRCs go by half bytes: tables of 16 entries fit a small chip.
 */
#include "checksum.h"
#include "base/crc32.h"

/* clang-format off */
static const u16 crc16_table[16] = {
	0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
	0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef,
};

/* clang-format on */

u16 crc16(u16 crc, const void *p, size_t size)
{
	const u8 *byte = p;

	for (; size; size--, byte++) {
		crc = (u16)(crc << 4) ^ crc16_table[(crc >> 12) ^ (*byte >> 4)];
		crc = (u16)(crc << 4) ^ crc16_table[(crc >> 12) ^ (*byte & 15)];
	}
	return crc;
}

u32 crc32(u32 crc, const void *p, size_t size)
{
	return qn_crc32(crc, p, size);
}

u32 fnv1a(u32 hash, const void *p, size_t size)
{
	return qn_fnv1a(hash, p, size);
}

u32 fnv1a_word(u32 hash, u32 value)
{
	for (int i = 0; i < 4; i++, value >>= 8)
		hash = (hash ^ (value & 0xff)) * 0x01000193u;
	return hash;
}

void rng_init(struct rng *rng, u32 seed)
{
	rng->state = fnv1a_word(FNV1A_START, seed);
	if (!rng->state)
		rng->state = 1;
}

u32 rng_next(struct rng *rng)
{
	u32 x = rng->state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	rng->state = x;
	return x;
}

u32 rng_range(struct rng *rng, u32 low, u32 high)
{
	u32 span = high - low + 1;

	return low + (u32)(((u64)rng_next(rng) * span) >> 32);
}

bool rng_one_in(struct rng *rng, u32 n)
{
	return rng_range(rng, 1, n) == 1;
}
