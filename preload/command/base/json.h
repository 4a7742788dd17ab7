/* SPDX-License-Identifier: MIT */
/*
 * json.h - what the command's JSON has in common: numbers, names from outside, the form.
 */
#ifndef QN_JSON_H
#define QN_JSON_H

#include <jansson.h>
#include <stdio.h>
#include "base/compiler.h"

void qn_json_number(json_t *object, const char *key, u64 n);

/* null where it is not known */
void qn_json_known(json_t *object, const char *key, u64 n, bool is_known);

/* JSON is UTF-8: a text that is not comes through cleaned; NULL is null */
json_t *qn_json_text(const char *text);

/* The whole, on lines of its own; it is freed */
void qn_json_print(FILE *out, json_t *root);

#endif /* QN_JSON_H */
