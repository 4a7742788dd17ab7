// SPDX-License-Identifier: MIT
/*
 * process.c - the life of a Linux program in Rust that has quern as its allocator.
 *
 * preload/start.c for a program that is linked with the heap instead of preloading it: no
 * names are taken, so the C library and what is written in C keep their malloc. The heap's
 * own thread stays away, since nobody ends it before the program unshares or forks alone.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "format/conf.h"
#include "port/port.h"
#include "process/process.h"

/* Anything of the crate that refers to it brings the constructor along */
void quern_rust_process(void);

void quern_rust_process(void)
{
}

static void say(const char *text)
{
	qn_port_write(text, strlen(text));
}

/* A mistyped experiment must not run as something else */
static __noreturn __cold void refuse(const char *error)
{
	say("quern: QUERN_CONF: ");
	say(error);
	say("\n");
	_exit(2);
}

static void finish(void)
{
	qn_process_audit();
	qn_process_finish();
}

static void __attribute__((constructor)) start(void)
{
	const char *setting = getauxval(AT_SECURE) ? NULL :
						     getenv("QUERN_CONF");
	struct qn_conf conf;
	char error[QN_CONF_ERROR];

	qn_conf_init(&conf);
	if (setting && qn_conf_parse(&conf, setting, error, sizeof(error)))
		refuse(error);
	if (strcmp(conf.engine, "quern"))
		refuse("engine: a program in Rust has quern's own alone");
	if (conf.sites || conf.tuned[0])
		refuse("sites, tuned: need the program to preload "
		       "libquern.so");
	pthread_atfork(qn_process_fork_prepare, qn_process_fork_parent,
		       qn_process_fork_child);
	atexit(finish);
	if (conf.live)
		qn_process_live_at(getenv("XDG_RUNTIME_DIR"));
	qn_process_start(&conf, NULL, NULL);
}
