/* SPDX-License-Identifier: MIT */
/*
 * help.h - what help, manual pages and completion have in common: settings as text.
 */
#ifndef QN_HELP_H
#define QN_HELP_H

#include "format/conf.h"
#include "options.h"
#include "text.h"

/* "fixed|rule", "N", "DIR": what a setting accepts */
void qn_setting_accepts(const struct qn_conf_option *o, char *text,
			size_t size);

/* "From 0 to 1. Default: 0.", what of it there is */
void qn_setting_limits(const struct qn_conf_option *o, char *text, size_t size);

/* "From 0 to 64. Default: 4." */
void qn_setting_range(const struct qn_conf_knob *k, char *text, size_t size);

#endif /* QN_HELP_H */
