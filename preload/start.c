// SPDX-License-Identifier: MIT
/*
 * start.c - the life of a process that malloc.c and operators.c serve: its
 * start, its forks and its end.
 *
 * Nothing here is needed for malloc to work. The heap serves calls from before
 * the constructor runs to after the last destructor; the constructor tells it
 * its settings. The library is linked so that this constructor is the first to
 * run (-z initfirst): nobody's atfork handlers are older then. It runs before
 * the C library's own, which is why the environment is taken from its argument.
 *
 * A program that never allocates gets no heap, unless it is to write a statistics file.
 *
 * A start costs page faults, about 2 us each, more than anything that is computed:
 *
 *  - A call of a libc function that nobody called yet makes up to 64 KB of libc resident,
 *    since the kernel maps what lies around a fault. So system calls are instructions
 *    (port/sys.h), and small copies are the library's own (string.c).
 *  - Each import is a look-up. The library has two segments and no start files.
 *  - Code that most processes never run lies apart in the file (libquern.ld).
 *
 * These remain: 64 KB of libc's constants, of which pthread_atfork() reads 16 bytes; most
 * of the library's own file; and for a program that allocates the heap's first ten pages
 * and six system calls. Two of those ask for clock and seed, which a sandbox may lack
 * later; four are for memory. "make bench-startup" prints both cases.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/engine.h"
#include "format/tuned.h"
#include "learn/policy-tuned.h"
#include "port/port.h"
#include "port/sys.h"
#include "names.h"
#include "process/process.h"
#include "stack.h"

/*
 * The first of what lies apart, and nothing: its alignment makes the C library (since 2.35) load
 * the file at a multiple of 64 KB. An alignment of all segments would cost two system calls more.
 */
__asm__(".pushsection .text.apart.first, \"ax\"\n"
	".balign 0x10000\n"
	".popsection\n");

/*
 * The C library's lock over its list of streams, recursive. Exported by glibc
 * since ever, in no header.
 */
void _IO_list_lock(void) __weak;
void _IO_list_unlock(void) __weak;
void _IO_list_resetlock(void) __weak;
/* Since glibc 2.32: no other thread can run, as <sys/single_threaded.h> has it */
extern char __libc_single_threaded __weak;

/*
 * Which library registers functions: pthread_atfork() asks for it, and the start
 * files that define it are left out. NULL is one that is never unloaded.
 */
extern void *const __dso_handle __attribute__((visibility("hidden")));
void *const __dso_handle = NULL;

/* Of operators.c */
void qn_operators_start(void) __attribute__((visibility("hidden")));

/*
 * Registers what is to run when every destructor has; glibc has it. NULL elsewhere: then
 * the library's own destructor is the last, since its constructor was the first.
 */
int on_exit(void (*call)(int status, void *arg), void *arg) __weak;

/*
 * glibc runs the constructor before it knows the environment itself, and gives it to
 * constructors. Others do the reverse.
 */
#ifdef __GLIBC__
#define ENVIRONMENT(env) (env)
#else
extern char **environ;
#define ENVIRONMENT(env) environ
#endif

/* As secure_getenv(), which does not know the environment yet; @name has its '=' */
static const char *env_find(char **env, const char *name)
{
	size_t size = strlen(name);

	for (; env && *env; env++)
		if (!strncmp(*env, name, size))
			return getauxval(AT_SECURE) ? NULL : *env + size;
	return NULL;
}

/* A mistyped experiment must not run as something else */
static __noreturn __apart void refuse(const char *error)
{
	qn_port_write("quern: QUERN_CONF: ", 19);
	qn_port_write(error, strlen(error));
	qn_port_write("\n", 1);
	_exit(2);
}

/*
 * Lock order across fork(): list of streams, then the heap's locks. fork()
 * takes the first one itself, but after the handlers. Left to it, a thread that
 * flushes all streams would hold the list and wait for a stream, that stream's
 * owner would wait in malloc for the heap, and fork(), holding the heap, for the
 * list. Handlers run in reverse order of registration before fork(), in order
 * after it: ours, the oldest, hold the heap for the shortest time.
 *
 * A process of one thread has nothing to wait for, and fork() in a signal handler may
 * have interrupted what holds the list.
 */
static bool list_taken;

static void fork_prepare(void)
{
	bool alone = &__libc_single_threaded && __libc_single_threaded;

	if (_IO_list_lock && !alone)
		_IO_list_lock();
	list_taken = !alone;
	qn_process_fork_prepare();
}

static void fork_parent(void)
{
	qn_process_fork_parent();
	if (_IO_list_unlock && list_taken)
		_IO_list_unlock();
}

/* fork() may or may not have made the lock anew: then unlocking is no option */
static void fork_child(void)
{
	qn_process_fork_child();
	if (_IO_list_resetlock && list_taken)
		_IO_list_resetlock();
}

static void finish(int status __maybe_unused, void *arg __maybe_unused)
{
	qn_process_finish();
}

/* Guarded samples do without: their messages say how stacks are had */
static __apart const struct qn_sites_ops *stacks(const struct qn_conf *conf)
{
	static const struct qn_sites_ops ops = { qn_stack_take,
						 qn_stack_locate };
	static const char text[] = "quern: QUERN_CONF=sites:1: no call sites: ";
	const char *why;

	if (conf->hard && conf->guard)
		refuse("hard: takes no samples that guard: could guard");
	why = qn_stack_start(false);
	if (!why)
		return &ops;
	if (!conf->sites)
		return NULL;
	qn_port_write(text, sizeof(text) - 1);
	qn_port_write(why, strlen(why));
	qn_port_write("\n", 1);
	return NULL;
}

static __apart void warn(const char *name, const char *wrong)
{
	static const char text[] __rodata_apart = "quern: QUERN_CONF=tuned:";
	static const char then[] __rodata_apart = "; all is as without it\n";

	qn_port_write(text, sizeof(text) - 1);
	qn_port_write(name, strlen(name));
	qn_port_write(": ", 2);
	qn_port_write(wrong, strlen(wrong));
	qn_port_write(then, sizeof(then) - 1);
}

static __apart long file_read(const char *name, char *to, size_t size)
{
	long fd = qn_sys6(SYS_openat, AT_FDCWD, (long)name,
			  O_RDONLY | O_CLOEXEC, 0, 0, 0);
	long got = fd, sum = 0;

	if (fd < 0)
		return fd;
	while (sum < (long)size) {
		got = qn_sys3(SYS_read, fd, (long)(to + sum), (long)size - sum);
		if (got <= 0)
			break;
		sum += got;
	}
	qn_sys3(SYS_close, fd, 0, 0);
	return got < 0 ? got : sum;
}

/* What was found for the program; a file that is wrong does not end it, but does nothing */
static __apart void tuned_read(struct qn_conf *conf)
{
	static __bss_apart char text[QN_TUNED_MOST + 1];
	static __bss_apart struct qn_tuned_file tuned;
	char error[QN_TUNED_ERROR] = "it cannot be read";
	long size = file_read(conf->tuned, text, sizeof(text));

	if (size < 0 || qn_tuned_parse(&tuned, text, (size_t)size, error)) {
		warn(conf->tuned, error);
		if (!strcmp(conf->policy, "tuned"))
			memcpy(conf->policy, "rule", sizeof("rule"));
		return;
	}
	qn_tuned_merge(&tuned, &conf->knobs);
	qn_policy_tuned_set(tuned.classes, tuned.nr_classes);
}

/* From libquern-engines.so: a process that runs on quern's own heap has no part of it */
static __apart const struct qn_engine *find_engine(const struct qn_conf *conf)
{
	const char *text =
		"quern: QUERN_CONF=engine: needs libquern-engines.so: quern run "
		"preloads it; by hand: "
		"LD_PRELOAD=.../libquern.so:.../libquern-engines.so\n";
	const struct qn_engine *(*find)(const char *name);
	const struct qn_engine *e = NULL;

	if (conf->hard || conf->guard)
		refuse("hard: and guard: are of quern's own heap, not of an "
		       "engine");
	*(void **)&find = dlsym(RTLD_DEFAULT, "qn_engine_find");
	if (find)
		e = find(conf->engine);
	if (e)
		return e;
	qn_port_write(text, strlen(text));
	_exit(2);
}

/* Figures are told, and by the destructor below */
static bool tells_at_end;

/*
 * A destructor and no on_exit() function, which every process would pay for: those of
 * other libraries may run after it.
 */
static void __attribute__((destructor)) end(void)
{
	qn_process_audit();
	if (tells_at_end)
		qn_process_finish();
}

static __apart void tell_at_end(void)
{
	if (on_exit)
		on_exit(finish, NULL);
	else
		tells_at_end = true;
}

/*
 * Figures are told by an on_exit() function and not by a destructor: registered before
 * those of the C library's start-up code, it runs when every destructor of
 * every library is through. It stays registered for good, so the library is
 * linked to be never unloaded (-z nodelete).
 */
static void __attribute__((constructor))
start(int argc __maybe_unused, char **argv __maybe_unused,
      char **env __maybe_unused)
{
	struct qn_conf conf;
	char error[QN_CONF_ERROR];
	const char *setting;
	bool is_own;

	env = ENVIRONMENT(env);
	setting = env_find(env, "QUERN_CONF=");
	qn_conf_init(&conf);
	if (setting && qn_conf_parse(&conf, setting, error, sizeof(error)))
		refuse(error);
	if (conf.tuned[0])
		tuned_read(&conf);
	qn_names_start();
	qn_operators_start();
	pthread_atfork(fork_prepare, fork_parent, fork_child);
	if (conf.stats[0] || conf.live || conf.report[0] || conf.metrics[0])
		tell_at_end();
	if (conf.live)
		qn_process_live_at(env_find(env, "XDG_RUNTIME_DIR="));
	is_own = !strcmp(conf.engine, "quern");
	if (is_own)
		qn_process_allow_helper();
	qn_process_start(&conf, conf.sites || conf.guard ? stacks(&conf) : NULL,
			 is_own ? NULL : find_engine(&conf));
}
