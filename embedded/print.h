/* SPDX-License-Identifier: MIT */
/*
 * print.h - formatted output without a C library.
 *
 * For firmware applications and for their host builds alike, so that both print
 * the same bytes. Whoever links it supplies print_write().
 */
#ifndef PRINT_H
#define PRINT_H

#include "base/compiler.h"

enum print_stream {
	PRINT_OUT,
	PRINT_ERR,
};

/* Supplied from outside: console.c on the target, pipeline-host.c elsewhere */
void print_write(enum print_stream to, const char *text, size_t size);

/**
 * print() - to standard output
 * @format:	as printf's, but only d, u, x, s, c and %, with '-', '0' and a width
 *
 * Every number is of 32 bits, int and long alike on the target; so the compiler
 * is not asked to check the format, and the host casts what is wider.
 */
void print(const char *format, ...);

/* The same, to standard error */
void print_error(const char *format, ...);

/**
 * print_to() - format into a buffer
 * @buf:	filled in, not terminated
 * @size:	its bytes; what does not fit is cut off
 *
 * Return: bytes written.
 */
size_t print_to(char *buf, size_t size, const char *format, ...);

#endif /* PRINT_H */
