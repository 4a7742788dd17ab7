// SPDX-License-Identifier: MIT
/*
 * A program that ends in a signal handler, which may have interrupted malloc() anywhere:
 * what looks damaged then is not.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define NR_CHILDREN 300
#define NR_BLOCKS   300

static void end(int sig)
{
	(void)sig;
	exit(0);
}

static void churn(unsigned int seed)
{
	void *blocks[NR_BLOCKS] = { NULL };

	for (;;) {
		unsigned int n = rand_r(&seed) % NR_BLOCKS;
		size_t size = rand_r(&seed) % (rand_r(&seed) % 4 ? 400 : 40000);

		if (rand_r(&seed) % 4) {
			free(blocks[n]);
			blocks[n] = malloc(size);
		} else {
			blocks[n] = realloc(blocks[n], size + 1);
		}
	}
}

static void child(unsigned int i)
{
	struct itimerval after = { .it_value.tv_usec = 50 + i * 7 % 4000 };

	signal(SIGALRM, end);
	setitimer(ITIMER_REAL, &after, NULL);
	churn(i);
}

int main(void)
{
	int bad = 0;

	for (unsigned int i = 0; i < NR_CHILDREN; i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0)
			child(i);
		waitpid(pid, &status, 0);
		bad += status != 0;
	}
	printf("%d of %d did not end well\n", bad, NR_CHILDREN);
	return 0;
}
