// SPDX-License-Identifier: MIT
/*
 * late.c - loads one library that takes thread-local storage, then libquern.so, and uses both
 * from two threads. Exit status: 3 and the loader's words where it refuses.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *(*alloc)(size_t);
static void (*release)(void *);

static void *load(const char *name)
{
	void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);

	if (!handle) {
		fprintf(stderr, "late: %s\n", dlerror());
		exit(3);
	}
	return handle;
}

static void *churn(void *arg)
{
	void *p[100];

	for (int i = 0; i < 100; i++) {
		p[i] = alloc((size_t)i * 50 + 1);
		if (!p[i])
			exit(1);
		memset(p[i], i, (size_t)i * 50 + 1);
	}
	for (int i = 0; i < 100; i++)
		release(p[i]);
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t t;
	void *quern;

	if (argc != 3)
		return 2;
	load(argv[1]);
	quern = load(argv[2]);
	alloc = (void *(*)(size_t))dlsym(quern, "qn_malloc");
	release = (void (*)(void *))dlsym(quern, "qn_free");
	if (!alloc || !release || pthread_create(&t, NULL, churn, NULL))
		return 1;
	churn(NULL);
	pthread_join(t, NULL);
	puts("right");
	return 0;
}
