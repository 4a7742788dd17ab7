/* SPDX-License-Identifier: MIT */
/*
 * quern-hint.h - hint records: what a compiler knew about an allocation site.
 *
 * A compiler's plugin writes them into object files, as notes in the section quern_hints
 * (type SHT_NOTE, flags "aR", alignment 4). A linker joins these sections. On Linux they are
 * part of a PT_NOTE segment, in firmware they lie between __start_quern_hints and
 * __stop_quern_hints. They hold no pointers and need no relocations.
 *
 *	note	u32 namesz, u32 descsz, u32 type; the name "QUERN\0"; the desc. Name and desc are
 *		padded to 4 bytes each.
 *	desc	u8 version, u8 rec_size, u16 ptr_bits, u32 count; then count records
 *	record	struct qn_hint; later versions of the writer may append fields
 *
 * Numbers are in the target's byte order. No C object may be put into the section by an attribute:
 * the compiler would make a second section of that name, and no note.
 */
#ifndef QUERN_HINT_H
#define QUERN_HINT_H

#include <stdint.h>

#define QN_HINT_SECTION "quern_hints"
#define QN_HINT_NAME    "QUERN"
/* Bytes of the name, with its 0 */
#define QN_HINT_NAMESZ 6
#define QN_HINT_TYPE   1
/* The format's version; a reader skips notes of another one */
#define QN_HINT_VERSION 1
/* As size_max: there is no upper bound known. Sizes beyond are written as one less. */
#define QN_HINT_UNKNOWN UINT32_MAX
/* Of freq: so much is one execution for each call of the function */
#define QN_HINT_ONCE 16

/* Bits of flags. The site asks for ... */
#define QN_HINT_CONST        (1u << 0) /* one size: size_min equals size_max */
#define QN_HINT_RANGE        (1u << 1) /* sizes up to size_max, which is known */
#define QN_HINT_ARRAY        (1u << 2) /* several elements, of elem bytes each */
#define QN_HINT_ZEROED       (1u << 3) /* zeroed memory */
#define QN_HINT_REALLOC      (1u << 4) /* another size of a block that it has */
#define QN_HINT_FREED        (1u << 5) /* a block that the same function frees */
#define QN_HINT_HAS_POINTERS (1u << 6) /* a type that holds pointers */
#define QN_HINT_COLD         (1u << 7) /* ... and seldom runs */
#define QN_HINT_IN_LOOP      (1u << 8) /* ... and lies in a loop */
#define QN_HINT_TYPED        (1u << 9) /* a known type: type_hash is its name's */
#define QN_HINT_RETURNED     (1u << 10) /* a block that the function returns */
#define QN_HINT_HOT          (1u << 11) /* ... and runs often */
#define QN_HINT_RUST         (1u << 12) /* ... by Rust's allocator */
#define QN_HINT_GROWS        (1u << 13) /* a larger size of a block, again and again */
#define QN_HINT_HOOK         (1u << 14) /* ... by a pointer to a function, perhaps */
#define QN_HINT_MANUAL       (1u << 15) /* ... and a person wrote this record */

/**
 * struct qn_hint - one record
 * @size_min:	bytes, the least that the site asks for
 * @size_max:	bytes, the most; QN_HINT_UNKNOWN if there is no bound known
 * @elem:	bytes of one element; 0 if not known
 * @flags:	QN_HINT_*
 * @align_log2:	the alignment that is asked for, as a power of two; 0 for malloc's
 * @loop_depth:	loops around the site, in its function
 * @freq:	how often it runs for each call of its function, in sixteenths; at least 1
 * @type_hash:	FNV-1a of the type's name, "node" or "shop::order"; where that is not known, of
 *		the function's name in the object file
 *
 * size_min <= size_max.
 */
struct qn_hint {
	uint32_t size_min;
	uint32_t size_max;
	uint32_t elem;
	uint32_t flags;
	uint8_t align_log2;
	uint8_t loop_depth;
	uint16_t freq;
	uint32_t type_hash;
};

#endif /* QUERN_HINT_H */
