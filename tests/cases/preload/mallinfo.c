// SPDX-License-Identifier: MIT
/*
 * What mallinfo2() says is in use, against what was asked for: after each call, after
 * threads that are gone, and after frees of what threads left behind.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NR 1000

static void *blocks[NR];
static struct mallinfo2 before;

static void begin(void)
{
	before = mallinfo2();
}

static void end(const char *what)
{
	struct mallinfo2 now = mallinfo2();

	printf("%s: %zd in use, %zd mapped in %zd\n", what,
	       now.uordblks - before.uordblks, now.hblkhd - before.hblkhd,
	       now.hblks - before.hblks);
}

static void *fill(void *size)
{
	for (int i = 0; i < NR; i++)
		blocks[i] = malloc((size_t)size);
	return NULL;
}

static void *empty(void *arg)
{
	for (int i = 0; i < NR; i++)
		free(blocks[i]);
	return arg;
}

static void in_thread(void *(*run)(void *), size_t arg)
{
	pthread_t thread;

	pthread_create(&thread, NULL, run, (void *)arg);
	pthread_join(thread, NULL);
}

static void single(size_t size)
{
	char what[40];
	void *p;

	sprintf(what, "malloc of %zu", size);
	begin();
	p = malloc(size);
	end(what);
	free(p);
	sprintf(what, "free of %zu", size);
	end(what);
}

static void churn(void)
{
	for (int i = 0; i < 100000; i++)
		free(malloc(50 + i % 200));
	for (int i = 0; i < 100000; i++)
		free(malloc(i % 40000));
}

int main(void)
{
	setvbuf(stdout, malloc(1024), _IOLBF, 1024);
	/* The C library keeps what the first thread needed */
	in_thread(empty, 0);
	single(100);
	single(1000);
	single(20000);
	single(50000);
	single(10 << 20);
	for (size_t size = 100; size <= 10000; size *= 10) {
		printf("thousands of %zu\n", size);
		begin();
		fill((void *)size);
		end("filled");
		churn();
		end("after churn");
		for (int i = 0; i < NR; i += 2)
			free(blocks[i]);
		end("half");
		for (int i = 1; i < NR; i += 2)
			free(blocks[i]);
		end("none");
		in_thread(fill, size);
		end("left by a thread");
		empty(NULL);
		end("and freed here");
		fill((void *)size);
		in_thread(empty, 0);
		end("freed by a thread");
	}
	return 0;
}
