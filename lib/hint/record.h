/* SPDX-License-Identifier: MIT */
/*
 * record.h - the reader of hint records; quern-hint.h has their format.
 *
 * The data comes from any executable, so the reader believes nothing. A record is only ever a
 * guess about what the program will ask for.
 */
#ifndef QN_HINT_RECORD_H
#define QN_HINT_RECORD_H

#include "base/compiler.h"
#include "base/fnv1a.h"
#include "quern-hint.h"

_Static_assert(sizeof(struct qn_hint) == 24, "this is a format of files");

/**
 * struct qn_hint_reader - a walk over the records in a range of memory
 * @at:		the next note
 * @end:	behind the last byte
 * @record:	the next record of the present note
 * @rec_size:	bytes from record to record
 * @ptr_bits:	bits of a pointer, of the present note's target
 * @left:	records of the present note that are to come
 * @nr_notes:	quern's notes so far, of a version that is known
 * @nr_other:	quern's notes of other versions
 * @nr_bad:	notes and records that cannot be right, and counts that were cut
 *
 * at <= end; the @left records of @rec_size bytes at @record lie below @at.
 */
struct qn_hint_reader {
	const u8 *at;
	const u8 *end;
	const u8 *record;
	u32 rec_size;
	u32 ptr_bits;
	u32 left;
	u32 nr_notes;
	u32 nr_other;
	u32 nr_bad;
};

/**
 * qn_hint_reader_init() - begin a walk
 * @r:		the walk
 * @notes:	notes padded to 4 bytes, quern's and others'; need not be aligned itself
 * @size:	bytes
 */
void qn_hint_reader_init(struct qn_hint_reader *r, const void *notes,
			 size_t size);

/**
 * qn_hint_reader_next() - the next record
 * @r:		the walk
 * @hint:	filled in; undefined at the end
 *
 * Notes of others and of unknown versions are skipped, so are records that cannot be right. A
 * note that does not lie within the range ends the walk.
 *
 * Context: any; no byte outside the range is read. Time is linear in the bytes passed.
 * Return: false at the end.
 */
bool qn_hint_reader_next(struct qn_hint_reader *r, struct qn_hint *hint);

/* Of the name of a type or a function: type_hash */
static inline u32 qn_hint_hash(const char *name)
{
	return qn_fnv1a(QN_FNV1A_START, name, __builtin_strlen(name));
}

#endif /* QN_HINT_RECORD_H */
