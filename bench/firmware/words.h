/* SPDX-License-Identifier: MIT */
/*
 * words.h - the key=value words that an image of the benchmark is run with.
 */
#ifndef WORDS_H
#define WORDS_H

#include "base/compiler.h"

/**
 * struct word - a key and where its value goes
 * @key:	its name
 * @number:	filled in with what follows "key=", or NULL
 * @text:	the same for words that are no numbers, or NULL
 * @nr, @max_nr: a word that may be given several times: how often it was, how
 *		often it may be; the first goes to @text[0]. Else NULL and 0
 */
struct word {
	const char *key;
	u32 *number;
	const char **text;
	u32 *nr;
	u32 max_nr;
};

/**
 * words_parse() - read a command line
 * @words:	what is understood
 * @nr:		how many
 * @argc, @argv: as main()'s
 *
 * Return: false, with a message, if a word was not understood.
 */
bool words_parse(const struct word *words, u32 nr, int argc, char **argv);

#endif /* WORDS_H */
