/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - what the fuzzers f-*.c share: bytes in, operations out.
 *
 * Each has LLVMFuzzerTestOneInput(), which libFuzzer of clang calls, or fuzz-main.c where that
 * is not to be had. An input is a program: its bytes choose operations and their arguments,
 * and where it ends all is 0. What does not hold stops the program by fuzz_expect().
 */
#ifndef QN_TESTS_FUZZ_H
#define QN_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is left of an input */
struct fuzz_input {
	const uint8_t *at;
	const uint8_t *end;
};

static inline struct fuzz_input fuzz_begin(const uint8_t *data, size_t size)
{
	return (struct fuzz_input){ data, data + size };
}

static inline size_t fuzz_left(const struct fuzz_input *in)
{
	return (size_t)(in->end - in->at);
}

static inline uint32_t fuzz_byte(struct fuzz_input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static inline uint32_t fuzz_u16(struct fuzz_input *in)
{
	uint32_t low = fuzz_byte(in);

	return low | fuzz_byte(in) << 8;
}

static inline uint32_t fuzz_u32(struct fuzz_input *in)
{
	uint32_t low = fuzz_u16(in);

	return low | fuzz_u16(in) << 16;
}

/* From 0 to @n - 1; @n at least 1 */
static inline uint32_t fuzz_pick(struct fuzz_input *in, uint32_t n)
{
	return (n > 256 ? fuzz_u16(in) : fuzz_byte(in)) % n;
}

/* Up to @most, small ones as often as large ones */
static inline size_t fuzz_size(struct fuzz_input *in, size_t most)
{
	uint32_t shift = fuzz_byte(in) % 24;
	size_t size = fuzz_u32(in) >> (23 - shift);

	return size % (most + 1);
}

#define fuzz_expect(cond, ...)                                           \
	do {                                                             \
		if (__builtin_expect(!(cond), 0)) {                      \
			fprintf(stderr, "%s:%d: not so: %s: ", __FILE__, \
				__LINE__, #cond);                        \
			fprintf(stderr, __VA_ARGS__);                    \
			fputc('\n', stderr);                             \
			abort();                                         \
		}                                                        \
	} while (0)

#endif /* QN_TESTS_FUZZ_H */
