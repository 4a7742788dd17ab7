// SPDX-License-Identifier: MIT
/*
 * Blocks cross between a program and a plugin that was opened with RTLD_DEEPBIND,
 * by dlopen() or dlmopen(), or by eight threads at once.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLUGIN "./plugin.so"
#define MODE   (RTLD_NOW | RTLD_DEEPBIND)

static void cross(void *handle)
{
	void (*take)(void *);
	char *(*give)(void);
	char *s;

	if (!handle) {
		puts(dlerror());
		exit(1);
	}
	take = dlsym(handle, "take");
	give = dlsym(handle, "give");
	take(malloc(100));
	s = give();
	puts(s);
	free(s);
}

static void *open_it(void *arg)
{
	void *handle = dlopen(PLUGIN, MODE);

	((void (*)(void *))dlsym(handle, "take"))(malloc(100));
	return arg;
}

static void open_by_threads(void)
{
	pthread_t t[8];

	for (int i = 0; i < 8; i++)
		pthread_create(&t[i], NULL, open_it, NULL);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "dlopen";

	if (!strcmp(how, "threads"))
		open_by_threads();
	if (!strcmp(how, "dlmopen"))
		cross(dlmopen(LM_ID_BASE, PLUGIN, MODE));
	else
		cross(dlopen(PLUGIN, MODE));
	puts("fine");
	return 0;
}
