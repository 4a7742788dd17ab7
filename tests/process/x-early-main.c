// SPDX-License-Identifier: MIT
/*
 * x-early-main.c - the program that x-early.sh runs in several surroundings.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "x.h"

/* Of the library that it is linked with, and of one that may be in front */
extern int early_nr_prepare, early_nr_parent, early_nr_child;
int early_is_good(void);
void early_churn(void);
extern int interpose_nr __attribute__((weak));

static _Atomic int stop;

static void *churns(void *arg)
{
	while (!stop)
		early_churn();
	return arg;
}

static void forks(void)
{
	for (int i = 1; i <= 30; i++) {
		int status = -1;
		pid_t pid = fork();

		if (pid == 0) {
			CHECK(early_nr_child == 1);
			free(malloc(1000));
			_exit(x_failed);
		}
		CHECK(waitpid(pid, &status, 0) == pid && status == 0);
		CHECK(early_nr_prepare == i && early_nr_parent == i);
	}
}

static void forks_with_threads(void)
{
	pthread_t threads[2];

	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, churns, NULL);
	forks();
	stop = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	x_watchdog(30);
	CHECK(dlsym(RTLD_DEFAULT, "qn_malloc"));
	CHECK(early_is_good());
	forks_with_threads();
	if (argc > 1 && !strcmp(argv[1], "interposed"))
		CHECK(&interpose_nr && interpose_nr > 1000);
	return x_failed;
}
