// SPDX-License-Identifier: MIT
/*
 * x-late-main.c - the C program that x-late.sh runs.
 *
 *	main local|global PLUGIN	load a plug-in and have it test itself
 *	main local|global PLUGIN plain	the same without a new_handler
 *	main nothrow|new		call operators new by name, without C++
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/resource.h>

#include "x.h"

static int run_plugin(const char *scope, const char *path, int with_handler)
{
	int flag = !strcmp(scope, "global") ? RTLD_GLOBAL : RTLD_LOCAL;
	void *handle = dlopen(path, RTLD_NOW | flag);
	int (*test)(int);

	if (!handle) {
		printf("# %s\n", dlerror());
		return 1;
	}
	test = (int (*)(int))dlsym(handle, "plugin_test");
	return test ? test(with_handler) : 1;
}

static int run_nothrow(void)
{
	void *(*new)(size_t, const void *) =
		(void *(*)(size_t, const void *))dlsym(RTLD_DEFAULT,
						       "_ZnwmRKSt9nothrow_t");
	void (*delete)(void *) =
		(void (*)(void *))dlsym(RTLD_DEFAULT, "_ZdlPv");
	char tag = 0;
	void *p = new (100, &tag);

	CHECK(p);
	delete (p);
	CHECK(!new (x_size(SIZE_MAX - 100), &tag));
	return x_failed;
}

static int run_new(void)
{
	void *(*new)(size_t) = (void *(*)(size_t))dlsym(RTLD_DEFAULT, "_Znwm");
	struct rlimit no_core = { 0, 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	return new (x_size(SIZE_MAX - 100)) != NULL;
}

int main(int argc, char **argv)
{
	if (argc >= 3)
		return run_plugin(argv[1], argv[2], argc == 3);
	if (argc == 2 && !strcmp(argv[1], "nothrow"))
		return run_nothrow();
	if (argc == 2 && !strcmp(argv[1], "new"))
		return run_new();
	return 2;
}
