// SPDX-License-Identifier: MIT
/*
 * stack.c - _Unwind_Backtrace() and _dl_find_object(), looked up at run time: whoever
 * wants no stacks does not load them.
 */
#define _GNU_SOURCE 1
#include "stack.h"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>
#include <unwind.h>

/**
 * struct found - what _dl_find_object() fills in, as glibc has it
 * @start, @end: of the mapped file
 * @rest:	room for members that are not used, and for those to come
 */
struct found {
	unsigned long long flags;
	void *start;
	void *end;
	struct link_map *map;
	void *rest[16];
};

/**
 * struct walk - of one stack
 * @pcs, @nr, @most: as in qn_stack_take()
 */
struct walk {
	uintptr_t *pcs;
	unsigned int nr;
	unsigned int most;
};

static _Unwind_Reason_Code (*backtrace)(_Unwind_Trace_Fn, void *);
static _Unwind_Word (*get_ip)(struct _Unwind_Context *);
static int (*find_object)(void *pc, struct found *result);
static uintptr_t own_start, own_end;
/* What the loader calls "" */
static char program[256];

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *arg)
{
	uintptr_t pc = get_ip(context);
	struct walk *w = arg;

	if (pc - own_start < own_end - own_start)
		return _URC_NO_REASON;
	if (!pc || w->nr == w->most)
		return _URC_NORMAL_STOP;
	w->pcs[w->nr++] = pc;
	return w->nr == w->most ? _URC_NORMAL_STOP : _URC_NO_REASON;
}

unsigned int qn_stack_take(uintptr_t *pcs, unsigned int most)
{
	struct walk w = { .pcs = pcs, .most = most };

	if (backtrace)
		backtrace(step, &w);
	return w.nr;
}

const char *qn_stack_locate(uintptr_t pc, uintptr_t *base)
{
	struct found found;

	*base = 0;
	if (!find_object || find_object((void *)pc, &found))
		return NULL;
	*base = found.map->l_addr;
	return *found.map->l_name ? found.map->l_name : program;
}

void qn_stack_own(uintptr_t *start, uintptr_t *end)
{
	*start = own_start;
	*end = own_end;
}

const char *qn_stack_start(bool may_load)
{
	void *unwinder = RTLD_DEFAULT;
	struct found own;
	uintptr_t pc;

	*(void **)&find_object = dlsym(RTLD_DEFAULT, "_dl_find_object");
	if (!find_object || find_object((void *)qn_stack_start, &own)) {
		find_object = NULL;
		return "the C library has no _dl_find_object(): glibc 2.35 has";
	}
	own_start = (uintptr_t)own.start;
	own_end = (uintptr_t)own.end;
	if (may_load)
		unwinder = dlopen("libgcc_s.so.1", RTLD_NOW | RTLD_LOCAL);
	if (may_load && !unwinder)
		return "libgcc_s.so.1 cannot be loaded (Debian: apt-get "
		       "install libgcc-s1)";
	*(void **)&get_ip = dlsym(unwinder, "_Unwind_GetIP");
	*(void **)&backtrace = dlsym(unwinder, "_Unwind_Backtrace");
	if (!get_ip || !backtrace) {
		backtrace = NULL;
		return "libgcc_s.so.1 is not loaded: name it in LD_PRELOAD as "
		       "well, as quern run does";
	}
	qn_stack_take(&pc, 1);
	if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
		*program = '\0';
	return NULL;
}
