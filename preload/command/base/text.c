// SPDX-License-Identifier: MIT
/*
 * text.c - numbers and lines as people read them.
 */
#define _GNU_SOURCE 1
#include <inttypes.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "fail.h"
#include "text.h"

/* Columns of a line that is never wrapped */
#define WHOLE 1000000u
/* A terminal that is narrower is written to as if it had so many columns */
#define COLUMNS_LEAST 20
/* Behind a label there is to be room for so many columns of words */
#define WORDS_LEAST 24
/* Of words below a label that had a line of its own */
#define NARROW_INDENT 4

/* Three significant digits of a value below 1024 */
static struct qn_text scaled(double value, const char *unit)
{
	struct qn_text t;
	int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

	snprintf(t.s, sizeof(t.s), "%.*f %s", digits, value, unit);
	return t;
}

struct qn_text qn_text_size(u64 bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB",
					     "TiB", "PiB", "EiB" };
	struct qn_text t;
	double value = (double)bytes / 1024;
	size_t i;

	if (bytes < 1024) {
		snprintf(t.s, sizeof(t.s), "%" PRIu64 " B", bytes);
		return t;
	}
	for (i = 0; value >= 1023.5 && i + 1 < ARRAY_SIZE(units); i++)
		value /= 1024;
	return scaled(value, units[i]);
}

struct qn_text qn_text_units(u64 bytes)
{
	static const char units[] = "\0KMG";
	unsigned int unit = 0;
	struct qn_text t;

	for (; bytes && bytes % 1024 == 0 && unit < 3; unit++)
		bytes /= 1024;
	snprintf(t.s, sizeof(t.s), "%" PRIu64 "%.1s", bytes, units + unit);
	return t;
}

struct qn_text qn_text_fixed(double value, int digits)
{
	struct qn_text t;

	snprintf(t.s, sizeof(t.s), "%.*f", digits, value);
	return t;
}

struct qn_text qn_text_count(u64 n)
{
	struct qn_text t;
	char digits[24];
	size_t nr, i, at = 0;

	nr = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, n);
	for (i = 0; i < nr; i++) {
		if (i && (nr - i) % 3 == 0)
			t.s[at++] = ',';
		t.s[at++] = digits[i];
	}
	t.s[at] = 0;
	return t;
}

struct qn_text qn_text_time(u64 usec)
{
	struct qn_text t;

	if (usec < 1000)
		snprintf(t.s, sizeof(t.s), "%" PRIu64 " us", usec);
	else if (usec < 1000000)
		return scaled((double)usec / 1e3, "ms");
	else
		snprintf(t.s, sizeof(t.s), "%.3f s", (double)usec / 1e6);
	return t;
}

struct qn_text qn_text_share(u64 part, u64 whole)
{
	struct qn_text t = { "-" };
	double percent;

	if (!whole)
		return t;
	percent = 100 * (double)part / (double)whole;
	snprintf(t.s, sizeof(t.s),
		 percent < 0.1 && part ? "%.2f %%" : "%.1f %%", percent);
	return t;
}

void qn_text_clean(char *dst, size_t size, const char *src)
{
	size_t i;

	for (i = 0; i + 1 < size && src[i]; i++)
		dst[i] = src[i] >= ' ' && src[i] <= '~' ? src[i] : '?';
	dst[i] = 0;
}

struct qn_lines qn_lines_to(FILE *out)
{
	u32 columns = qn_text_columns(fileno(out));

	return (struct qn_lines){
		.out = out,
		.columns = min(columns, (u32)QN_TEXT_COLUMNS),
	};
}

struct qn_lines qn_lines_whole_to(FILE *out)
{
	struct qn_lines l = qn_lines_to(out);

	if (!l.columns)
		l.columns = WHOLE;
	return l;
}

u32 qn_lines_columns(const struct qn_lines *l)
{
	return l->columns ? max(l->columns, (u32)COLUMNS_LEAST) :
			    QN_TEXT_COLUMNS;
}

/* How much of @text fits into @room columns, cut at a blank behind its first word */
static size_t fitting(const char *text, size_t room)
{
	size_t size = strlen(text), first = strspn(text, " "), at;

	if (size <= room)
		return size;
	for (at = room; at > first; at--)
		if (text[at] == ' ')
			return at;
	return room;
}

/* Without blanks at its end */
static void put_line(struct qn_lines *l, size_t indent, const char *text,
		     size_t size)
{
	while (size && text[size - 1] == ' ')
		size--;
	fprintf(l->out, "%*s%.*s\n", (int)(size ? indent : 0), "", (int)size,
		text);
	l->nr++;
}

/* Where what is wrapped goes on: behind a label and its blanks, or a little to the right */
static size_t hanging(const char *text, u32 columns)
{
	size_t first = strspn(text, " ");
	const char *gap = strstr(text + first, "  ");
	size_t second = gap ? (size_t)(gap - text) + strspn(gap, " ") : 0;

	if (second && second <= columns / 3)
		return second;
	return first >= NARROW_INDENT ? first : first + 2;
}

void qn_line(struct qn_lines *l, const char *format, ...)
{
	u32 columns = qn_lines_columns(l);
	size_t size, hang, indent = 0;
	char *text, *at;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = qn_xprintf("%s", format);
	va_end(args);
	at = text;
	hang = min(hanging(text, columns), (size_t)columns / 2);
	do {
		size = fitting(at, columns - indent);
		put_line(l, indent, at, size);
		at += size + strspn(at + size, " ");
		indent = hang;
	} while (*at);
	free(text);
}

void qn_line_whole(struct qn_lines *l, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(l->out, format, args);
	va_end(args);
	fputc('\n', l->out);
	l->nr++;
}

u32 qn_text_columns(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	u64 number;

	if (!isatty(fd))
		return 0;
	if (columns && qn_text_number(columns, &number) && number &&
	    number < 10000)
		return max((u32)number, (u32)COLUMNS_LEAST);
	if (!ioctl(fd, TIOCGWINSZ, &size) && size.ws_col)
		return max((u32)size.ws_col, (u32)COLUMNS_LEAST);
	return QN_TEXT_COLUMNS;
}

void qn_lines_end(struct qn_lines *l)
{
	if (l->wanted > qn_lines_columns(l))
		qn_line(l,
			"Tables left columns out; a terminal of %u columns "
			"shows them.",
			l->wanted);
	l->wanted = 0;
}

void qn_wrap(struct qn_lines *l, const char *label, const char *text)
{
	u32 columns = qn_lines_columns(l);
	size_t indent = strlen(label), size;

	if (columns < indent + WORDS_LEAST) {
		if (label[strspn(label, " ")])
			qn_line(l, "%s", label);
		label = "";
		indent = NARROW_INDENT;
	}
	do {
		size = fitting(text, columns - indent);
		qn_line(l, "%-*s%.*s", (int)indent, label, (int)size, text);
		text += size + strspn(text + size, " ");
		label = "";
	} while (*text);
}

bool qn_text_number(const char *text, u64 *number)
{
	static const char units[] = "KMG";
	unsigned int shift = 0;
	const char *unit;
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10 * (unsigned int)(unit - units + 1);
		end++;
	}
	if (*text < '0' || *text > '9' || *end || errno ||
	    *number > UINT64_MAX >> shift)
		return false;
	*number <<= shift;
	return true;
}

char *qn_settings_join(const char *a, const char *b)
{
	if (!a || !*a)
		return qn_xprintf("%s", b ? b : "");
	return qn_xprintf("%s%s%s", a, b && *b ? "," : "", b ? b : "");
}

void qn_settings_add(char **settings, const char *key, const char *value)
{
	char *setting = qn_xprintf("%s%s", key, value);
	char *joined = qn_settings_join(*settings, setting);

	free(*settings);
	free(setting);
	*settings = joined;
}
