/* SPDX-License-Identifier: MIT */
/* What the process has resident, in MB */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static long resident_mb(void)
{
	long size, pages;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%ld %ld", &size, &pages) != 2)
		abort();
	fclose(f);
	return pages * sysconf(_SC_PAGESIZE) >> 20;
}
