// SPDX-License-Identifier: MIT
/*
 * weights.c - writes the table; see weights.h.
 */
#include <ctype.h>
#include <string.h>

#include "weights.h"

#define COLUMNS 76

/**
 * struct list - numbers between braces, in lines that are not too long
 * @column:	of the next
 */
struct list {
	FILE *out;
	int column;
};

static void put_number(struct list *l, int number)
{
	char text[16];
	int size = snprintf(text, sizeof(text), "%d,", number);

	if (l->column + size + 1 > COLUMNS) {
		fprintf(l->out, "\n\t\t");
		l->column = 16;
	} else {
		fprintf(l->out, " ");
		l->column++;
	}
	fprintf(l->out, "%s", text);
	l->column += size;
}

static void put_rows(FILE *out, const char *name, const s8 *at, int nr)
{
	fprintf(out, "\t.%s = {\n", name);
	for (int i = 0; i < nr; i++) {
		struct list l = { out, 17 };

		fprintf(out, "\t\t{");
		for (int n = 0; n < QN_NETWORK_HIDDEN; n++)
			put_number(&l, at[i * QN_NETWORK_HIDDEN + n]);
		fprintf(out, " },\n");
	}
	fprintf(out, "\t},\n");
}

static void put_biases(FILE *out, const char *name, const s32 *at, int nr)
{
	struct list l = { out, 8 };

	l.column += fprintf(out, "\t.%s = {", name);
	for (int n = 0; n < nr; n++)
		put_number(&l, at[n]);
	fprintf(out, " },\n");
}

static void put_guard(FILE *out, const char *name)
{
	fprintf(out, "QN_WEIGHTS_");
	for (; *name; name++)
		fputc(toupper((unsigned char)*name), out);
	fprintf(out, "_H");
}

static void put_comments(FILE *out, const char *at)
{
	while (*at) {
		size_t size = strcspn(at, "\n");

		fprintf(out, " * %.*s\n", (int)size, at);
		at += size + (at[size] == '\n');
	}
}

void qn_weights_write(FILE *out, const struct qn_network *net, const char *name,
		      const char *comments)
{
	fprintf(out,
		"/* SPDX-License-Identifier: MIT */\n/*\n"
		" * Weights for %s, made by quern train.\n *\n",
		name);
	put_comments(out, comments);
	fprintf(out, " */\n#ifndef ");
	put_guard(out, name);
	fprintf(out, "\n#define ");
	put_guard(out, name);
	fprintf(out,
		"\n\n#include \"learn/network.h\"\n\n/* clang-format off */\n"
		"static const struct qn_network qn_weights_%s = {\n",
		name);
	put_rows(out, "first", net->first[0], QN_NETWORK_HIDDEN);
	put_rows(out, "second", net->second[0], QN_NETWORK_HIDDEN);
	put_rows(out, "third", net->third[0], QN_NETWORK_RESULTS);
	put_biases(out, "bias_first", net->bias_first, QN_NETWORK_HIDDEN);
	put_biases(out, "bias_second", net->bias_second, QN_NETWORK_HIDDEN);
	put_biases(out, "bias_third", net->bias_third, QN_NETWORK_RESULTS);
	fprintf(out,
		"\t.margin = %d,\n\t.shift = { %d, %d, %d },\n};\n"
		"/* clang-format on */\n\n#endif /* ",
		net->margin, net->shift[0], net->shift[1], net->shift[2]);
	put_guard(out, name);
	fprintf(out, " */\n");
}
