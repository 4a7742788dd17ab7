// SPDX-License-Identifier: MIT
/*
 * pressure.c - reads what the kernel says of memory; see pressure.h.
 */
#include "process/pressure.h"

/* Stalled for so many hundredths of a percent of the time: the highest level */
#define STALL_MOST 1000u
/* One part in so many of a limit is near its end */
#define NEAR_PART 8

/* ---- words ---- */

static bool is_done(const struct qn_text *t)
{
	return t->size == 0;
}

static void skip(struct qn_text *t, size_t size)
{
	t->at += size;
	t->size -= size;
}

static bool take_char(struct qn_text *t, char c)
{
	if (is_done(t) || *t->at != c)
		return false;
	skip(t, 1);
	return true;
}

static bool take_word(struct qn_text *t, const char *word)
{
	struct qn_text rest = *t;

	for (; *word; word++)
		if (!take_char(&rest, *word))
			return false;
	*t = rest;
	return true;
}

static bool is_digit(const struct qn_text *t)
{
	return !is_done(t) && *t->at >= '0' && *t->at <= '9';
}

/* Digits, one at least. What exceeds @value is the largest number. */
static bool take_digits(struct qn_text *t, u64 *value)
{
	u64 sum = 0;

	if (!is_digit(t))
		return false;
	for (; is_digit(t); skip(t, 1)) {
		u64 digit = (u64)(*t->at - '0');

		sum = sum > (UINT64_MAX - digit) / 10 ? UINT64_MAX :
							sum * 10 + digit;
	}
	*value = sum;
	return true;
}

/* A line without its end; false if the text ends before it does */
static bool take_line(struct qn_text *t, struct qn_text *line)
{
	line->at = t->at;
	line->size = 0;
	while (line->size < t->size && line->at[line->size] != '\n')
		line->size++;
	if (line->size == t->size)
		return false;
	skip(t, line->size + 1);
	return true;
}

/* ---- texts ---- */

/* "1.23" in hundredths: two digits behind the point, as the kernel writes them */
static bool take_hundredths(struct qn_text *t, u64 *value)
{
	struct qn_text digits;
	u64 whole, part;

	if (!take_digits(t, &whole) || !take_char(t, '.'))
		return false;
	digits = *t;
	if (!take_digits(t, &part) || digits.size - t->size != 2)
		return false;
	*value = min(whole, (u64)100) * 100 + part;
	return true;
}

__apart bool qn_pressure_stall(struct qn_text t, u32 *level)
{
	struct qn_text line;
	u64 share;

	while (take_line(&t, &line)) {
		if (!take_word(&line, "some avg10=") ||
		    !take_hundredths(&line, &share))
			continue;
		share = min(share, (u64)STALL_MOST);
		*level = (u32)share * QN_PRESSURE_MOST / STALL_MOST;
		return true;
	}
	return false;
}

__apart bool qn_pressure_number(struct qn_text t, u64 *value)
{
	if (take_word(&t, "max"))
		*value = QN_PRESSURE_NONE;
	else if (!take_digits(&t, value))
		return false;
	take_char(&t, '\n');
	return is_done(&t);
}

__apart bool qn_pressure_field(struct qn_text t, const char *key, u64 *value)
{
	struct qn_text line;

	while (take_line(&t, &line))
		if (take_word(&line, key) && take_char(&line, ' '))
			return qn_pressure_number(line, value);
	return false;
}

__apart bool qn_pressure_word(struct qn_text t, unsigned int nr, u64 *value)
{
	while (take_digits(&t, value)) {
		if (nr-- == 0)
			return take_char(&t, ' ') || take_char(&t, '\n');
		if (!take_char(&t, ' '))
			return false;
	}
	return false;
}

/* Is there a part ".." between slashes */
static bool leads_up(struct qn_text path)
{
	while (!is_done(&path)) {
		if (take_word(&path, "/..") &&
		    (is_done(&path) || *path.at == '/'))
			return true;
		if (!is_done(&path))
			skip(&path, 1);
	}
	return false;
}

__apart bool qn_pressure_cgroup(struct qn_text t, struct qn_text *path)
{
	while (take_line(&t, path))
		if (take_word(path, "0::"))
			return path->size && *path->at == '/' &&
			       !leads_up(*path);
	return false;
}

__apart u32 qn_pressure_near(u64 left, u64 limit)
{
	u64 near = limit / NEAR_PART, step = near / QN_PRESSURE_MOST + 1;

	if (limit == QN_PRESSURE_NONE || (left && left >= near))
		return 0;
	return QN_PRESSURE_MOST - (u32)min(left / step, (u64)QN_PRESSURE_MOST);
}
