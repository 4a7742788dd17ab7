// SPDX-License-Identifier: MIT
/*
 * f-hint.c - hint records of any executable, and the ELF files that they stand in.
 *
 * The first byte says what the input is: notes; notes with heads that are right; an ELF file.
 * What is read lies in the input: sanitizers see to that. Records are sound, and the walk
 * comes to its end.
 */
#include "command/base/elf.h"
#include "command/hints/hint-file.h"
#include "hint/record.h"

#include "fuzz.h"

#define ROOM 8192

static void walk(const void *notes, size_t size)
{
	struct qn_hint_reader r;
	struct qn_hint hint;
	size_t nr = 0;

	qn_hint_reader_init(&r, notes, size);
	while (qn_hint_reader_next(&r, &hint)) {
		fuzz_expect(hint.size_min <= hint.size_max &&
				    hint.align_log2 < 32,
			    "a record that cannot be right");
		fuzz_expect(++nr <= size / sizeof(hint) + 1, "no end");
	}
	fuzz_expect(r.at == r.end, "it ends early");
}

static size_t put(u8 *to, const void *from, size_t size)
{
	memcpy(to, from, size);
	return size;
}

/* Notes whose sizes fit, of quern's name and type; a byte now and then is another */
static size_t make_notes(struct fuzz_input *in, u8 *to)
{
	size_t at = 0;

	while (fuzz_left(in) && at + 1024 < ROOM) {
		u32 size = sizeof(struct qn_hint) + fuzz_byte(in) % 3;
		u32 nr = fuzz_byte(in) % 24;
		u32 desc = 8 + nr * size;
		u32 head[3] = { QN_HINT_NAMESZ, desc, QN_HINT_TYPE };
		size_t begin = at;

		at += put(to + at, head, sizeof(head));
		at += put(to + at, QN_HINT_NAME "\0\0\0", 8);
		to[at++] = QN_HINT_VERSION;
		to[at++] = (u8)size;
		to[at++] = 64;
		to[at++] = 0;
		at += put(to + at, &nr, sizeof(nr));
		for (u32 i = 0; i < nr * size; i++)
			to[at++] = (u8)fuzz_byte(in);
		while (at % 4)
			to[at++] = 0;
		if (fuzz_byte(in) % 4 == 0)
			to[begin + fuzz_u16(in) % (at - begin)] =
				(u8)fuzz_byte(in);
	}
	return at;
}

static void elf(const u8 *bytes, size_t size)
{
	struct qn_hint_file f = { .elf = { .map = bytes, .size = size } };

	qn_hint_file_read(&f);
	for (u32 i = 0; i < f.nr; i++)
		if (f.at[i].name)
			fuzz_expect(
				(const u8 *)f.at[i].name >= bytes &&
					memchr(f.at[i].name, 0,
					       size - (size_t)((const u8 *)f
								       .at[i]
								       .name -
							       bytes)),
				"a name lies elsewhere");
	free(f.at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_begin(data, size);
	static u8 notes[ROOM];
	u8 *copy;
	size_t n;

	switch (fuzz_byte(&in) % 3) {
	case 0:
		walk(in.at, fuzz_left(&in));
		break;
	case 1:
		n = make_notes(&in, notes);
		/* Of just its size, so that a read behind it is noticed */
		copy = malloc(n ? n : 1);
		if (!copy)
			break;
		memcpy(copy, notes, n);
		walk(copy, n);
		free(copy);
		break;
	default:
		elf(in.at, fuzz_left(&in));
	}
	return 0;
}
