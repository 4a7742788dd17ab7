/* SPDX-License-Identifier: MIT */
/*
 * markup.h - text inside SVG and HTML, whatever it holds.
 *
 * Names of programs, symbols and files come from outside. All of them go through here, so
 * that a drawing is well-formed and nobody's text becomes an element or a script.
 */
#ifndef QN_MARKUP_H
#define QN_MARKUP_H

#include <stdio.h>
#include "base/compiler.h"

/**
 * qn_markup_text() - write text as the content of an element, or of an attribute in quotes
 *
 * Valid UTF-8 stays. Characters that XML 1.0 does not allow and bytes that are no UTF-8
 * become '?', one a byte.
 */
void qn_markup_text(FILE *out, const char *text);

/* The same, at most @most characters; "..." stands for the others */
void qn_markup_cut(FILE *out, const char *text, u32 most);

/* Characters of a text, by its UTF-8 */
u32 qn_markup_length(const char *text);

#endif /* QN_MARKUP_H */
