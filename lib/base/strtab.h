/* SPDX-License-Identifier: MIT */
/*
 * strtab.h - each string once, under a small number.
 *
 * For names that come again and again in traces and reports. Everything lies in one
 * piece of memory of the caller's: strings grow from its start, each with a
 * terminator; their places grow from its end, one word for each; between them is
 * what is free. Looking up goes through a table of slots, hashed and open, in front
 * of the strings.
 *
 *	slots | strings ->  free  <- places
 */
#ifndef QN_STRTAB_H
#define QN_STRTAB_H

#include "base/compiler.h"

/**
 * struct qn_strtab - the table; copy it or write to it by the functions alone
 * @slots:	number of a string + 1, or 0, by hash
 * @nr_slots:	a power of two, at most half of them are used
 * @text:	the strings
 * @places:	end of the memory: string i starts at @text + @places[-1 - i]
 * @nr:		strings
 * @used:	bytes of @text
 */
struct qn_strtab {
	u32 *slots;
	u32 nr_slots;
	char *text;
	u32 *places;
	u32 nr;
	u32 used;
};

/**
 * qn_strtab_init() - an empty table
 * @t:		filled in
 * @mem:	its memory; aligned to 4, kept until the table is not used any more
 * @size:	bytes; at most 4 GB are used
 * @nr_most:	strings that it should be able to hold
 *
 * Return: 0, or -EINVAL if @size is too small for so many, empty ones even.
 */
int qn_strtab_init(struct qn_strtab *t, void *mem, size_t size, u32 nr_most);

/**
 * qn_strtab_put() - the number of a string, a new one if it is not there yet
 * @t:		the table
 * @text:	its bytes, 0 not among them
 * @size:	how many
 *
 * Constant time on average, besides the bytes of the string.
 *
 * Return: its number, from 0 on in the order of arrival, or -ENOSPC.
 */
long qn_strtab_put(struct qn_strtab *t, const char *text, size_t size);

/* The string of a number, terminated, or NULL if there is none */
const char *qn_strtab_get(const struct qn_strtab *t, u32 nr);

#endif /* QN_STRTAB_H */
