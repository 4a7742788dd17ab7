// SPDX-License-Identifier: MIT
/*
 * markup.c - text inside SVG and HTML, whatever it holds.
 */
#include <stdint.h>
#include <string.h>
#include "markup.h"

/* Bytes of the sequence that a first byte promises; 0: no first byte */
static u32 promised(unsigned char c)
{
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c < 0xe0)
		return 2;
	if (c >= 0xe0 && c < 0xf0)
		return 3;
	return c >= 0xf0 && c < 0xf5 ? 4 : 0;
}

/* No control characters but tab and line feed, no surrogates, no noncharacters */
static bool is_allowed(u32 c, u32 nr)
{
	static const u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };

	if (c < 0x20)
		return c == '\t' || c == '\n';
	if (c < least[nr] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return false;
	return !(c >= 0x7f && c < 0xa0) && (c & 0xfffe) != 0xfffe;
}

/* Bytes of the character at @text; 0: it has to be replaced, and is one byte */
static u32 character(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	u32 nr = promised(*p), c;

	if (!nr)
		return 0;
	c = nr == 1 ? *p : *p & (0x7fu >> nr);
	for (u32 i = 1; i < nr; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	return is_allowed(c, nr) ? nr : 0;
}

static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* One character; returns the bytes that it took */
static u32 put(FILE *out, const char *text)
{
	const char *name = entity(*text);
	u32 nr = character(text);

	if (name)
		fputs(name, out);
	else if (nr)
		fwrite(text, 1, nr, out);
	else
		fputc('?', out);
	return nr ? nr : 1;
}

void qn_markup_text(FILE *out, const char *text)
{
	while (*text)
		text += put(out, text);
}

u32 qn_markup_length(const char *text)
{
	u32 nr = 0, size;

	for (; *text; nr++) {
		size = character(text);
		text += size ? size : 1;
	}
	return nr;
}

void qn_markup_cut(FILE *out, const char *text, u32 most)
{
	bool is_cut = qn_markup_length(text) > most;
	u32 nr = is_cut && most > 3 ? most - 3 : most;

	for (; *text && nr; nr--)
		text += put(out, text);
	if (is_cut)
		fputs("...", out);
}
