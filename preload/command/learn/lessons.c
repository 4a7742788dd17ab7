// SPDX-License-Identifier: MIT
/*
 * lessons.c - what each preset is worth where it stays in force; see world.h.
 *
 * A policy that learns from its own choices sees one preset at a time, and what a preset
 * saves in a pause is known seconds later. Here each preset plays each item from end to
 * end, and what it saved in all is its worth at each moment of the item. So a network does
 * not learn to change presets again and again: worth from a moment on, of an item that a
 * preset has played from its start, leaves out what the change to it costs.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "command/base/fail.h"
#include "command/base/progress.h"
#include "world.h"

/* Logarithms, since what programs cost is compared by ratios; as results of the network */
static void fill(float worth[], const struct qn_world_play *plays)
{
	double one = QN_WORLD_SCALE * (1 - QN_WORLD_DISCOUNT);

	for (u32 a = 1; a < QN_NR_PRESETS; a++) {
		double saved = -log(qn_world_ratio(&plays[a])) / one;

		worth[a] =
			(float)min(max(saved, -QN_WORLD_MOST), QN_WORLD_MOST);
	}
}

/* Room for one more. Children have no use for them, so none gets a copy. */
static void reach(struct qn_dqn_book *b, u32 at)
{
	size_t room = b->room, next = max(2 * room, (size_t)65536);

	if (at < room)
		return;
	b->lessons = qn_xremap(b->lessons, room * sizeof(*b->lessons),
			       next * sizeof(*b->lessons));
	madvise(b->lessons, next * sizeof(*b->lessons), MADV_DONTFORK);
	b->room = (u32)next;
}

static void add_lessons(struct qn_dqn_book *to, const float worth[],
			const struct qn_world_choice *choices, u32 nr)
{
	u32 *end = &to->begins[to->nr_chapters + 1];

	for (u32 i = 0; i < nr; i++) {
		struct qn_dqn_lesson *l;

		reach(to, *end);
		l = &to->lessons[(*end)++];
		memcpy(l->in, choices[i].in, sizeof(l->in));
		memcpy(l->worth, worth, sizeof(l->worth));
	}
}

/* An item that all presets have played */
static void add_chapter(struct qn_dqn_book *to,
			const struct qn_world_play *plays)
{
	u32 *begins = &to->begins[to->nr_chapters];
	float worth[QN_DQN_OUT] = { 0 };

	begins[1] = begins[0];
	fill(worth, plays);
	for (u32 a = 0; a < QN_NR_PRESETS; a++)
		add_lessons(to, worth, plays[a].choices[0],
			    plays[a].nr_choices[0]);
	to->nr_chapters += begins[1] > begins[0];
}

int qn_world_write_book(const struct qn_world *w, struct qn_dqn_book *to)
{
	int err = 0;

	*to = (struct qn_dqn_book){ .nr_chapters = 0 };
	to->begins = calloc((size_t)w->nr + 1, sizeof(*to->begins));
	if (!to->begins)
		return -ENOMEM;
	for (u32 i = 0; i < w->nr && !err; i++) {
		struct qn_world_play plays[QN_NR_PRESETS];

		if (w->items[i].nr > 1)
			continue;
		if (!i || qn_progress_is_live())
			qn_progress("quern: presets play episode %u of %u", i,
				    w->nr);
		for (u32 a = 0; a < QN_NR_PRESETS; a++)
			plays[a] = (struct qn_world_play){
				.item = &w->items[i],
				.policy = { .fixed = a },
			};
		err = qn_world_run(plays, QN_NR_PRESETS);
		if (!err)
			add_chapter(to, plays);
	}
	return err;
}

void qn_world_drop_book(struct qn_dqn_book *b)
{
	qn_xremap(b->lessons, b->room * sizeof(*b->lessons), 0);
	free(b->begins);
	*b = (struct qn_dqn_book){ .nr_chapters = 0 };
}
