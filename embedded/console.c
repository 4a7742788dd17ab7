// SPDX-License-Identifier: MIT
/*
 * console.c - print_write() and the arguments of main() over semihosting; and
 * where the core's diagnostics go.
 */
#include "base/compiler.h"
#include "console.h"
#include "print.h"
#include "semihost.h"

#define CMDLINE_SIZE 256
#define MAX_ARGS     16
#define ABORT_STATUS 71

void print_write(enum print_stream to, const char *text, size_t size)
{
	semihost_write(to == PRINT_OUT ? SEMIHOST_STDOUT : SEMIHOST_STDERR,
		       text, size);
}

/* The core reports a misuse of a heap here, and stops: see lib/port/bare.c */
void qn_board_write(const char *text, size_t size);
void qn_board_abort(void) __noreturn;

void qn_board_write(const char *text, size_t size)
{
	semihost_write(SEMIHOST_STDERR, text, size);
}

void qn_board_abort(void)
{
	semihost_exit(ABORT_STATUS);
}

/* The application's */
int main(int argc, char **argv);

static int split(char *line, char **argv)
{
	int argc = 0;

	for (char *p = line; *p && argc < MAX_ARGS - 1;) {
		while (*p == ' ')
			*p++ = '\0';
		if (!*p)
			break;
		argv[argc++] = p;
		while (*p && *p != ' ')
			p++;
	}
	argv[argc] = NULL;
	return argc;
}

void console_run(void)
{
	static char line[CMDLINE_SIZE];
	static char *argv[MAX_ARGS];

	semihost_cmdline(line, sizeof(line));
	semihost_exit(main(split(line, argv), argv));
}
