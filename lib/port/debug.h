/* SPDX-License-Identifier: MIT */
/*
 * debug.h - assertions, and how a fatal finding is worded.
 *
 * qn_assert() states what the code relies on; the knob QN_DEBUG compiles it in.
 * qn_report() is for what a user of the allocator did wrong, in every build.
 * Both write one line through the port and stop the program.
 */
#ifndef QN_DEBUG_H
#define QN_DEBUG_H

#include "base/compiler.h"
#include "base/config.h"
#include "port/port.h"

static inline void qn_debug_write(const char *text)
{
	size_t size = 0;

	while (text[size])
		size++;
	qn_port_write(text, size);
}

/* "quern: @what 0x...\n", then the end */
static noinline __cold __noreturn __maybe_unused void
qn_report(const char *what, uintptr_t value)
{
	char digits[2 * sizeof(value) + 2];
	size_t i = sizeof(digits) - 1;

	digits[i] = '\n';
	do {
		digits[--i] = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value);
	qn_debug_write("quern: ");
	qn_debug_write(what);
	qn_debug_write(" 0x");
	qn_port_write(digits + i, sizeof(digits) - i);
	qn_port_abort();
}

#define QN_STRING_(x) #x
#define QN_STRING(x)  QN_STRING_(x)

#define qn_assert(cond)                                                      \
	do {                                                                 \
		if (IS_ENABLED(QN_DEBUG) && unlikely(!(cond)))               \
			qn_report(__FILE__                                   \
				  ":" QN_STRING(__LINE__) ": not so: " #cond \
							  ", at",            \
				  (uintptr_t)__builtin_return_address(0));   \
	} while (0)

#endif /* QN_DEBUG_H */
