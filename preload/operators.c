// SPDX-License-Identifier: MIT
/*
 * operators.c - C++'s operators new and delete over the process's heap, in C
 * under their mangled names, so that libquern.so needs no C++ runtime.
 *
 * Four operators are real: new and delete, plain and aligned. The others call
 * one of these by its public name, as the C++ standard defines them: a program
 * may replace the plain ones alone, and must then see its own called for
 * arrays, sized deletes and nothrow too. That is why all are weak, and why the
 * library must not be linked with -Bsymbolic.
 *
 * Failure needs a C++ runtime: for the new_handler, for std::bad_alloc and for
 * catching it in nothrow. Weak references find the one that was there when the
 * process started, a search from the caller's side one that came later.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unwind.h>

#include "port/port.h"
#include "names.h"
#include "process/process.h"

#ifndef __EXCEPTIONS
#error "C++ exceptions pass through this file: compile it with -fexceptions"
#endif

/*
 * Mangled: Zn new, Zd delete; w plain, a array; m a size, Pv a pointer;
 * St11align_val_t an alignment, RKSt9nothrow_t a reference that says nothrow.
 */
#define OPERATOR QN_EXPORT __weak NOPLT

/* Called by its address: clang knows no such attribute, and has a stub jump there */
#ifdef __clang__
#define NOPLT
#else
#define NOPLT __attribute__((noplt))
#endif

OPERATOR void *_Znwm(size_t size);
OPERATOR void *_Znam(size_t size);
OPERATOR __apart void *_ZnwmRKSt9nothrow_t(size_t size, const void *tag);
OPERATOR __apart void *_ZnamRKSt9nothrow_t(size_t size, const void *tag);
OPERATOR void *_ZnwmSt11align_val_t(size_t size, size_t align);
OPERATOR void *_ZnamSt11align_val_t(size_t size, size_t align);
OPERATOR __apart void *
_ZnwmSt11align_val_tRKSt9nothrow_t(size_t size, size_t align, const void *tag);
OPERATOR __apart void *
_ZnamSt11align_val_tRKSt9nothrow_t(size_t size, size_t align, const void *tag);

OPERATOR void _ZdlPv(void *p);
OPERATOR void _ZdaPv(void *p);
OPERATOR void _ZdlPvm(void *p, size_t size);
OPERATOR void _ZdaPvm(void *p, size_t size);
OPERATOR __apart void _ZdlPvRKSt9nothrow_t(void *p, const void *tag);
OPERATOR __apart void _ZdaPvRKSt9nothrow_t(void *p, const void *tag);
OPERATOR void _ZdlPvSt11align_val_t(void *p, size_t align);
OPERATOR void _ZdaPvSt11align_val_t(void *p, size_t align);
OPERATOR __apart void _ZdlPvmSt11align_val_t(void *p, size_t size,
					     size_t align);
OPERATOR __apart void _ZdaPvmSt11align_val_t(void *p, size_t size,
					     size_t align);
OPERATOR __apart void _ZdlPvSt11align_val_tRKSt9nothrow_t(void *p, size_t align,
							  const void *tag);
OPERATOR __apart void _ZdaPvSt11align_val_tRKSt9nothrow_t(void *p, size_t align,
							  const void *tag);

/*
 * A program may have a malloc and free of its own, and aligned_alloc: then objects come
 * from there, as they do under the operators of the C++ runtime. The fast paths do not
 * ask: a bound that stands in memory costs no instruction more, and with 0 there and
 * no local of their own (qn_self_of_operators) they find nothing.
 */
static __apart void *new_elsewhere(size_t size)
{
	return malloc(size ? size : 1);
}

static __apart void delete_elsewhere(void *p)
{
	free(p);
}

static noinline void delete_slow(void *p)
{
	if (likely(qn_names.ready_end))
		qn_process_free_slow(p);
	else
		delete_elsewhere(p);
}

/* Anew, after a new_handler has made room */
static __apart void *new_plain(size_t size, size_t align __maybe_unused)
{
	return qn_names.ready_end ? qn_process_malloc(size) :
				    new_elsewhere(size);
}

static __seldom void *new_aligned(size_t size, size_t align)
{
	if (likely(qn_names.is_aligned_own))
		return qn_process_memalign(align, size);
	if (size > SIZE_MAX - align)
		return NULL;
	return aligned_alloc(align, round_up(size ? size : 1, align));
}

typedef void *new_again(size_t size, size_t align);
static __apart void *new_fails(new_again *again, size_t size, size_t align,
			       const void *caller);

/* Which of them are the program's own? Called once, when all are bound. */
void qn_operators_start(void) __attribute__((visibility("hidden")));

/* Apart as a whole, failure too, so that the fast path needs no stack */
static __seldom void *new_slow(size_t size, const void *caller)
{
	void *p;

	if (unlikely(!qn_names.ready_end))
		p = new_elsewhere(size);
	else if (size > QN_SLAB_MAX)
		p = qn_process_malloc_medium(size);
	else
		p = qn_process_malloc_slow(size);
	return likely(p) ? p : new_fails(new_plain, size, QN_ALIGN, caller);
}

static __always_inline void *nothing(size_t size __maybe_unused)
{
	return NULL;
}

void *_Znwm(size_t size)
{
	void *p = __qn_process_malloc(size, &qn_names.ready_end, nothing,
				      nothing);

	return likely(p) ? p : new_slow(size, __builtin_return_address(0));
}

void _ZdlPv(void *p)
{
	__qn_process_free(p, qn_self_of_operators, delete_slow);
}

/* Our own, whatever a program replaces */
#define OWN(name, symbol) \
	static __typeof__(symbol) own_##name __attribute__((alias(#symbol)))

OWN(delete, _ZdlPv);

__seldom void *_ZnwmSt11align_val_t(size_t size, size_t align)
{
	void *p = NULL;

	if (is_power_of_2(align))
		p = new_aligned(size, align);
	if (likely(p))
		return p;
	return new_fails(new_aligned, size, align, __builtin_return_address(0));
}

__seldom void _ZdlPvSt11align_val_t(void *p, size_t align __maybe_unused)
{
	if (likely(qn_names.is_aligned_own))
		qn_process_free(p);
	else
		delete_elsewhere(p);
}

void *_Znam(size_t size)
{
	return _Znwm(size);
}

__seldom void *_ZnamSt11align_val_t(size_t size, size_t align)
{
	return _ZnwmSt11align_val_t(size, align);
}

void _ZdaPv(void *p)
{
	_ZdlPv(p);
}

/*
 * What a program replaces is called: where it has replaced but one of a pair nobody
 * here knows what a block's size is. Set once, by qn_operators_start(); in a page that
 * each start writes to.
 */
#define SET_AT_START __attribute__((section(".data")))
static bool is_own_array_align SET_AT_START;

static __seldom void delete_sized_slow(void *p, size_t size)
{
	if (likely(qn_names.is_new_own))
		qn_process_free_sized_slow(p, size, QN_SIZED_NEW,
					   "operator delete");
	else
		_ZdlPv(p);
}

/* Whether new and delete are ours the fast path does not ask: see qn_self_of_sized */
void _ZdlPvm(void *p, size_t size)
{
	qn_process_free_sized(p, size, delete_sized_slow);
}

OWN(new, _Znwm);
OWN(new_array, _Znam);
OWN(new_align, _ZnwmSt11align_val_t);
OWN(new_array_align, _ZnamSt11align_val_t);
OWN(delete_array, _ZdaPv);
OWN(delete_align, _ZdlPvSt11align_val_t);
OWN(delete_array_align, _ZdaPvSt11align_val_t);
OWN(delete_sized, _ZdlPvm);

void _ZdaPvm(void *p, size_t size)
{
	if (likely(qn_names.is_new_array_own))
		own_delete_sized(p, size);
	else
		_ZdaPv(p);
}

void qn_operators_start(void)
{
	qn_names.is_new_own = qn_names.is_malloc_own && _Znwm == own_new &&
			      _ZdlPv == own_delete;
	if (qn_names.is_new_own)
		qn_process_take_sized();
	qn_names.is_new_array_own = qn_names.is_new_own &&
				    _Znam == own_new_array &&
				    _ZdaPv == own_delete_array;
	qn_names.is_new_aligned_own = qn_names.is_malloc_own &&
				      qn_names.is_aligned_own &&
				      _ZnwmSt11align_val_t == own_new_align &&
				      _ZdlPvSt11align_val_t == own_delete_align;
	is_own_array_align = qn_names.is_new_aligned_own &&
			     _ZnamSt11align_val_t == own_new_array_align &&
			     _ZdaPvSt11align_val_t == own_delete_array_align;
}

void _ZdlPvRKSt9nothrow_t(void *p, const void *tag __maybe_unused)
{
	_ZdlPv(p);
}

void _ZdaPvRKSt9nothrow_t(void *p, const void *tag __maybe_unused)
{
	_ZdaPv(p);
}

__seldom void _ZdaPvSt11align_val_t(void *p, size_t align)
{
	_ZdlPvSt11align_val_t(p, align);
}

__seldom void _ZdlPvmSt11align_val_t(void *p, size_t size, size_t align)
{
	if (likely(qn_names.is_new_aligned_own))
		qn_process_free_sized_slow(p, size, QN_SIZED_OTHER,
					   "operator delete");
	else
		_ZdlPvSt11align_val_t(p, align);
}

__seldom void _ZdaPvmSt11align_val_t(void *p, size_t size, size_t align)
{
	if (likely(is_own_array_align))
		qn_process_free_sized_slow(p, size, QN_SIZED_OTHER,
					   "operator delete");
	else
		_ZdaPvSt11align_val_t(p, align);
}

void _ZdlPvSt11align_val_tRKSt9nothrow_t(void *p, size_t align,
					 const void *tag __maybe_unused)
{
	_ZdlPvSt11align_val_t(p, align);
}

void _ZdaPvSt11align_val_tRKSt9nothrow_t(void *p, size_t align,
					 const void *tag __maybe_unused)
{
	_ZdaPvSt11align_val_t(p, align);
}

/* What of the C++ runtime and its unwinder is needed when memory runs out */
enum symbol {
	GET_NEW_HANDLER,
	THROW_BAD_ALLOC,
	BEGIN_CATCH,
	END_CATCH,
	SET_GR,
	SET_IP,
};

void (*_ZSt15get_new_handlerv(void))(void) __weak;
void _ZSt17__throw_bad_allocv(void) __weak;
void *__cxa_begin_catch(void *exception) __weak;
void __cxa_end_catch(void) __weak;
#pragma weak _Unwind_SetGR
#pragma weak _Unwind_SetIP

/* clang-format off */
static struct {
	const char *name;
	void *address;
} symbols[] = {
	[GET_NEW_HANDLER] = { "_ZSt15get_new_handlerv",
			      (void *)_ZSt15get_new_handlerv },
	[THROW_BAD_ALLOC] = { "_ZSt17__throw_bad_allocv",
			      (void *)_ZSt17__throw_bad_allocv },
	[BEGIN_CATCH]	  = { "__cxa_begin_catch", (void *)__cxa_begin_catch },
	[END_CATCH]	  = { "__cxa_end_catch", (void *)__cxa_end_catch },
	[SET_GR]	  = { "_Unwind_SetGR", (void *)_Unwind_SetGR },
	[SET_IP]	  = { "_Unwind_SetIP", (void *)_Unwind_SetIP },
};

/* clang-format on */

/*
 * A runtime that came with dlopen() need not be visible from here, but the
 * object that @caller lies in depends on it. The handle stays open, since what
 * it found is kept.
 */
static void *symbol_find_from(const void *caller, const char *name)
{
	void *handle;
	Dl_info info;

	if (!dladdr(caller, &info))
		return NULL;
	handle = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
	return handle ? dlsym(handle, name) : NULL;
}

static __apart void *symbol_find(enum symbol s, const void *caller)
{
	void *address = READ_ONCE(symbols[s].address);

	if (address)
		return address;
	address = dlsym(RTLD_DEFAULT, symbols[s].name);
	if (!address)
		address = symbol_find_from(caller, symbols[s].name);
	WRITE_ONCE(symbols[s].address, address);
	return address;
}

/* Who called the nothrow operator that this thread is in, or NULL */
static __thread const void *nothrow_caller;

/*
 * Returns, to a nothrow operator alone, if nobody can throw or if what is
 * thrown could not be caught: a runtime that is linked statically hides its
 * unwinder.
 */
static __apart void *throw_bad_alloc(const void *caller)
{
	static const char text[] = "quern: operator new: out of memory, and "
				   "no C++ runtime to throw std::bad_alloc\n";
	void (*throw)(void) = symbol_find(THROW_BAD_ALLOC, caller);

	if (nothrow_caller && !(throw &&symbol_find(SET_GR, caller) &&
				symbol_find(SET_IP, caller)))
		return NULL;
	if (throw)
		throw();
	qn_port_write(text, sizeof(text) - 1);
	qn_port_abort();
}

/* Calls the new_handler until it has made room, is gone or does not return */
static __apart void *new_fails(new_again *again, size_t size, size_t align,
			       const void *caller)
{
	void (*(*get)(void))(void);
	void (*handler)(void);
	void *p = NULL;

	if (nothrow_caller)
		caller = nothrow_caller;
	get = symbol_find(GET_NEW_HANDLER, caller);
	while (!p) {
		handler = get && is_power_of_2(align) ? get() : NULL;
		if (!handler)
			return throw_bad_alloc(caller);
		handler();
		p = again(size, align);
	}
	return p;
}

/*
 * qn_operators_try() - call @call(@arg), catching what it throws
 *
 * A new_handler may throw, and so may a program's own operator new; out of a
 * nothrow operator nothing may come. C has no catch, so this frame is written
 * by hand: its personality routine stops every exception here and has the
 * function return it from the instruction after the call. Where the exception
 * arrives is where results are returned, on both processors.
 *
 * Return: the exception, or NULL.
 */
struct _Unwind_Exception *qn_operators_try(void (*call)(void *), void *arg)
	__attribute__((visibility("hidden")));
extern const char qn_operators_caught[] __attribute__((visibility("hidden")));

#define TRY_BEGIN                                        \
	".pushsection .text\n"                           \
	".globl qn_operators_try, qn_operators_caught\n" \
	".hidden qn_operators_try\n"                     \
	".hidden qn_operators_caught\n"                  \
	".type qn_operators_try, %function\n"            \
	"qn_operators_try:\n"                            \
	".cfi_startproc\n"                               \
	".cfi_personality 0x1b, qn_operators_personality\n"
#define TRY_END                                          \
	".cfi_endproc\n"                                 \
	".size qn_operators_try, . - qn_operators_try\n" \
	".popsection\n"

#if defined(__x86_64__)
__asm__(TRY_BEGIN "	subq $8, %rsp\n"
		  "	.cfi_adjust_cfa_offset 8\n"
		  "	movq %rdi, %rax\n"
		  "	movq %rsi, %rdi\n"
		  "	call *%rax\n"
		  "	xorl %eax, %eax\n"
		  "qn_operators_caught:\n"
		  "	addq $8, %rsp\n"
		  "	.cfi_adjust_cfa_offset -8\n"
		  "	ret\n" TRY_END);
#elif defined(__aarch64__)
__asm__(TRY_BEGIN "	stp x29, x30, [sp, #-16]!\n"
		  "	.cfi_def_cfa_offset 16\n"
		  "	.cfi_offset x29, -16\n"
		  "	.cfi_offset x30, -8\n"
		  "	mov x2, x0\n"
		  "	mov x0, x1\n"
		  "	blr x2\n"
		  "	mov x0, #0\n"
		  "qn_operators_caught:\n"
		  "	ldp x29, x30, [sp], #16\n"
		  "	.cfi_restore x29\n"
		  "	.cfi_restore x30\n"
		  "	.cfi_def_cfa_offset 0\n"
		  "	ret\n" TRY_END);
#else
#error "write qn_operators_try() for this processor"
#endif

/* Not for a thread's cancellation or exit: that must go on */
__apart _Unwind_Reason_Code __attribute__((visibility("hidden"), used))
qn_operators_personality(int version, _Unwind_Action actions,
			 _Unwind_Exception_Class class,
			 struct _Unwind_Exception *exception,
			 struct _Unwind_Context *context);

_Unwind_Reason_Code
qn_operators_personality(int version __maybe_unused, _Unwind_Action actions,
			 _Unwind_Exception_Class class __maybe_unused,
			 struct _Unwind_Exception *exception,
			 struct _Unwind_Context *context)
{
	__typeof__(_Unwind_SetGR) *set_gr = symbol_find(SET_GR, nothrow_caller);
	__typeof__(_Unwind_SetIP) *set_ip = symbol_find(SET_IP, nothrow_caller);

	if (actions & _UA_FORCE_UNWIND || !set_gr || !set_ip)
		return _URC_CONTINUE_UNWIND;
	if (actions & _UA_SEARCH_PHASE)
		return _URC_HANDLER_FOUND;
	set_gr(context, __builtin_eh_return_data_regno(0),
	       (uintptr_t)exception);
	set_ip(context, (uintptr_t)qn_operators_caught);
	return _URC_INSTALL_CONTEXT;
}

/* What catch (...) {} compiles to */
static __apart void swallow(struct _Unwind_Exception *exception)
{
	void *(*begin)(void *) = symbol_find(BEGIN_CATCH, nothrow_caller);
	void (*end)(void) = symbol_find(END_CATCH, nothrow_caller);

	if (begin && end) {
		begin(exception);
		end();
	}
}

/**
 * struct request - a throwing operator new to be called by a nothrow one
 * @size:	bytes
 * @align:	alignment, if it is an aligned one
 * @p:		its result
 */
struct request {
	size_t size;
	size_t align;
	void *p;
};

static __apart void *new_nothrow(void (*call)(void *), struct request *r,
				 const void *caller)
{
	const void *outer = nothrow_caller;
	struct _Unwind_Exception *exception;

	nothrow_caller = caller;
	exception = qn_operators_try(call, r);
	if (unlikely(exception))
		swallow(exception);
	nothrow_caller = outer;
	return r->p;
}

static __apart void call_new(void *arg)
{
	struct request *r = arg;

	r->p = _Znwm(r->size);
}

static __apart void call_new_array(void *arg)
{
	struct request *r = arg;

	r->p = _Znam(r->size);
}

static __apart void call_new_align(void *arg)
{
	struct request *r = arg;

	r->p = _ZnwmSt11align_val_t(r->size, r->align);
}

static __apart void call_new_array_align(void *arg)
{
	struct request *r = arg;

	r->p = _ZnamSt11align_val_t(r->size, r->align);
}

void *_ZnwmRKSt9nothrow_t(size_t size, const void *tag __maybe_unused)
{
	struct request r = { .size = size };

	return new_nothrow(call_new, &r, __builtin_return_address(0));
}

void *_ZnamRKSt9nothrow_t(size_t size, const void *tag __maybe_unused)
{
	struct request r = { .size = size };

	return new_nothrow(call_new_array, &r, __builtin_return_address(0));
}

void *_ZnwmSt11align_val_tRKSt9nothrow_t(size_t size, size_t align,
					 const void *tag __maybe_unused)
{
	struct request r = { .size = size, .align = align };

	return new_nothrow(call_new_align, &r, __builtin_return_address(0));
}

void *_ZnamSt11align_val_tRKSt9nothrow_t(size_t size, size_t align,
					 const void *tag __maybe_unused)
{
	struct request r = { .size = size, .align = align };

	return new_nothrow(call_new_array_align, &r,
			   __builtin_return_address(0));
}
