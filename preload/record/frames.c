// SPDX-License-Identifier: MIT
/*
 * frames.c - rules by return address, in a table that threads share without a lock.
 *
 * An entry's two words are written one after the other; the first is the key combined
 * with the second, so a reader that sees words of two writers sees no key of its own.
 * The key has the number of libraries that were unloaded so far.
 */
#define _GNU_SOURCE 1
#include "frames.h"

#include <dlfcn.h>
#include <string.h>

#include "cfi.h"
#include "stack.h"

static unsigned int generation;

unsigned int qn_frames_generation(void)
{
	return READ_ONCE(generation);
}

void qn_frames_forget(void)
{
	__atomic_add_fetch(&generation, 1, __ATOMIC_RELAXED);
}

#ifdef __x86_64__

/* Return addresses whose rules are kept; 16 bytes each */
#define NR_ENTRIES 8192u

/* A frame that is larger is none */
#define FRAME_MOST ((u64)1 << 30)

/* What libgcc fills in beside an entry of the tables */
struct bases {
	void *text;
	void *data;
	void *function;
};

struct entry {
	u64 check;
	u64 rule;
};

_Static_assert(sizeof(struct qn_cfi_rule) == 8, "a rule is a word");

static struct entry entries[NR_ENTRIES];
static const u8 *(*find_fde)(void *pc, struct bases *bases);
static uintptr_t own_start, own_end;

void qn_frames_start(void)
{
	void *libgcc = dlopen("libgcc_s.so.1", RTLD_NOW | RTLD_LOCAL);

	qn_stack_own(&own_start, &own_end);
	if (libgcc)
		*(void **)&find_fde = dlsym(libgcc, "_Unwind_Find_FDE");
}

static noinline struct qn_cfi_rule make_rule(struct entry *e, u64 key,
					     uintptr_t pc)
{
	struct qn_cfi_rule rule = { .how = QN_CFI_END };
	struct bases bases;
	const u8 *fde = find_fde((void *)(pc - 1), &bases);
	u64 word;

	if (fde)
		rule = qn_cfi_rule(fde, (uintptr_t)bases.function, pc - 1);
	memcpy(&word, &rule, sizeof(word));
	WRITE_ONCE(e->check, key ^ word);
	WRITE_ONCE(e->rule, word);
	return rule;
}

static __always_inline struct qn_cfi_rule rule_for(uintptr_t pc, u64 unloaded)
{
	u64 key = pc ^ unloaded << 48;
	struct entry *e = &entries[(pc ^ pc >> 13) % NR_ENTRIES];
	u64 word = READ_ONCE(e->rule);
	struct qn_cfi_rule rule;

	if (unlikely((READ_ONCE(e->check) ^ word) != key))
		return make_rule(e, key, pc);
	memcpy(&rule, &word, sizeof(rule));
	return rule;
}

/**
 * struct frame - where a function is to be left
 */
struct frame {
	uintptr_t pc;
	uintptr_t sp;
	uintptr_t bp;
};

static __always_inline u64 word_at(u64 address)
{
	return *(const u64 *)address;
}

/* To the caller; false: there is none that makes sense */
static __always_inline bool leave(struct frame *f, struct qn_cfi_rule rule)
{
	u64 cfa = (u64)(s64)rule.cfa + (rule.how == QN_CFI_RSP ? f->sp : f->bp);

	if (rule.how == QN_CFI_AT_RBP)
		cfa = word_at(cfa);
	if (cfa - f->sp - 1 >= FRAME_MOST || cfa % 8)
		return false;
	if (rule.rbp_how == QN_CFI_RBP_IN_FRAME)
		f->bp = word_at(cfa + (u64)(s64)rule.rbp * 8);
	else if (rule.rbp_how == QN_CFI_RBP_AT_RBP)
		f->bp = word_at(f->bp + (u64)(s64)rule.rbp * 8);
	f->pc = word_at(cfa - 8);
	f->sp = cfa;
	return f->pc;
}

unsigned int qn_frames_take(uintptr_t *pcs, unsigned int most)
{
	u64 unloaded = qn_frames_generation();
	struct frame f;
	unsigned int nr = 0;

	if (!find_fde)
		return qn_stack_take(pcs, most);
	__asm__ volatile("lea 0(%%rip), %0\n\tmov %%rsp, %1\n\tmov %%rbp, %2"
			 : "=&r"(f.pc), "=&r"(f.sp), "=&r"(f.bp));
	while (nr < most) {
		struct qn_cfi_rule rule = rule_for(f.pc, unloaded);

		if (unlikely(rule.how == QN_CFI_SLOW))
			return qn_stack_take(pcs, most);
		if (rule.how == QN_CFI_END || !leave(&f, rule))
			break;
		if (f.pc - own_start >= own_end - own_start)
			pcs[nr++] = f.pc;
	}
	return nr;
}

#else /* !__x86_64__ */

void qn_frames_start(void)
{
}

unsigned int qn_frames_take(uintptr_t *pcs, unsigned int most)
{
	return qn_stack_take(pcs, most);
}

#endif /* __x86_64__ */
