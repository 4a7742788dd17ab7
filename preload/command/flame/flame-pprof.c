// SPDX-License-Identifier: MIT
/*
 * flame-pprof.c - profile.proto of pprof (github.com/google/pprof, proto/profile.proto),
 * by hand: a message is its fields one after the other, each a key and a number or a
 * length and bytes.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "flame.h"
#include "command/base/fail.h"

#ifdef QN_HAVE_ZLIB
#include <zlib.h>
#endif

/* Numbers of fields */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_MAPPING = 3,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRINGS = 6,
	PROFILE_DEFAULT_TYPE = 14,
	TYPE_TYPE = 1,
	TYPE_UNIT = 2,
	SAMPLE_LOCATION = 1,
	SAMPLE_VALUE = 2,
	MAPPING_ID = 1,
	MAPPING_FILE = 5,
	MAPPING_HAS_FUNCTIONS = 7,
	LOCATION_ID = 1,
	LOCATION_MAPPING = 2,
	LOCATION_LINE = 4,
	LINE_FUNCTION = 1,
	LINE_LINE = 2,
	FUNCTION_ID = 1,
	FUNCTION_NAME = 2,
	FUNCTION_SYSTEM_NAME = 3,
	FUNCTION_FILE = 4,
};

/**
 * struct bytes - a message that is being written
 */
struct bytes {
	u8 *at;
	u64 nr;
};

/* A frame with its id, which is its index + 1 */
struct place {
	const char *function;
	const char *file;
	u32 line;
};

/**
 * struct profile - what is collected before it is written
 * @body:	fields so far
 * @strings, @nr_strings: by index; 0 is ""
 * @places, @nr_places: locations and functions
 */
struct profile {
	struct bytes body;
	const char **strings;
	u32 nr_strings;
	struct place *places;
	u32 nr_places;
};

/* ---- the encoding ---- */

static void put_byte(struct bytes *b, u8 byte)
{
	QN_GROW(b->at, b->nr);
	b->at[b->nr++] = byte;
}

static void put_varint(struct bytes *b, u64 n)
{
	for (; n >= 128; n >>= 7)
		put_byte(b, (u8)(n | 128));
	put_byte(b, (u8)n);
}

static void put_number(struct bytes *b, u32 field, u64 n)
{
	put_varint(b, field << 3);
	put_varint(b, n);
}

static void put_block(struct bytes *b, u32 field, const void *at, u64 size)
{
	const u8 *byte = at;

	put_varint(b, field << 3 | 2);
	put_varint(b, size);
	while (size--)
		put_byte(b, *byte++);
}

/* A message within, which is used up */
static void put_message(struct bytes *b, u32 field, struct bytes *message)
{
	put_block(b, field, message->at, message->nr);
	free(message->at);
	*message = (struct bytes){ NULL, 0 };
}

/* ---- strings and places ---- */

static u32 string_of(struct profile *p, const char *text)
{
	for (u32 i = 0; i < p->nr_strings; i++)
		if (!strcmp(p->strings[i], text))
			return i;
	QN_GROW(p->strings, p->nr_strings);
	p->strings[p->nr_strings] = text;
	return p->nr_strings++;
}

static u32 place_of(struct profile *p, const struct qn_symbols_frame *frame)
{
	for (u32 i = 0; i < p->nr_places; i++)
		if (p->places[i].line == frame->line &&
		    !strcmp(p->places[i].function, frame->function) &&
		    !strcmp(p->places[i].file ?: "", frame->file ?: ""))
			return i + 1;
	QN_GROW(p->places, p->nr_places);
	p->places[p->nr_places++] =
		(struct place){ frame->function, frame->file, frame->line };
	return p->nr_places;
}

/* ---- the profile ---- */

static void put_type(struct profile *p, const char *type, const char *unit)
{
	struct bytes b = { NULL, 0 };

	put_number(&b, TYPE_TYPE, string_of(p, type));
	put_number(&b, TYPE_UNIT, string_of(p, unit));
	put_message(&p->body, PROFILE_SAMPLE_TYPE, &b);
}

static void put_sample(struct profile *p, const struct qn_flame *f,
		       const struct qn_flame_site *site)
{
	const struct qn_symbols_frame *frames[QN_PEOPLE_FRAMES];
	const u64 values[] = { site->value[QN_FLAME_COUNT],
			       site->value[QN_FLAME_BYTES],
			       site->live_nr,
			       site->value[QN_FLAME_LEAKED],
			       site->peak_nr,
			       site->value[QN_FLAME_PEAK] };
	struct bytes locations = { NULL, 0 }, numbers = { NULL, 0 };
	struct bytes b = { NULL, 0 };
	struct qn_people people;
	u32 nr = qn_flame_frames(f, site->site, &people, frames);

	for (u32 i = 0; i < nr; i++)
		put_varint(&locations, place_of(p, frames[i]));
	for (u32 i = 0; i < (f->has_peak ? 6u : 4u); i++)
		put_varint(&numbers, values[i]);
	put_message(&b, SAMPLE_LOCATION, &locations);
	put_message(&b, SAMPLE_VALUE, &numbers);
	put_message(&p->body, PROFILE_SAMPLE, &b);
}

static void put_mapping(struct profile *p, const char *program)
{
	struct bytes b = { NULL, 0 };

	put_number(&b, MAPPING_ID, 1);
	put_number(&b, MAPPING_FILE, string_of(p, program));
	put_number(&b, MAPPING_HAS_FUNCTIONS, 1);
	put_message(&p->body, PROFILE_MAPPING, &b);
}

static void put_place(struct profile *p, u32 id, const struct place *place)
{
	struct bytes line = { NULL, 0 }, b = { NULL, 0 };

	put_number(&line, LINE_FUNCTION, id);
	put_number(&line, LINE_LINE, place->line);
	put_number(&b, LOCATION_ID, id);
	put_number(&b, LOCATION_MAPPING, 1);
	put_message(&b, LOCATION_LINE, &line);
	put_message(&p->body, PROFILE_LOCATION, &b);
	put_number(&b, FUNCTION_ID, id);
	put_number(&b, FUNCTION_NAME, string_of(p, place->function));
	put_number(&b, FUNCTION_SYSTEM_NAME, string_of(p, place->function));
	put_number(&b, FUNCTION_FILE,
		   string_of(p, place->file ? place->file : ""));
	put_message(&p->body, PROFILE_FUNCTION, &b);
}

static void make_profile(struct profile *p, const struct qn_flame *f,
			 enum qn_flame_of of)
{
	static const char *const defaults[QN_FLAME_NR] = {
		"peak_space", "inuse_space", "alloc_space", "alloc_objects"
	};

	string_of(p, "");
	put_type(p, "alloc_objects", "count");
	put_type(p, "alloc_space", "bytes");
	put_type(p, "inuse_objects", "count");
	put_type(p, "inuse_space", "bytes");
	if (f->has_peak) {
		put_type(p, "peak_objects", "count");
		put_type(p, "peak_space", "bytes");
	}
	for (u32 i = 0; i < f->nr; i++)
		put_sample(p, f, &f->sites[i]);
	put_mapping(p, f->program);
	for (u32 i = 0; i < p->nr_places; i++)
		put_place(p, i + 1, &p->places[i]);
	put_number(&p->body, PROFILE_DEFAULT_TYPE, string_of(p, defaults[of]));
	for (u32 i = 0; i < p->nr_strings; i++)
		put_block(&p->body, PROFILE_STRINGS, p->strings[i],
			  strlen(p->strings[i]));
}

#ifdef QN_HAVE_ZLIB

/* 16 more than the window's bits: with the header of gzip */
static int pack(FILE *out, const struct bytes *b)
{
	z_stream z = { .next_in = b->at, .avail_in = (uInt)b->nr };
	u8 buffer[16384];
	int got;

	if (b->nr > UINT32_MAX / 2)
		return -EFBIG;
	if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	do {
		z.next_out = buffer;
		z.avail_out = sizeof(buffer);
		got = deflate(&z, Z_FINISH);
		fwrite(buffer, 1, sizeof(buffer) - z.avail_out, out);
	} while (got == Z_OK);
	deflateEnd(&z);
	return got == Z_STREAM_END ? 0 : -EIO;
}

#else

static int pack(FILE *out, const struct bytes *b)
{
	(void)out;
	(void)b;
	return -ENOTSUP;
}

#endif

int qn_flame_pprof(FILE *out, const struct qn_flame *f, enum qn_flame_of of)
{
	struct profile p = { .nr_strings = 0 };
	int err;

	make_profile(&p, f, of);
	err = pack(out, &p.body);
	free(p.body.at);
	free(p.strings);
	free(p.places);
	return err;
}
