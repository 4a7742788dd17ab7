/* SPDX-License-Identifier: MIT */
/*
 * json.h - what the command's JSON has in common: numbers, names from outside, the form.
 */
#ifndef QN_JSON_H
#define QN_JSON_H

#include <jansson.h>
#include <stdio.h>
#include "base/compiler.h"

/* Members of an object, which owns @value */
void qn_json_put(json_t *object, const char *key, json_t *value);
void qn_json_real(json_t *object, const char *key, double value);
void qn_json_bool(json_t *object, const char *key, bool value);
void qn_json_number(json_t *object, const char *key, u64 n);

/* null where it is not known */
void qn_json_known(json_t *object, const char *key, u64 n, bool is_known);

/* JSON is UTF-8: a text that is not comes through cleaned; NULL is null */
json_t *qn_json_text(const char *text);

/* A list of as many texts; up to a NULL if there are fewer */
json_t *qn_json_texts(char *const *texts, u32 nr);

/* The whole, on lines of its own; it is freed */
void qn_json_print(FILE *out, json_t *root);

#endif /* QN_JSON_H */
