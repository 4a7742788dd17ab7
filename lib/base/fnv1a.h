/* SPDX-License-Identifier: MIT */
/*
 * fnv1a.h - the hash FNV-1a of 32 bits: of names in tables and in hint records, of colours
 * in drawings, and the checksum of the pipeline.
 *
 * Beside crc32.h at the bottom, and inline for the same reason.
 */
#ifndef QN_FNV1A_H
#define QN_FNV1A_H

#include "base/compiler.h"

#define QN_FNV1A_START 2166136261u

/**
 * qn_fnv1a() - the hash of some bytes
 * @hash:	QN_FNV1A_START, or that of the bytes before
 */
static inline u32 qn_fnv1a(u32 hash, const void *p, size_t size)
{
	const u8 *byte = p;

	for (; size; size--)
		hash = (hash ^ *byte++) * 16777619u;
	return hash;
}

#endif /* QN_FNV1A_H */
