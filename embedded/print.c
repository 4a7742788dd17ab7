// SPDX-License-Identifier: MIT
/*
 * print.c - a line is formatted into a buffer on the stack, then written at
 * once, because a semihosting call is far dearer than a character.
 */
#include <stdarg.h>

#include "print.h"

#define LINE_SIZE 160

struct text {
	char *buf;
	size_t used;
	size_t size;
};

/**
 * struct spec - one conversion
 * @left:	'-' was given
 * @fill:	what pads a number on the left
 * @width:	least characters
 */
struct spec {
	bool left;
	char fill;
	unsigned int width;
};

static void put(struct text *t, char c)
{
	if (t->used < t->size)
		t->buf[t->used++] = c;
}

static void pad(struct text *t, char c, size_t have, unsigned int width)
{
	for (; have < width; have++)
		put(t, c);
}

static void put_string(struct text *t, const struct spec *spec, const char *s,
		       size_t size)
{
	if (!spec->left)
		pad(t, spec->fill, size, spec->width);
	for (size_t i = 0; i < size; i++)
		put(t, s[i]);
	if (spec->left)
		pad(t, ' ', size, spec->width);
}

static void put_number(struct text *t, const struct spec *spec, u32 value,
		       u32 base, bool negative)
{
	char digits[12];
	char *p = digits + sizeof(digits);

	do {
		*--p = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	if (negative)
		*--p = '-';
	put_string(t, spec, p, (size_t)(digits + sizeof(digits) - p));
}

static size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

static const char *read_spec(const char *p, struct spec *spec)
{
	*spec = (struct spec){ .fill = ' ' };
	if (*p == '-') {
		spec->left = true;
		p++;
	}
	if (*p == '0') {
		spec->fill = '0';
		p++;
	}
	for (; *p >= '0' && *p <= '9'; p++)
		spec->width = 10 * spec->width + (unsigned int)(*p - '0');
	return p;
}

/* Reads the arguments as int: every conversion is of 32 bits or a pointer */
static void convert(struct text *t, const struct spec *spec, char what,
		    va_list *args)
{
	const char *s;
	char c;
	int n;

	if (what == 's') {
		s = va_arg(*args, const char *);
		put_string(t, spec, s, length(s));
		return;
	}
	if (what == '%') {
		put(t, '%');
		return;
	}
	n = va_arg(*args, int);
	c = (char)n;
	if (what == 'c')
		put_string(t, spec, &c, 1);
	else if (what == 'd')
		put_number(t, spec, n < 0 ? 0u - (u32)n : (u32)n, 10, n < 0);
	else
		put_number(t, spec, (u32)n, what == 'x' ? 16 : 10, false);
}

static void format_text(struct text *t, const char *format, va_list *args)
{
	struct spec spec;

	for (const char *p = format; *p; p++) {
		if (*p != '%') {
			put(t, *p);
			continue;
		}
		p = read_spec(p + 1, &spec);
		convert(t, &spec, *p, args);
	}
}

static void print_line(enum print_stream to, const char *format, va_list *args)
{
	char line[LINE_SIZE];
	struct text t = { line, 0, sizeof(line) };

	format_text(&t, format, args);
	print_write(to, line, t.used);
}

void print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(PRINT_OUT, format, &args);
	va_end(args);
}

void print_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(PRINT_ERR, format, &args);
	va_end(args);
}

size_t print_to(char *buf, size_t size, const char *format, ...)
{
	struct text t = { buf, 0, size };
	va_list args;

	va_start(args, format);
	format_text(&t, format, &args);
	va_end(args);
	return t.used;
}
