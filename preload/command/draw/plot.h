/* SPDX-License-Identifier: MIT */
/*
 * plot.h - what the charts of svg.h have in common. For files of this folder only.
 */
#ifndef QN_PLOT_H
#define QN_PLOT_H

#include <stdio.h>
#include "base/compiler.h"

#define QN_PLOT_MARGIN 10.0
#define QN_PLOT_HEAD   26.0 /* height of a chart's title */
#define QN_PLOT_LETTER \
	6.4 /* about the width of a letter, of those of the ticks */
#define QN_PLOT_HEAD_MOST 64 /* letters of a title */

/* Text of at most @most letters; @attributes as they stand in the element */
void qn_plot_text(FILE *out, double x, double y, const char *attributes,
		  const char *text, u32 most);
void qn_plot_line(FILE *out, const char *class, double x1, double y1, double x2,
		  double y2);

/* A tooltip, inside an element; NULL: none */
void qn_plot_title(FILE *out, const char *title);

/* The title of a chart that begins at @top; NULL: none */
void qn_plot_head(FILE *out, double top, const char *title);

#endif /* QN_PLOT_H */
