/* SPDX-License-Identifier: MIT */
/*
 * compiler.h - the dialect the rest of lib is written in.
 *
 * Lowest layer: types, attributes, ordered accesses. No state, no code that
 * depends on what quern is.
 */
#ifndef QN_COMPILER_H
#define QN_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/config.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
/* Inlined where speed counts, shared where size does: knob QN_FOR_SIZE */
#if QN_FOR_SIZE
#define __hot_inline inline
#else
#define __hot_inline __always_inline
#endif
#define noinline __attribute__((noinline))
/* One copy where size counts, whatever the compiler thinks */
#if QN_FOR_SIZE
#define __shared noinline
#else
#define __shared
#endif
#define __cold __attribute__((cold))
/* Cold, and away from all that a process runs unasked: see preload/libquern.ld */
#define __apart __attribute__((cold, __noinline__, section(".text.apart")))
/* There too, but not slower for it: few programs call it, and those may do so often */
#define __seldom __attribute__((__noinline__, section(".text.apart")))
/* The same for a function that firmware may not need: a linker drops whole sections */
#define __seldom_as(name) \
	__attribute__((__noinline__, section(".text.apart." name)))
#define __rodata_apart __attribute__((section(".rodata.apart")))
#define __bss_apart    __attribute__((section(".bss.apart")))
#define __noreturn     __attribute__((noreturn))
#define __maybe_unused __attribute__((unused))
#define __weak         __attribute__((weak))
/* newlib's headers have these two already */
#ifndef __packed
#define __packed __attribute__((packed))
#endif
#ifndef __aligned
#define __aligned(n) __attribute__((aligned(n)))
#endif

/* Part of the library's ABI; everything else is hidden (-fvisibility=hidden) */
#define QN_EXPORT __attribute__((visibility("default")))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define min(a, b)                       \
	({                              \
		__typeof__(a) _a = (a); \
		__typeof__(b) _b = (b); \
		_a < _b ? _a : _b;      \
	})
#define max(a, b)                       \
	({                              \
		__typeof__(a) _a = (a); \
		__typeof__(b) _b = (b); \
		_a > _b ? _a : _b;      \
	})

/* @n is a power of two */
#define round_up(x, n)     (((x) + ((n)-1)) & ~((__typeof__(x))(n)-1))
#define round_down(x, n)   ((x) & ~((__typeof__(x))(n)-1))
#define DIV_ROUND_UP(x, n) (((x) + (n)-1) / (n))
#define is_aligned(x, n)   (((x) & ((n)-1)) == 0)
#define is_power_of_2(n)   ((n) != 0 && (((n) & ((n)-1)) == 0))

/*
 * Shared words. READ_ONCE/WRITE_ONCE: relaxed, never torn. An acquire names the
 * release it pairs with in a comment.
 */
#define READ_ONCE(x)            __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)        __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define smp_load_acquire(p)     __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define smp_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)

/*
 * The same by one instruction that changes a word in memory, and of a word at any address,
 * bits of which do not matter: compilers make these of plain accesses alone.
 */
#ifdef __SANITIZE_THREAD__
#define qn_subtract_once(x, n) WRITE_ONCE(x, READ_ONCE(x) - (n))
#define qn_load_any(p)                                              \
	((uintptr_t)(p) % sizeof(size_t) ?                          \
		 (size_t)0 :                                        \
		 __atomic_load_n((const size_t *)(const void *)(p), \
				 __ATOMIC_RELAXED))
#else
#define qn_subtract_once(x, n) ((x) -= (n))

static __always_inline size_t qn_load_any(const void *p)
{
	size_t word;

	__builtin_memcpy(&word, p, sizeof(word));
	return word;
}
#endif

/* Keep a value in one register instead of computing it again */
#define qn_keep(x) __asm__("" : "+r"(x))

/* The same for what a function will return, in the register that it is returned in */
#ifdef __x86_64__
#define qn_keep_result(x) __asm__("" : "+a"(x))
#else
#define qn_keep_result(x) qn_keep(x)
#endif

/* A signal handler of this thread sees what was written before and not what comes after */
#define qn_in_order() __asm__ volatile("" : : : "memory")

/* 1 if the knob is defined to 1, else 0; for use in if () */
#define IS_ENABLED(knob) (knob)

#endif /* QN_COMPILER_H */
