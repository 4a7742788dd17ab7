// SPDX-License-Identifier: MIT
/*
 * words.c - key=value words into variables.
 */
#include <string.h>

#include "print.h"
#include "words.h"

static bool read_number(const char *p, u32 *number)
{
	u64 v = 0;

	if (!*p)
		return false;
	for (; *p >= '0' && *p <= '9' && v <= ~0u; p++)
		v = 10 * v + (u64)(*p - '0');
	*number = (u32)v;
	return !*p && v <= ~0u;
}

static bool read_word(const struct word *word, const char *arg)
{
	size_t size = strlen(word->key);

	if (strncmp(arg, word->key, size) != 0 || arg[size] != '=')
		return false;
	if (word->number)
		return read_number(arg + size + 1, word->number);
	if (!word->nr) {
		*word->text = arg + size + 1;
		return true;
	}
	if (*word->nr == word->max_nr)
		return false;
	word->text[(*word->nr)++] = arg + size + 1;
	return true;
}

static bool read_arg(const struct word *words, u32 nr, const char *arg)
{
	for (u32 i = 0; i < nr; i++)
		if (read_word(&words[i], arg))
			return true;
	return false;
}

bool words_parse(const struct word *words, u32 nr, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (read_arg(words, nr, argv[i]))
			continue;
		print_error("%s: not understood. Words are:", argv[i]);
		for (u32 k = 0; k < nr; k++)
			print_error(" %s=%s", words[k].key,
				    words[k].number ? "NUMBER" : "TEXT");
		print_error("\n");
		return false;
	}
	return true;
}
