// SPDX-License-Identifier: MIT
/*
 * weights-file.c - numbers of a C header, in their order; see weights-file.h.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/fail.h"
#include "weights-file.h"

/* The next number of a file; names have no digits */
static s32 number(FILE *in)
{
	int c, sign = 1;
	long n = 0;

	while ((c = getc(in)) != EOF && !isdigit(c))
		sign = c == '-' ? -1 : 1;
	for (; c != EOF && isdigit(c) && n < INT32_MAX; c = getc(in))
		n = n * 10 + c - '0';
	return (s32)(sign * n);
}

static void rows(FILE *in, s8 *to, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		to[i] = (s8)number(in);
}

static void biases(FILE *in, s32 *to, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		to[i] = number(in);
}

static bool find_table(FILE *in)
{
	char line[256];

	while (fgets(line, sizeof(line), in))
		if (strstr(line, "struct qn_network "))
			return true;
	return false;
}

int ev_read_weights(const char *path, struct qn_network *net)
{
	FILE *in = fopen(path, "r");
	bool good;

	if (!in) {
		qn_error("cannot read %s: %s", path, strerror(errno));
		return -ENOENT;
	}
	good = find_table(in);
	rows(in, net->first[0], sizeof(net->first));
	rows(in, net->second[0], sizeof(net->second));
	rows(in, net->third[0], sizeof(net->third));
	biases(in, net->bias_first, QN_NETWORK_HIDDEN);
	biases(in, net->bias_second, QN_NETWORK_HIDDEN);
	biases(in, net->bias_third, QN_NETWORK_RESULTS);
	net->margin = number(in);
	for (u32 i = 0; i < 3; i++)
		net->shift[i] = (u8)number(in);
	good &= !feof(in);
	fclose(in);
	if (good && qn_network_is_valid(net))
		return 0;
	qn_error("%s has no weights of a network", path);
	return -EINVAL;
}
