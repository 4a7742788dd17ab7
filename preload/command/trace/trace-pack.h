/* SPDX-License-Identifier: MIT */
/*
 * trace-pack.h - payloads of blocks, compressed by zstd.
 *
 * The command alone packs and unpacks: what is preloaded into programs writes blocks
 * as they are. A build without libzstd reads and writes all other blocks.
 */
#ifndef QN_TRACE_PACK_H
#define QN_TRACE_PACK_H

#include "base/compiler.h"

/* What to do where blocks are packed and this build cannot */
#define QN_PACK_ADVICE                                               \
	"this quern was built without libzstd; install it (Debian: " \
	"apt-get install libzstd-dev) and build again: ./bootstrap build"

/* Can this build do either */
bool qn_can_pack(void);

/**
 * qn_pack() - compress
 * @to, @room:	for the result
 *
 * Return: its size; 0 if it is not smaller than @room or cannot be made.
 */
size_t qn_pack(void *to, size_t room, const void *from, size_t size);

/**
 * qn_unpack() - the other way round
 * @from, @size: one frame; nothing of it is trusted
 * @most:	more is refused, whatever the frame says
 * @unpacked:	its size
 *
 * Return: what was compressed, the caller's to free; NULL if it cannot be had.
 */
u8 *qn_unpack(const void *from, size_t size, size_t most, size_t *unpacked);

#endif /* QN_TRACE_PACK_H */
