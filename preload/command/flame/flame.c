// SPDX-License-Identifier: MIT
/*
 * flame.c - call sites with weights: what all formats share.
 */
#define _GNU_SOURCE 1
#include "flame.h"

#include <stdlib.h>
#include <string.h>

#include "command/base/fail.h"
#include "command/base/text.h"

struct qn_flame_site *qn_flame_add(struct qn_flame *f, u32 site)
{
	QN_GROW(f->sites, f->nr);
	f->sites[f->nr] = (struct qn_flame_site){ .site = site };
	return &f->sites[f->nr++];
}

void qn_flame_exit(struct qn_flame *f)
{
	free(f->sites);
	free(f->moments);
	*f = (struct qn_flame){ .nr = 0 };
}

u64 qn_flame_total(const struct qn_flame *f, enum qn_flame_of of)
{
	u64 total = 0;

	for (u32 i = 0; i < f->nr; i++)
		total += f->sites[i].value[of];
	return total;
}

void qn_flame_of_samples(struct qn_flame *f, const char *program,
			 const struct qn_sitelist *list,
			 struct qn_symbols *symbols)
{
	*f = (struct qn_flame){ .program = program,
				.stacks = &list->stacks,
				.symbols = symbols,
				.is_sampled = true };
	for (u32 i = 0; i < list->nr; i++) {
		const struct qn_sitelist_sum *sum = &list->sums[i];
		struct qn_flame_site *site = qn_flame_add(f, sum->site);

		site->value[QN_FLAME_LEAKED] = sum->live;
		site->value[QN_FLAME_BYTES] = sum->bytes;
		site->value[QN_FLAME_COUNT] = sum->nr;
		site->live_nr = sum->nr_live;
	}
}

static u32 all_frames(struct qn_people *people,
		      const struct qn_symbols_frame **list)
{
	for (u32 i = 0; i < people->nr; i++)
		list[i] = &people->frames[i];
	return people->nr;
}

u32 qn_flame_frames(const struct qn_flame *f, u32 site,
		    struct qn_people *people,
		    const struct qn_symbols_frame **list)
{
	static const struct qn_symbols_frame unknown = {
		.function = "not known", .module = ""
	};
	u32 nr = 0;

	qn_people_find(people, f->symbols, f->stacks, site);
	if (!people->nr) {
		list[0] = &unknown;
		return 1;
	}
	if (f->is_whole)
		return all_frames(people, list);
	if (people->by)
		list[nr++] = &people->frames[people->by - 1];
	for (u32 i = 0; i < people->nr_shown && nr < QN_PEOPLE_FRAMES; i++)
		list[nr++] = &people->frames[people->shown[i]];
	return nr;
}

const char *qn_flame_word(enum qn_flame_of of)
{
	static const char *const words[QN_FLAME_NR] = { "peak", "leaked",
							"bytes", "count" };

	return words[of];
}

const char *qn_flame_about(const struct qn_flame *f, enum qn_flame_of of)
{
	static const char *const texts[QN_FLAME_NR] = {
		"bytes in use at the peak",
		"bytes in use at the end",
		"bytes asked for",
		"calls",
	};

	return of == QN_FLAME_COUNT && f->is_sampled ? "samples" : texts[of];
}

struct qn_text qn_flame_text(enum qn_flame_of of, u64 value)
{
	return of == QN_FLAME_COUNT ? qn_text_count(value) :
				      qn_text_size(value);
}
