// SPDX-License-Identifier: MIT
/*
 * print.c - text put together by hand; see print.h.
 */
#include "format/print.h"

static __apart void put(struct qn_print *p, char c)
{
	if (p->left < 2)
		return;
	*p->at++ = c;
	*p->at = '\0';
	p->left--;
}

__apart void qn_print(struct qn_print *p, const char *text)
{
	while (*text)
		put(p, *text++);
}

__apart void qn_print_number(struct qn_print *p, u64 n)
{
	char digits[20];
	unsigned int nr = 0;

	do
		digits[nr++] = (char)('0' + n % 10);
	while (n /= 10);
	while (nr)
		put(p, digits[--nr]);
}

__apart void qn_print_pointer(struct qn_print *p, const void *pointer)
{
	uintptr_t v = (uintptr_t)pointer;
	unsigned int digits = 1;

	while (digits < 2 * sizeof(v) && v >> (4 * digits))
		digits++;
	qn_print(p, "0x");
	while (digits-- > 0)
		put(p, "0123456789abcdef"[(v >> (4 * digits)) & 15]);
}

__apart void qn_print_micro(struct qn_print *p, u64 n)
{
	u64 part = n % 1000000;

	qn_print_number(p, n / 1000000);
	if (!part)
		return;
	put(p, '.');
	for (u64 digit = 100000; part; digit /= 10) {
		put(p, (char)('0' + part / digit));
		part %= digit;
	}
}

__apart void qn_print_size(struct qn_print *p, u64 bytes)
{
	static const char units[] __rodata_apart = "KMGTPE";
	unsigned int unit = 0;

	if (bytes < 1024) {
		qn_print_number(p, bytes);
		qn_print(p, " B");
		return;
	}
	for (; bytes >= 1024 * 1024 && units[unit + 1]; bytes /= 1024)
		unit++;
	qn_print_number(p, bytes / 1024);
	put(p, '.');
	qn_print_number(p, bytes % 1024 * 10 / 1024);
	put(p, ' ');
	put(p, units[unit]);
	qn_print(p, "iB");
}

__apart void qn_print_finding(struct qn_print *p, const char *where,
			      const void *pointer, const char *what)
{
	qn_print(p, "quern: ");
	qn_print(p, where);
	qn_print(p, "(");
	qn_print_pointer(p, pointer);
	qn_print(p, "): ");
	qn_print(p, what);
}

__apart void qn_print_path(struct qn_print *p, const char *path, u32 pid)
{
	for (; *path; path++) {
		if (path[0] != '%' || path[1] != 'p') {
			put(p, *path);
			continue;
		}
		qn_print_number(p, pid);
		path++;
	}
}
