// SPDX-License-Identifier: MIT
/*
 * x-early-locks.c - an ordinary library with a lock, for x-early.sh.
 *
 * It allocates with its lock held and takes the lock around fork(), as
 * libraries do. If its handlers were older than libquern.so's, they would wait
 * for a thread that waits for the heap that fork() holds.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int early_nr_prepare, early_nr_parent, early_nr_child;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void early_churn(void)
{
	pthread_mutex_lock(&lock);
	for (size_t size = 1; size < 1000000; size *= 3)
		free(memset(malloc(size), 1, size));
	pthread_mutex_unlock(&lock);
}

static void prepare(void)
{
	early_nr_prepare++;
	pthread_mutex_lock(&lock);
}

static void parent(void)
{
	early_nr_parent++;
	pthread_mutex_unlock(&lock);
}

static void child(void)
{
	early_nr_child++;
	pthread_mutex_unlock(&lock);
}

static void __attribute__((constructor)) start(void)
{
	if (getenv("X_EARLY_SAYS") && write(1, "locks\n", 6) != 6)
		abort();
	pthread_atfork(prepare, parent, child);
}

int early_is_good(void)
{
	return 1;
}
