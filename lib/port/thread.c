// SPDX-License-Identifier: MIT
/*
 * thread.c - a thread that the C library does not know of, on Linux.
 *
 * A thread of pthread_create() changes the program that it works for: <sys/single_threaded.h>
 * says that there are others, so locks of stdio and counters of shared_ptr cost more from then
 * on; pthread_exit() of the last thread of the program does not end it any more; setuid() sends
 * signals. So this thread is made by clone(2). It has a stack, and room where the
 * library's thread-local variables are found, zeroed. What runs in it must not call libc, but
 * for the clock.
 *
 * The room for thread-local variables is as far from the thread pointer as the variables of
 * the thread that makes it, and those of this library and errno lie within.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include "port/port.h"
#include "port/sys.h"

#define STACK ((size_t)64 << 10)
/* Around the thread pointer, beside the variables */
#define ROOM ((size_t)4 << 10)

#define FLAGS                                                               \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | \
	 CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |               \
	 CLONE_CHILD_CLEARTID)

static __thread char mark __attribute__((tls_model("initial-exec")));

#if defined(__x86_64__)

/* The thread pointer points to itself; a stack protector's value is beside it */
#define TCB 64

static char *thread_pointer(void)
{
	char *tp;

	__asm__("movq %%fs:0, %0" : "=r"(tp));
	return tp;
}

static char *make_tls(char *from, char *to)
{
	char *tp = (char *)round_down((uintptr_t)to - ROOM, 64);
	void **words = (void **)(void *)tp;

	(void)from;
	memcpy(tp, thread_pointer(), TCB);
	words[0] = tp;
	words[2] = tp;
	return tp;
}

/* @stack: what is to be called, and its argument */
static long clone_thread(char *stack, u32 *tid, char *tls)
{
	register u32 *r10 __asm__("r10") = tid;
	register char *r8 __asm__("r8") = tls;
	long result = SYS_clone;

	__asm__ volatile("syscall\n\t"
			 "testq %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xorl %%ebp, %%ebp\n\t"
			 "popq %%rax\n\t"
			 "popq %%rdi\n\t"
			 "call *%%rax\n\t"
			 "movl %[exit], %%eax\n\t"
			 "xorl %%edi, %%edi\n\t"
			 "syscall\n\t"
			 "hlt\n"
			 "1:"
			 : "+a"(result)
			 : "D"((long)FLAGS), "S"(stack), "d"(tid), "r"(r10),
			   "r"(r8), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory");
	return result;
}

#elif defined(__aarch64__)

static char *thread_pointer(void)
{
	char *tp;

	__asm__("mrs %0, tpidr_el0" : "=r"(tp));
	return tp;
}

static char *make_tls(char *from, char *to)
{
	(void)to;
	return (char *)round_up((uintptr_t)from + ROOM, 64);
}

static long clone_thread(char *stack, u32 *tid, char *tls)
{
	register long x0 __asm__("x0") = FLAGS;
	register char *x1 __asm__("x1") = stack;
	register u32 *x2 __asm__("x2") = tid;
	register char *x3 __asm__("x3") = tls;
	register u32 *x4 __asm__("x4") = tid;
	register long x8 __asm__("x8") = SYS_clone;

	__asm__ volatile("svc 0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, #0\n\t"
			 "ldp x1, x0, [sp], #16\n\t"
			 "blr x1\n\t"
			 "mov x8, %[exit]\n\t"
			 "mov x0, #0\n\t"
			 "svc 0\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x1), "r"(x2), "r"(x3), "r"(x4),
			   "r"(x8), [exit] "i"(SYS_exit)
			 : "memory");
	return x0;
}

#else

static char *thread_pointer(void)
{
	return &mark;
}

static char *make_tls(char *from, char *to)
{
	(void)from;
	(void)to;
	return NULL;
}

/* Write it for this processor: until then there is no helper */
static long clone_thread(char *stack, u32 *tid, char *tls)
{
	(void)stack;
	(void)tid;
	(void)tls;
	return -ENOSYS;
}

#endif

/* How far from the thread pointer variables lie that the new thread uses */
static __apart size_t tls_size(void)
{
	uintptr_t tp = (uintptr_t)thread_pointer();
	uintptr_t a = (uintptr_t)&mark, b = (uintptr_t)&errno;
	size_t far = max(a > tp ? a - tp : tp - a, b > tp ? b - tp : tp - b);

	return round_up(far + 2 * ROOM, qn_port_page_size());
}

/* A page that must not be touched, the stack, thread-local variables */
static __apart bool make_memory(struct qn_port_thread *t)
{
	size_t page = qn_port_page_size();

	if (t->mem)
		return true;
	t->tls = tls_size();
	t->mem = qn_port_map(NULL, page + STACK + t->tls);
	if (!t->mem)
		return false;
	qn_sys6(SYS_mprotect, (long)t->mem, (long)page, PROT_NONE, 0, 0, 0);
	t->mem += page;
	return true;
}

__apart bool qn_port_thread_start(struct qn_port_thread *t, void (*run)(void *),
				  void *arg)
{
	u64 all = ~(u64)0, before;
	void *call[2] = { (void *)(uintptr_t)run, arg };
	char *stack, *tls;
	long result;

	if (!make_memory(t))
		return false;
	tls = make_tls(t->mem + STACK, t->mem + STACK + t->tls);
	stack = t->mem + STACK - sizeof(call);
	memcpy(stack, call, sizeof(call));
	/* It begins with all signals blocked, since a thread inherits what is */
	qn_sys6(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before,
		sizeof(all), 0, 0);
	result = clone_thread(stack, &t->tid, tls);
	qn_sys6(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, sizeof(all),
		0, 0);
	return result > 0;
}

/* Of 50 ms: far more than a thread needs that was told to end */
#define WAITS_MOST 20

/* The kernel says that the process has no such thread */
static __apart bool is_gone(u32 tid)
{
	long pid = qn_sys6(SYS_getpid, 0, 0, 0, 0, 0, 0);

	return qn_sys6(SYS_tgkill, pid, (long)tid, 0, 0, 0, 0) != 0;
}

/*
 * The kernel clears the number and wakes who waits for it, a little before the thread has
 * left the process: a signal that is sent to it arrives until then. A child that was made
 * behind libc's back has the number and no thread: nobody clears it.
 */
__apart void qn_port_thread_join(struct qn_port_thread *t)
{
	struct timespec wait = { 0, 50000000 };
	u32 tid = READ_ONCE(t->tid), now;

	if (!tid)
		return;
	for (int i = 0; (now = READ_ONCE(t->tid)); i++) {
		if (i >= WAITS_MOST && is_gone(tid))
			break;
		qn_sys6(SYS_futex, (long)&t->tid, QN_FUTEX_WAIT, (long)now,
			(long)&wait, 0, 0);
	}
	while (!is_gone(tid))
		qn_sys6(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	WRITE_ONCE(t->tid, 0);
}

__apart void qn_port_thread_name(const char *name)
{
	qn_sys6(SYS_prctl, PR_SET_NAME, (long)name, 0, 0, 0, 0);
}
