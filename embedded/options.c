// SPDX-License-Identifier: MIT
/*
 * options.c - one table says which options there are, what they may be, and
 * what they are if nothing is said.
 */
#include <string.h>

#include "options.h"
#include "print.h"

/**
 * struct option - a key with a number
 * @key:	its name
 * @offset:	of its u32 in struct options
 * @preset, @min, @max: values
 * @is_size:	bytes: a K behind the number multiplies by 1024
 * @help:	what it is
 */
struct option {
	const char *key;
	u16 offset;
	u32 preset, min, max;
	bool is_size;
	const char *help;
};

#define OPT(name) #name, offsetof(struct options, name)

/* clang-format off */
static const struct option table[] = {
	{ OPT(seed),  1,           0, ~0u,      false, "what happens" },
	{ OPT(scale), 60,          8, 1024,     false, "KB live at peak" },
	{ OPT(ops),   60000,       1, 1u << 30, false, "calls of the heap" },
	{ OPT(heap),  112 * 1024,  0, 1u << 30, true,  "bytes of SRAM for it" },
	{ OPT(ccm),   0,           0, 1u << 30, true,  "bytes of CCM for it" },
	{ OPT(step),  64,          0, 1u << 30, false,
	  "calls between two qn_heap_step(), 0: never" },
};

/* clang-format on */

static u32 *value_of(struct options *o, const struct option *opt)
{
	return (u32 *)(void *)((char *)o + opt->offset);
}

static void print_usage(void)
{
	print_error("options are:\n");
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		print_error("  %s=%u  (%u to %u%s) %s\n", table[i].key,
			    table[i].preset, table[i].min, table[i].max,
			    table[i].is_size ? ", K for 1024" : "",
			    table[i].help);
	print_error("  policy=rule  (rule or fixed) who decides on the table\n"
		    "  trace=FILE  record what is asked of the heap\n");
}

/* Return: behind the digits; NULL if there are none or too many */
static const char *read_number(const char *p, u32 *value)
{
	u64 v = 0;

	if (*p < '0' || *p > '9')
		return NULL;
	for (; *p >= '0' && *p <= '9' && v <= ~0u; p++)
		v = 10 * v + (u64)(*p - '0');
	*value = (u32)v;
	return v <= ~0u ? p : NULL;
}

static bool read_value(const struct option *opt, const char *text, u32 *value)
{
	const char *end = read_number(text, value);

	if (end && *end == 'K' && opt->is_size && *value <= opt->max / 1024) {
		*value *= 1024;
		end++;
	}
	return end && !*end && *value >= opt->min && *value <= opt->max;
}

/* Return: behind "@key=" at the start of @word, or NULL */
static const char *skip_key(const char *word, const char *key)
{
	size_t size = strlen(key);

	if (strncmp(word, key, size) != 0 || word[size] != '=')
		return NULL;
	return word + size + 1;
}

static bool parse_policy(struct options *o, const char *text)
{
	o->is_fixed = strcmp(text, "fixed") == 0;
	return o->is_fixed || strcmp(text, "rule") == 0;
}

static bool parse_word(struct options *o, const char *word)
{
	const char *text = skip_key(word, "policy");

	if (text)
		return parse_policy(o, text);
	text = skip_key(word, "trace");
	if (text) {
		o->trace = text;
		return *text;
	}
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		text = skip_key(word, table[i].key);
		if (text)
			return read_value(&table[i], text,
					  value_of(o, &table[i]));
	}
	return false;
}

bool options_parse(struct options *o, int argc, char **argv)
{
	*o = (struct options){ .is_fixed = false };
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		*value_of(o, &table[i]) = table[i].preset;
	for (int i = 1; i < argc; i++) {
		if (parse_word(o, argv[i]))
			continue;
		print_error("pipeline: bad option '%s'\n", argv[i]);
		print_usage();
		return false;
	}
	return true;
}
