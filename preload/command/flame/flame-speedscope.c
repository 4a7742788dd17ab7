// SPDX-License-Identifier: MIT
/*
 * flame-speedscope.c - the JSON that speedscope.app reads: frames once, stacks as numbers
 * of frames.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include "flame.h"
#include "flame-tree.h"

static json_t *make_frame(const struct qn_symbols_frame *frame)
{
	json_t *o = json_object();

	json_object_set_new(o, "name", json_string(frame->function));
	if (frame->file) {
		json_object_set_new(o, "file", json_string(frame->file));
		json_object_set_new(o, "line", json_integer(frame->line));
	}
	return o;
}

/* The number of a frame; @numbers has it by name and place */
static json_t *number_of(const struct qn_symbols_frame *frame, json_t *frames,
			 json_t *numbers)
{
	char key[1024];
	json_t *number;

	snprintf(key, sizeof(key), "%s:%u:%s", frame->file ? frame->file : "",
		 frame->line, frame->function);
	number = json_object_get(numbers, key);
	if (!number) {
		number = json_integer((json_int_t)json_array_size(frames));
		json_array_append_new(frames, make_frame(frame));
		json_object_set_new(numbers, key, number);
	}
	return json_incref(number);
}

static json_t *make_stack(const struct qn_flame *f, u32 site, json_t *frames,
			  json_t *numbers)
{
	const struct qn_symbols_frame *list[QN_PEOPLE_FRAMES];
	struct qn_people people;
	u32 nr = qn_flame_frames(f, site, &people, list);
	json_t *stack = json_array();

	while (nr-- > 0)
		json_array_append_new(stack,
				      number_of(list[nr], frames, numbers));
	return stack;
}

static json_t *make_profile(const struct qn_flame *f, enum qn_flame_of of,
			    json_t *frames)
{
	json_t *samples = json_array(), *weights = json_array();
	json_t *numbers = json_object(), *o = json_object();

	for (u32 i = 0; i < f->nr; i++) {
		const struct qn_flame_site *site = &f->sites[i];

		if (!site->value[of])
			continue;
		json_array_append_new(samples, make_stack(f, site->site, frames,
							  numbers));
		json_array_append_new(
			weights, json_integer((json_int_t)site->value[of]));
	}
	json_decref(numbers);
	json_object_set_new(o, "type", json_string("sampled"));
	json_object_set_new(o, "name", json_string(qn_flame_about(f, of)));
	json_object_set_new(o, "unit",
			    json_string(of == QN_FLAME_COUNT ? "none" :
							       "bytes"));
	json_object_set_new(o, "startValue", json_integer(0));
	json_object_set_new(o, "endValue",
			    json_integer((json_int_t)qn_flame_total(f, of)));
	json_object_set_new(o, "samples", samples);
	json_object_set_new(o, "weights", weights);
	return o;
}

int qn_flame_speedscope(FILE *out, const struct qn_flame *f,
			enum qn_flame_of of)
{
	json_t *o = json_object(), *frames = json_array();
	json_t *shared = json_object(), *profiles = json_array();
	int err;

	json_array_append_new(profiles, make_profile(f, of, frames));
	json_object_set_new(shared, "frames", frames);
	json_object_set_new(
		o, "$schema",
		json_string(
			"https://www.speedscope.app/file-format-schema.json"));
	json_object_set_new(o, "name", json_string(f->program));
	json_object_set_new(o, "exporter", json_string("quern"));
	json_object_set_new(o, "shared", shared);
	json_object_set_new(o, "profiles", profiles);
	err = json_dumpf(o, out, JSON_COMPACT) ? -EIO : 0;
	fputc('\n', out);
	json_decref(o);
	return err;
}
