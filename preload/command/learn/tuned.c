// SPDX-License-Identifier: MIT
/*
 * tuned.c - writes settings that were found; see tuned.h.
 */
#include <stddef.h>
#include <string.h>

#include "base/knobs.h"
#include "tuned.h"

#define ROW(name, unit, preset, least, most, help) \
	{ #name, offsetof(struct qn_knobs, name), preset, least, most },
static const struct qn_search_knob all_knobs[] = { QN_KNOBS(ROW) };
#undef ROW

_Static_assert(ARRAY_SIZE(all_knobs) <= QN_TUNED_KNOBS, "room for all rows");

static const char *const left_out[] = {
	"price", "learn",    "helper",        "pressure",
	"fence", "patience", "patience_most",
};

static bool is_left_out(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(left_out); i++)
		if (!strcmp(name, left_out[i]))
			return true;
	return false;
}

u32 qn_tuned_knobs(struct qn_search_knob to[])
{
	u32 nr = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all_knobs); i++)
		if (!is_left_out(all_knobs[i].name))
			to[nr++] = all_knobs[i];
	return nr;
}

static bool is_changed(const struct qn_tuned *t, u32 i)
{
	return qn_search_get(&t->knobs[i], t->set) != t->knobs[i].preset;
}

/* Each line of the provenance behind @prefix */
static void put_comments(FILE *out, const char *prefix, const char *at)
{
	while (*at) {
		size_t size = strcspn(at, "\n");

		fprintf(out, "%s%.*s\n", prefix, (int)size, at);
		at += size + (at[size] == '\n');
	}
}

void qn_tuned_write(FILE *out, const struct qn_tuned *t)
{
	fprintf(out, "%s\n", QN_TUNED_LINE);
	put_comments(out, "# ", t->comments);
	for (u32 i = 0; i < t->nr_knobs; i++)
		if (is_changed(t, i))
			fprintf(out, "knob %s %zu\n", t->knobs[i].name,
				qn_search_get(&t->knobs[i], t->set));
	for (u32 i = 0; i < t->nr_sizes; i++)
		fprintf(out, "class %u\n", t->sizes[i]);
}

void qn_tuned_write_header(FILE *out, const struct qn_tuned *t)
{
	fprintf(out, "/* SPDX-License-Identifier: MIT */\n/*\n"
		     " * Settings of a heap, made by quern tune.\n *\n");
	put_comments(out, " * ", t->comments);
	fprintf(out, " */\n"
		     "#ifndef QN_GRANULES_H\n"
		     "#define QN_GRANULES_H\n\n"
		     "#define QN_GRANULES 1\n\n"
		     "#define QN_GRANULES_KNOBS(K)");
	for (u32 i = 0; i < t->nr_knobs; i++)
		if (is_changed(t, i))
			fprintf(out, " \\\n\tK(%s, %zu)", t->knobs[i].name,
				qn_search_get(&t->knobs[i], t->set));
	fprintf(out, "\n\n#define QN_GRANULES_CLASSES(C)");
	for (u32 i = 0; i < t->nr_sizes; i++)
		fprintf(out, " \\\n\tC(%u)", t->sizes[i]);
	fprintf(out, "\n\n#endif /* QN_GRANULES_H */\n");
}

bool qn_tuned_is_header(const char *name)
{
	size_t size = strlen(name);

	return size > 2 && !strcmp(name + size - 2, ".h");
}
