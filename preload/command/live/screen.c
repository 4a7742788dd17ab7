// SPDX-License-Identifier: MIT
/*
 * screen.c - the terminal by ncurses; see screen.h. No other file knows of it.
 */
#include "screen.h"

#include <stdlib.h>
#include <unistd.h>

#ifdef QN_HAVE_NCURSES

#include <ncurses.h>

static SCREEN *screen;

bool qn_screen_is_there(void)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && *term;
}

bool qn_screen_begin(void)
{
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return false;
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	set_escdelay(25);
	return true;
}

void qn_screen_end(void)
{
	endwin();
	delscreen(screen);
	screen = NULL;
}

u32 qn_screen_lines(void)
{
	return (u32)LINES;
}

u32 qn_screen_columns(void)
{
	return (u32)COLS;
}

void qn_screen_clear(void)
{
	erase();
}

void qn_screen_put(u32 line, enum qn_screen_look look, const char *text)
{
	static const attr_t looks[] = {
		[QN_LOOK_PLAIN] = A_NORMAL,
		[QN_LOOK_BOLD] = A_BOLD,
		[QN_LOOK_HEAD] = A_REVERSE,
		[QN_LOOK_CHOSEN] = A_BOLD | A_UNDERLINE,
	};

	if (line >= (u32)LINES)
		return;
	attrset((int)looks[look]);
	/* The last column of the last line would scroll */
	mvaddnstr((int)line, 0, text, COLS - (line + 1 == (u32)LINES));
	attrset(A_NORMAL);
}

void qn_screen_show(void)
{
	refresh();
}

u32 qn_screen_key(u32 ms)
{
	int key;

	timeout((int)ms);
	key = getch();
	switch (key) {
	case ERR:
		return QN_KEY_NONE;
	case KEY_UP:
		return QN_KEY_UP;
	case KEY_DOWN:
		return QN_KEY_DOWN;
	case KEY_RESIZE:
		return QN_KEY_RESIZED;
	case KEY_BACKSPACE:
		return '\b';
	case KEY_ENTER:
		return '\n';
	default:
		return (u32)key;
	}
}

#else

bool qn_screen_is_there(void)
{
	return false;
}

bool qn_screen_begin(void)
{
	return false;
}

void qn_screen_end(void)
{
}

u32 qn_screen_lines(void)
{
	return 0;
}

u32 qn_screen_columns(void)
{
	return 0;
}

void qn_screen_clear(void)
{
}

void qn_screen_put(u32 line, enum qn_screen_look look, const char *text)
{
	(void)line;
	(void)look;
	(void)text;
}

void qn_screen_show(void)
{
}

u32 qn_screen_key(u32 ms)
{
	(void)ms;
	return QN_KEY_NONE;
}

#endif
