// SPDX-License-Identifier: MIT
/*
 * tuned.c - reads a file of knobs and classes; see tuned.h.
 *
 * It runs at the start of a process, where nothing allocates and no printf is to be had.
 */
#include "format/tuned.h"

#include <errno.h>
#include <string.h>

#include "format/conf.h"

/* Part of a line */
struct word {
	const char *at;
	size_t size;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of a line, empty at its end; the line begins behind it afterwards */
static struct word next_word(struct word *line)
{
	struct word w;

	while (line->size && is_blank(*line->at)) {
		line->at++;
		line->size--;
	}
	w = (struct word){ line->at, 0 };
	while (line->size && !is_blank(*line->at)) {
		line->at++;
		line->size--;
		w.size++;
	}
	return w;
}

static bool is_word(struct word w, const char *text)
{
	return strlen(text) == w.size && !memcmp(w.at, text, w.size);
}

static struct word next_line(struct word *rest)
{
	const char *end = memchr(rest->at, '\n', rest->size);
	struct word line = { rest->at, rest->size };

	if (end)
		line.size = (size_t)(end - rest->at);
	rest->at += line.size + (end != NULL);
	rest->size -= line.size + (end != NULL);
	return line;
}

static const char *read_knob(struct qn_tuned_file *t, struct word *line)
{
	struct word name = next_word(line), value = next_word(line);

	switch (qn_conf_set_knob(&t->knobs, name.at, name.size, value.at,
				 value.size)) {
	case 0:
		return NULL;
	case -ENOENT:
		return "no such knob";
	}
	return "a value that the knob cannot have";
}

static const char *read_class(struct qn_tuned_file *t, struct word *line)
{
	struct word w = next_word(line);
	unsigned int size = 0;

	for (size_t i = 0; i < w.size && size <= QN_TUNED_SIZE; i++) {
		if (w.at[i] < '0' || w.at[i] > '9')
			return "a size is a number of bytes";
		size = size * 10 + (unsigned int)(w.at[i] - '0');
	}
	if (!size || size > QN_TUNED_SIZE)
		return "a size is from 1 to 1024 bytes";
	if (t->nr_classes == QN_TUNED_CLASSES)
		return "too many sizes";
	t->classes[t->nr_classes++] = (u16)size;
	return NULL;
}

/* What is wrong with a line, or NULL */
static const char *read_line(struct qn_tuned_file *t, struct word line)
{
	struct word first = next_word(&line);
	const char *wrong;

	if (!first.size || *first.at == '#')
		return NULL;
	if (is_word(first, "knob"))
		wrong = read_knob(t, &line);
	else if (is_word(first, "class"))
		wrong = read_class(t, &line);
	else
		return "neither knob NAME VALUE nor class SIZE";
	if (!wrong && next_word(&line).size)
		return "something behind the value";
	return wrong;
}

static void complain(char *error, unsigned int line, const char *wrong)
{
	static const char text[] = "line ";
	char digits[12], *digit = digits + sizeof(digits);

	memcpy(error, text, sizeof(text));
	error += sizeof(text) - 1;
	for (; line; line /= 10)
		*--digit = (char)('0' + line % 10);
	for (; digit < digits + sizeof(digits); digit++)
		*error++ = *digit;
	*error++ = ':';
	*error++ = ' ';
	memcpy(error, wrong, strlen(wrong) + 1);
}

static const char *read_all(struct qn_tuned_file *t, struct word rest,
			    unsigned int *line)
{
	const char *wrong = NULL;
	struct word first;

	if (rest.size > QN_TUNED_MOST)
		return "more than 16 KB";
	first = next_line(&rest);
	if (!is_word(first, QN_TUNED_FIRST))
		return "not \"" QN_TUNED_FIRST "\"";
	while (!wrong && rest.size) {
		++*line;
		wrong = read_line(t, next_line(&rest));
	}
	return wrong;
}

int qn_tuned_parse(struct qn_tuned_file *t, const char *text, size_t size,
		   char *error)
{
	unsigned int line = 1;
	const char *wrong;

	*error = '\0';
	memset(t, 0, sizeof(*t));
	t->knobs = qn_knobs_preset;
	wrong = read_all(t, (struct word){ text, size }, &line);
	if (!wrong)
		return 0;
	memset(t, 0, sizeof(*t));
	t->knobs = qn_knobs_preset;
	complain(error, line, wrong);
	return -EINVAL;
}

#define MERGE(name, unit, preset, least, most, help) \
	if (knobs->name == qn_knobs_preset.name)     \
		knobs->name = t->knobs.name;

void qn_tuned_merge(const struct qn_tuned_file *t, struct qn_knobs *knobs)
{
	QN_KNOBS(MERGE)
}
