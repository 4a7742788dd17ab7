/* SPDX-License-Identifier: MIT */
/*
 * quern-hint.h - hint records: what a compiler knew about an allocation site.
 *
 * Where the compiler has no plugin, records are written by hand: qn_new(), QN_HINT(), qn_hint() at
 * the end of this file. Such a record costs no instruction.
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
/* Names of the types and functions, for people: no part of the program's memory */
#define QN_HINT_NAMES ".debug_quern_names"
#define QN_HINT_NAME  "QUERN"
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

/* --- by hand ---------------------------------------------------------------- */

#if defined(__ELF__) && defined(__GNUC__)

/* FNV-1a of a string constant's first 32 characters behind a tag of C, as a constant */
#define QN_HINT_CHAR(s, i) \
	((i) < sizeof(s) ? (uint8_t)(s)[(i) < sizeof(s) ? (i) : 0] : 0u)
#define QN_HINT_TAG(s)                                                 \
	(QN_HINT_CHAR(s, 5) == 't' && QN_HINT_CHAR(s, 6) == ' ' ? 7u : \
	 QN_HINT_CHAR(s, 4) == 'n' && QN_HINT_CHAR(s, 5) == ' ' ? 6u : \
								  0u)
#define QN_HINT_HASH1(s, i, h) \
	(((h) ^ QN_HINT_CHAR(s, i)) * (QN_HINT_CHAR(s, i) ? 16777619u : 1u))
#define QN_HINT_HASH4(s, i, h)                                \
	QN_HINT_HASH1(s, (i) + 3,                             \
		      QN_HINT_HASH1(s, (i) + 2,               \
				    QN_HINT_HASH1(s, (i) + 1, \
						  QN_HINT_HASH1(s, i, h))))
#define QN_HINT_HASH16(s, i, h)                               \
	QN_HINT_HASH4(s, (i) + 12,                            \
		      QN_HINT_HASH4(s, (i) + 8,               \
				    QN_HINT_HASH4(s, (i) + 4, \
						  QN_HINT_HASH4(s, i, h))))

/* GCC does not see a constant there in C without -O: then the type stays unknown */
#if defined(__OPTIMIZE__) || defined(__clang__) || defined(__cplusplus)
#define QN_HINT_KNOWN QN_HINT_TYPED
#define QN_HINT_HASH(s)                        \
	QN_HINT_HASH16(s, QN_HINT_TAG(s) + 16, \
		       QN_HINT_HASH16(s, QN_HINT_TAG(s), 2166136261u))
#else
#define QN_HINT_KNOWN   0u
#define QN_HINT_HASH(s) 0u
#endif

/* A note of one record. All arguments are constants; the statement becomes no instruction. */
#define QN_HINT_RECORD(size, elem, flags, align_log2, freq, hash)             \
	__asm__ __volatile__(".pushsection quern_hints,\"aR\",%%note\n\t"     \
			     ".p2align 2\n\t"                                 \
			     ".4byte 6, 32, 1\n\t"                            \
			     ".asciz \"QUERN\"\n\t"                           \
			     ".p2align 2\n\t"                                 \
			     ".byte 1, 24\n\t"                                \
			     ".2byte %c0\n\t"                                 \
			     ".4byte 1, %c1, %c1, %c2, %c3\n\t"               \
			     ".byte %c4, 0\n\t"                               \
			     ".2byte %c5\n\t"                                 \
			     ".4byte %c6\n\t"                                 \
			     ".popsection"                                    \
			     :                                                \
			     : "i"(8 * sizeof(void *)), "i"(size), "i"(elem), \
			       "i"((flags) | QN_HINT_CONST | QN_HINT_MANUAL), \
			       "i"(align_log2), "i"(freq), "i"(hash))

/* What the hash is of, for quern hints */
#define QN_HINT_NAME_OF(name)                                           \
	__asm__ __volatile__(".pushsection .debug_quern_names,\"\"\n\t" \
			     ".asciz \"" name "\"\n\t"                  \
			     ".popsection")

/* Logarithm of a power of two up to 65536 */
#define QN_HINT_LOG2(n)                                                      \
	(((n) > 1) + ((n) > 2) + ((n) > 4) + ((n) > 8) + ((n) > 16) +        \
	 ((n) > 32) + ((n) > 64) + ((n) > 128) + ((n) > 256) + ((n) > 512) + \
	 ((n) > 1024) + ((n) > 2048) + ((n) > 4096) + ((n) > 8192) +         \
	 ((n) > 16384) + ((n) > 32768))

/**
 * QN_HINT() - a statement: here a block for one object of a type is asked for
 * @type:	its name, at most 32 characters; a structure's with or without the tag
 */
#define QN_HINT(type)                                                        \
	do {                                                                 \
		QN_HINT_RECORD(sizeof(type), sizeof(type), QN_HINT_KNOWN, 0, \
			       QN_HINT_ONCE, QN_HINT_HASH(#type));           \
		QN_HINT_NAME_OF(#type);                                      \
	} while (0)

/**
 * qn_hint() - a statement: blocks of a size will be asked for
 * @heap:	of which heap, for those who read the code: all heaps read the same records
 * @size:	bytes, a constant
 * @align:	a power of two up to 65536, or 0 for malloc's; a constant
 * @flags:	QN_HINT_*; a constant
 * @weight:	how often, from 1 to 4095; a constant
 */
#define qn_hint(heap, size, align, flags, weight)                   \
	do {                                                        \
		(void)(heap);                                       \
		QN_HINT_RECORD(size, 0, flags, QN_HINT_LOG2(align), \
			       (weight)*QN_HINT_ONCE, 0);           \
	} while (0)

#else /* not ELF, or a compiler without GNU's asm: nothing is said */

#define QN_HINT(type)                             ((void)0)
#define qn_hint(heap, size, align, flags, weight) ((void)(heap))

#endif

/* What qn_new() asks: define it before for another function */
#ifndef QN_NEW_ALLOC
#define QN_NEW_ALLOC malloc
#endif

/**
 * qn_new() - memory for one object of a type, by malloc() of stdlib.h, with a record
 * @type:	as of QN_HINT()
 *
 * Return: a pointer to it, not initialised, or NULL.
 */
#ifdef __GNUC__
#define qn_new(type)                                \
	(__extension__({                            \
		QN_HINT(type);                      \
		(type *)QN_NEW_ALLOC(sizeof(type)); \
	}))
#else
#define qn_new(type) ((type *)QN_NEW_ALLOC(sizeof(type)))
#endif

#endif /* QUERN_HINT_H */
