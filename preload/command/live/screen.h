/* SPDX-License-Identifier: MIT */
/*
 * screen.h - the terminal that quern top draws on.
 *
 * By ncurses; a build without it has no screen, and quern top prints table after table.
 */
#ifndef QN_SCREEN_H
#define QN_SCREEN_H

#include "base/compiler.h"

/* Keys that are no characters; 0: none was pressed in the time */
enum qn_screen_key {
	QN_KEY_NONE,
	QN_KEY_UP = 0x10000,
	QN_KEY_DOWN,
	QN_KEY_RESIZED,
};

enum qn_screen_look {
	QN_LOOK_PLAIN,
	QN_LOOK_BOLD,
	QN_LOOK_HEAD,   /* of a table */
	QN_LOOK_CHOSEN, /* the row that keys are about */
};

/* Can it be drawn on: it is a terminal, and this build has ncurses */
bool qn_screen_is_there(void);

/* Return: false if the terminal cannot do what it takes */
bool qn_screen_begin(void);
void qn_screen_end(void);

/* Lines and columns, as they are now */
u32 qn_screen_lines(void);
u32 qn_screen_columns(void);

/* An empty screen, lines of it, and all of that shown */
void qn_screen_clear(void);
void qn_screen_put(u32 line, enum qn_screen_look look, const char *text);
void qn_screen_show(void);

/* A key, for which it waits so long. Return: a character, or enum qn_screen_key. */
u32 qn_screen_key(u32 ms);

#endif /* QN_SCREEN_H */
