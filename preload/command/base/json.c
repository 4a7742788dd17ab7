// SPDX-License-Identifier: MIT
/*
 * json.c - numbers of 64 bits and texts of any bytes, in what jansson has.
 */
#include "json.h"

#include <stdlib.h>
#include <string.h>
#include "fail.h"
#include "text.h"

/* Of reals: microseconds in an hour */
#define DIGITS 10

void qn_json_put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

void qn_json_real(json_t *object, const char *key, double value)
{
	qn_json_put(object, key, json_real(value));
}

void qn_json_bool(json_t *object, const char *key, bool value)
{
	qn_json_put(object, key, json_boolean(value));
}

void qn_json_number(json_t *object, const char *key, u64 n)
{
	qn_json_put(object, key, json_integer((json_int_t)n));
}

void qn_json_known(json_t *object, const char *key, u64 n, bool is_known)
{
	qn_json_put(object, key,
		    is_known ? json_integer((json_int_t)n) : json_null());
}

json_t *qn_json_text(const char *text)
{
	json_t *value = text ? json_string(text) : json_null();
	size_t size;
	char *clean;

	if (value)
		return value;
	size = strlen(text) + 1;
	clean = qn_xrealloc(NULL, size);
	qn_text_clean(clean, size, text);
	value = json_string(clean);
	free(clean);
	return value;
}

json_t *qn_json_texts(char *const *texts, u32 nr)
{
	json_t *list = json_array();

	for (u32 i = 0; i < nr && texts[i]; i++)
		json_array_append_new(list, qn_json_text(texts[i]));
	return list;
}

void qn_json_print(FILE *out, json_t *root)
{
	json_dumpf(root, out,
		   JSON_INDENT(2) | JSON_PRESERVE_ORDER |
			   JSON_REAL_PRECISION(DIGITS));
	fputc('\n', out);
	json_decref(root);
}
