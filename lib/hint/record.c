// SPDX-License-Identifier: MIT
/*
 * record.c - the walk over hint records; quern-hint.h has the format.
 *
 * Each number from the range is compared with what is left of the range before it is used, as
 * a 64-bit sum where a sum is needed: nothing can overflow.
 */
#include "hint/record.h"

/* Of a note, of a desc before its records */
#define NOTE_HEAD 12
#define DESC_HEAD 8

static u32 get32(const u8 *from)
{
	u32 value;

	__builtin_memcpy(&value, from, sizeof(value));
	return value;
}

static u32 get16(const u8 *from)
{
	u16 value;

	__builtin_memcpy(&value, from, sizeof(value));
	return value;
}

static bool is_named(const u8 *name, u32 namesz)
{
	if (namesz != QN_HINT_NAMESZ)
		return false;
	for (u32 i = 0; i < QN_HINT_NAMESZ; i++)
		if (name[i] != (u8)QN_HINT_NAME[i])
			return false;
	return true;
}

/* Take up the records of a desc, unless it is of a kind that is not known */
static void open_desc(struct qn_hint_reader *r, const u8 *desc, u32 descsz)
{
	u32 room, count;

	if (descsz < DESC_HEAD) {
		r->nr_bad++;
		return;
	}
	if (desc[0] != QN_HINT_VERSION) {
		r->nr_other++;
		return;
	}
	if (desc[1] < sizeof(struct qn_hint)) {
		r->nr_bad++;
		return;
	}
	r->nr_notes++;
	r->rec_size = desc[1];
	r->ptr_bits = get16(desc + 2);
	r->record = desc + DESC_HEAD;
	room = (descsz - DESC_HEAD) / r->rec_size;
	count = get32(desc + 4);
	if (count > room)
		r->nr_bad++;
	r->left = min(count, room);
}

bool qn_hint_reader_note(struct qn_hint_reader *r)
{
	size_t room = (size_t)(r->end - r->at);
	const u8 *note = r->at;
	u32 namesz, descsz;
	u64 desc;

	r->left = 0;
	if (room < NOTE_HEAD)
		goto ends;
	namesz = get32(note);
	descsz = get32(note + 4);
	desc = NOTE_HEAD + round_up((u64)namesz, 4);
	if (desc + descsz > room)
		goto ends;
	/* The last one need not be padded */
	r->at += min((u64)room, desc + round_up((u64)descsz, 4));
	if (is_named(note + NOTE_HEAD, namesz) &&
	    get32(note + 8) == QN_HINT_TYPE)
		open_desc(r, note + desc, descsz);
	return true;
ends:
	if (room)
		r->nr_bad++;
	r->at = r->end;
	return false;
}

void qn_hint_reader_init(struct qn_hint_reader *r, const void *notes,
			 size_t size)
{
	*r = (struct qn_hint_reader){ .at = notes };
	r->end = r->at + size;
}

bool qn_hint_reader_next(struct qn_hint_reader *r, struct qn_hint *hint)
{
	const struct qn_hint_place *at;

	while (!(at = qn_hint_reader_record(r)))
		if (!qn_hint_reader_note(r))
			return false;
	*hint = at->hint;
	return true;
}
