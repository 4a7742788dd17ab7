// SPDX-License-Identifier: MIT
/*
 * trace-pack.c - zstd, where it was there when this was built.
 */
#include "trace-pack.h"

#include <stdlib.h>

#include "command/base/fail.h"

#ifdef QN_HAVE_ZSTD
#include <zstd.h>

/* From here on a level takes twice the time for a few percent */
#define LEVEL 12

bool qn_can_pack(void)
{
	return true;
}

size_t qn_pack(void *to, size_t room, const void *from, size_t size)
{
	size_t n = ZSTD_compress(to, room, from, size, LEVEL);

	return ZSTD_isError(n) ? 0 : n;
}

u8 *qn_unpack(const void *from, size_t size, size_t most, size_t *unpacked)
{
	unsigned long long says = ZSTD_getFrameContentSize(from, size);
	u8 *to;

	/* The two values for "not told" and "no frame" are larger than any size */
	if (says > most || ZSTD_findFrameCompressedSize(from, size) != size)
		return NULL;
	to = qn_xrealloc(NULL, (size_t)says + 1);
	*unpacked = ZSTD_decompress(to, (size_t)says, from, size);
	if (*unpacked == says)
		return to;
	free(to);
	return NULL;
}

#else /* !QN_HAVE_ZSTD */

bool qn_can_pack(void)
{
	return false;
}

size_t qn_pack(void *to __maybe_unused, size_t room __maybe_unused,
	       const void *from __maybe_unused, size_t size __maybe_unused)
{
	return 0;
}

u8 *qn_unpack(const void *from __maybe_unused, size_t size __maybe_unused,
	      size_t most __maybe_unused, size_t *unpacked __maybe_unused)
{
	return NULL;
}

#endif /* QN_HAVE_ZSTD */
