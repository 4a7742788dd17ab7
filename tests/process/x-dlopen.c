// SPDX-License-Identifier: MIT
/*
 * x-dlopen.c - a program that is not preloaded and loads the library later.
 *
 * Invariants:
 *  - its thread-local storage fits what the C library keeps for such libraries,
 *    beside others that want some too, and works in threads that were there
 *    before
 *  - loaded locally it does not take malloc's place; its own names work
 *  - it stays when it is closed, since memory and handlers of it are in use
 */
#define _GNU_SOURCE
#include <link.h>
#include <pthread.h>
#include <sys/wait.h>

#include "quern.h"
#include "x.h"

/* What the C library has for late comers is about 1.5 KB, for all together: half of it */
#define TLS_MOST 768

static void *handle;
static __typeof__(qn_malloc) *alloc;
static __typeof__(qn_calloc) *alloc_zeroed;
static __typeof__(qn_realloc) *resize;
static __typeof__(qn_free) *release;
static __typeof__(qn_malloc_usable_size) *usable_size;
static __typeof__(qn_check) *check;

static void churn(void)
{
	char *p[200];

	for (size_t i = 0; i < 200; i++) {
		size_t size = i * i * 3;

		p[i] = i % 2 ? alloc(size) : alloc_zeroed(size, 1);
		CHECK(p[i] && usable_size(p[i]) >= size);
		memset(p[i], (int)i, size);
	}
	for (size_t i = 0; i < 200; i++) {
		size_t size = i * i * 3;

		p[i] = resize(p[i], size + 100);
		CHECK(size == 0 || p[i][size - 1] == (char)i);
		release(p[i]);
	}
}

static pthread_barrier_t loaded;

static void *waits_then_churns(void *arg)
{
	pthread_barrier_wait(&loaded);
	churn();
	return arg;
}

static void load(void)
{
	pthread_t thread;

	pthread_barrier_init(&loaded, NULL, 2);
	pthread_create(&thread, NULL, waits_then_churns, NULL);
	handle = dlopen(x_library(), RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		printf("Bail out! %s\n", dlerror());
		exit(1);
	}
	alloc = (__typeof__(alloc))dlsym(handle, "qn_malloc");
	alloc_zeroed = (__typeof__(alloc_zeroed))dlsym(handle, "qn_calloc");
	resize = (__typeof__(resize))dlsym(handle, "qn_realloc");
	release = (__typeof__(release))dlsym(handle, "qn_free");
	usable_size =
		(__typeof__(usable_size))dlsym(handle, "qn_malloc_usable_size");
	check = (__typeof__(check))dlsym(handle, "qn_check");
	CHECK(alloc && alloc_zeroed && resize && release && usable_size &&
	      check);
	pthread_barrier_wait(&loaded);
	churn();
	pthread_join(thread, NULL);
}

static void *churns(void *arg)
{
	churn();
	return arg;
}

static void in_threads(void)
{
	pthread_t threads[8];

	for (int n = 0; n < 10; n++) {
		for (int i = 0; i < 8; i++)
			pthread_create(&threads[i], NULL, churns, NULL);
		for (int i = 0; i < 8; i++)
			pthread_join(threads[i], NULL);
	}
	CHECK(check() == 0);
}

static void malloc_stays(void)
{
	Dl_info libc, now;

	CHECK(dladdr((void *)fopen, &libc));
	CHECK(dladdr(dlsym(RTLD_DEFAULT, "malloc"), &now));
	CHECK(libc.dli_fbase == now.dli_fbase);
	CHECK(dlsym(handle, "malloc") != dlsym(RTLD_DEFAULT, "malloc"));
}

static int tls_size(struct dl_phdr_info *info, size_t size, void *bytes)
{
	(void)size;
	if (!strstr(info->dlpi_name, "libquern") &&
	    strcmp(info->dlpi_name, x_library()))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_TLS)
			*(size_t *)bytes += info->dlpi_phdr[i].p_memsz;
	return 1;
}

static void tls_is_small(void)
{
	size_t bytes = 0;

	CHECK(dl_iterate_phdr(tls_size, &bytes));
	CHECK(bytes > 0 && bytes <= TLS_MOST);
	printf("# %zu bytes of thread-local storage\n", bytes);
}

static void forks(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		churn();
		_exit(x_failed);
	}
	churn();
	waitpid(pid, &status, 0);
	CHECK(status == 0);
}

static void closing(void)
{
	void *p = alloc(100);

	CHECK(dlclose(handle) == 0);
	release(p);
	churn();
	forks();
	CHECK(dlopen(x_library(), RTLD_NOW | RTLD_LOCAL) == handle);
	churn();
}

static const struct x_case cases[] = {
	{ "loading, with a thread there before", load },
	{ "threads", in_threads },
	{ "malloc stays the C library's", malloc_stays },
	{ "thread-local storage is small", tls_is_small },
	{ "fork", forks },
	{ "closing", closing },
};

int main(int argc, char **argv)
{
	(void)argc;
	x_watchdog(X_SECONDS);
	if (getenv("LD_PRELOAD")) {
		unsetenv("LD_PRELOAD");
		execv("/proc/self/exe", argv);
	}
	return X_RUN(cases);
}
