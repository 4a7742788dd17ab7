/* SPDX-License-Identifier: MIT */
/*
 * crc32.h - the checksum of traces and of what firmware stores and sends.
 *
 * Beside varint.h at the bottom; inline, because of its two users one is no part of
 * the core and is linked without it.
 */
#ifndef QN_CRC32_H
#define QN_CRC32_H

#include "base/compiler.h"

/**
 * qn_crc32() - the CRC-32 of Ethernet and zlib, four bits at a time
 * @sum:	0, or that of the bytes before
 *
 * A table of 16 entries fits a small chip.
 */
static inline u32 qn_crc32(u32 sum, const void *p, size_t size)
{
	static const u32 table[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
		0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	const u8 *byte = p;

	for (sum = ~sum; size--; byte++) {
		sum = sum >> 4 ^ table[(sum ^ *byte) & 15];
		sum = sum >> 4 ^ table[(sum ^ *byte >> 4) & 15];
	}
	return ~sum;
}

#endif /* QN_CRC32_H */
