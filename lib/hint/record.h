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

/* A record where it lies, at any address: no copy is made of its fields */
struct qn_hint_place {
	struct qn_hint hint;
} __attribute__((packed, may_alias));

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
 * qn_hint_reader_note() - go to the next note, of which the records are to come
 * @r:		the walk
 *
 * Notes of others and of unknown versions have none. A note that does not lie within the range
 * ends the walk.
 *
 * Context: any; no byte outside the range is read. Bounded time.
 * Return: false at the end.
 */
bool qn_hint_reader_note(struct qn_hint_reader *r);

/**
 * qn_hint_reader_record() - the next record of the present note
 * @r:		the walk
 *
 * Records that cannot be right are skipped. Inline for those who read many.
 *
 * Context: as above. Time is linear in the bytes passed.
 * Return: where it lies; NULL at the end of the note.
 */
static __always_inline const struct qn_hint_place *
qn_hint_reader_record(struct qn_hint_reader *r)
{
	while (r->left) {
		const struct qn_hint_place *at = (const void *)r->record;

		r->record += r->rec_size;
		r->left--;
		if (at->hint.size_min <= at->hint.size_max &&
		    at->hint.align_log2 < 32)
			return at;
		r->nr_bad++;
	}
	return NULL;
}

/**
 * qn_hint_reader_next() - the next record, of whichever note
 * @r:		the walk
 * @hint:	filled in; undefined at the end
 *
 * Context: as above.
 * Return: false at the end.
 */
bool qn_hint_reader_next(struct qn_hint_reader *r, struct qn_hint *hint);

/* Of the name of a type or a function: type_hash */
static inline u32 qn_hint_hash(const char *name)
{
	return qn_fnv1a(QN_FNV1A_START, name, __builtin_strlen(name));
}

#endif /* QN_HINT_RECORD_H */
