// SPDX-License-Identifier: MIT
/*
 * interrupt.c - one flag, set by a handler that does nothing else.
 */
#define _GNU_SOURCE 1
#include "interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t interrupt;

bool qn_is_interrupt(int signo)
{
	return signo == SIGINT || signo == SIGTERM || signo == SIGHUP;
}

void qn_interrupt_note(int signo)
{
	interrupt = signo;
}

/* One that is ignored stays so: whoever started the command wants it (nohup, say) */
void qn_interrupt_catch(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction act = { .sa_handler = qn_interrupt_note }, old;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (!sigaction(signals[i], NULL, &old) &&
		    old.sa_handler != SIG_IGN)
			sigaction(signals[i], &act, NULL);
}

int qn_interrupted(void)
{
	return interrupt;
}

void qn_interrupt_forget(void)
{
	interrupt = 0;
}
