// SPDX-License-Identifier: MIT
/*
 * read-stats.c - sums the statistics files of one run, program by program.
 *
 * x-programs.sh starts a program with QUERN_CONF=stats:DIR, which leaves a file
 * DIR/PID.qstat per process (lib/format/statspage.h says what is in it). This reader
 * prints a line per program name: allocations, processes, changes of the table,
 * failed requests, name. It uses nothing of the library but that header, so that
 * a test never trusts the code that it tests to read its own figures.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "format/statspage.h"

#define NR_PROGRAMS 64

struct program {
	char name[sizeof(((struct qn_stats_page *)NULL)->exe) + 1];
	unsigned long long nr_allocs;
	unsigned long long nr_changes;
	unsigned long long nr_failed;
	unsigned int nr_processes;
};

static struct program programs[NR_PROGRAMS];
static unsigned int nr_programs;

static struct program *program_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_programs; i++)
		if (!strcmp(programs[i].name, name))
			return &programs[i];
	if (nr_programs == NR_PROGRAMS)
		return NULL;
	strcpy(programs[nr_programs].name, name);
	return &programs[nr_programs++];
}

static int page_add(const struct qn_stats_page *page)
{
	struct program *program;
	char name[sizeof(program->name)] = "";
	unsigned int i;

	memcpy(name, page->exe, sizeof(page->exe));
	program = program_find(name);
	if (!program)
		return -ENOSPC;
	for (i = 0; i < QN_STATS_CLASSES; i++)
		program->nr_allocs += page->classes[i].nr_allocs;
	program->nr_allocs += page->nr_large;
	program->nr_changes += page->nr_changes;
	program->nr_failed += page->nr_failed;
	program->nr_processes++;
	return 0;
}

/* Return: 0, -EAGAIN if the process ended before it filled its page, or -errno */
static int page_read(const char *path, struct qn_stats_page *page)
{
	FILE *f = fopen(path, "rb");
	size_t size;

	if (!f)
		return -errno;
	size = fread(page, 1, sizeof(*page), f);
	fclose(f);
	if (size < sizeof(page->magic) || !page->magic)
		return -EAGAIN;
	if (size != sizeof(*page) || page->magic != QN_STATS_MAGIC ||
	    page->version != QN_STATS_VERSION || page->size != sizeof(*page))
		return -EINVAL;
	return 0;
}

static int file_add(const char *dir, const char *name)
{
	static struct qn_stats_page page;
	const char *dot = strrchr(name, '.');
	char path[4096];
	int ret;

	if (!dot || strcmp(dot, ".qstat"))
		return 0;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ret = page_read(path, &page);
	if (!ret)
		ret = page_add(&page);
	if (ret == -EAGAIN)
		return 0;
	if (ret)
		fprintf(stderr, "read-stats: %s: %s\n", path,
			ret == -EINVAL ?
				"not a statistics file of this version" :
				strerror(-ret));
	return ret;
}

static int dir_add(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int ret = 0;

	if (!dir) {
		fprintf(stderr, "read-stats: %s: %s\n", path, strerror(errno));
		return -errno;
	}
	while ((entry = readdir(dir)) != NULL)
		if (file_add(path, entry->d_name))
			ret = -EIO;
	closedir(dir);
	return ret;
}

int main(int argc, char **argv)
{
	unsigned int i;

	if (argc != 2) {
		fprintf(stderr, "usage: read-stats DIR\n");
		return 2;
	}
	if (dir_add(argv[1]))
		return 1;
	for (i = 0; i < nr_programs; i++)
		printf("%llu %u %llu %llu %s\n", programs[i].nr_allocs,
		       programs[i].nr_processes, programs[i].nr_changes,
		       programs[i].nr_failed, programs[i].name);
	return 0;
}
