/* SPDX-License-Identifier: MIT */
/*
 * console.h - the ends of a run: a command line in, text out, a status.
 *
 * Between semihost.h and the start-up code.
 */
#ifndef CONSOLE_H
#define CONSOLE_H

/* Call main() with the emulator's command line; its status ends the run. */
void console_run(void) __attribute__((noreturn));

#endif /* CONSOLE_H */
