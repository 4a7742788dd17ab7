// SPDX-License-Identifier: MIT
/*
 * pair.c - known numbers of malloc and free pairs, for callgrind to count.
 *
 *	pair SIZE ROUNDS
 *
 * does five patterns with blocks of SIZE bytes, one after the other: a block at a
 * time; LIVE blocks freed in reverse order; in random order; in the order of
 * allocation, but by another thread; a block at a time by C++'s operator new and the
 * delete that is told the size, where there are any. Each goes ROUNDS times over LIVE blocks
 * without being counted, so that the allocator has learned what it learns, and
 * then as often again by way of counted(). With one argument it is a program that
 * allocates one block.
 */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include "count.h"

#define LIVE 1000

static void *(*volatile alloc)(size_t) = malloc;
static void (*volatile release)(void *) = free;

/* C++'s operators, by their mangled names; NULL: there are none */
static void *(*volatile new_plain)(size_t);
static void (*volatile delete_sized)(void *, size_t);

static size_t size, rounds;
static void *blocks[LIVE];
static unsigned short order[LIVE];
static sem_t to_other, to_main;

static APART void single(void)
{
	for (size_t i = 0; i < LIVE; i++)
		release(alloc(size));
}

static APART void lifo(void)
{
	for (size_t i = 0; i < LIVE; i++)
		blocks[i] = alloc(size);
	for (size_t i = LIVE; i > 0; i--)
		release(blocks[i - 1]);
}

static APART void random_order(void)
{
	for (size_t i = 0; i < LIVE; i++)
		blocks[i] = alloc(size);
	for (size_t i = 0; i < LIVE; i++)
		release(blocks[order[i]]);
}

static APART void remote_alloc(void)
{
	for (size_t i = 0; i < LIVE; i++)
		blocks[i] = alloc(size);
}

static APART void remote_free(void)
{
	for (size_t i = 0; i < LIVE; i++)
		release(blocks[i]);
}

static APART void sized(void)
{
	for (size_t i = 0; i < LIVE; i++)
		delete_sized(new_plain(size), size);
}

/* callgrind counts what happens in here */
static APART void counted(void (*pattern)(void))
{
	pattern();
}

static APART void not_counted(void (*pattern)(void))
{
	pattern();
}

/* An order that differs from round to round, the same in each run */
static void shuffle(void)
{
	static unsigned int state = 1;

	for (size_t i = LIVE - 1; i > 0; i--) {
		size_t j;
		unsigned short o = order[i];

		state = state * 1664525 + 1013904223;
		j = (state >> 8) % (i + 1);
		order[i] = order[j];
		order[j] = o;
	}
}

static void run(void (*pattern)(void))
{
	for (size_t r = 0; r < 2 * rounds; r++) {
		shuffle();
		(r < rounds ? not_counted : counted)(pattern);
	}
}

static void *other(void *arg)
{
	for (size_t r = 0; r < 2 * rounds; r++) {
		sem_wait(&to_other);
		(r < rounds ? not_counted : counted)(remote_free);
		sem_post(&to_main);
	}
	return arg;
}

/* The threads take turns, so that this too is the same in each run */
static void run_remote(void)
{
	pthread_t thread;

	sem_init(&to_other, 0, 0);
	sem_init(&to_main, 0, 0);
	if (pthread_create(&thread, NULL, other, NULL)) {
		perror("pair: pthread_create");
		exit(1);
	}
	for (size_t r = 0; r < 2 * rounds; r++) {
		(r < rounds ? not_counted : counted)(remote_alloc);
		sem_post(&to_other);
		sem_wait(&to_main);
	}
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fputs("usage: pair SIZE [ROUNDS]\n", stderr);
		return 2;
	}
	size = strtoul(argv[1], NULL, 10);
	if (argc == 2) {
		release(alloc(size));
		return 0;
	}
	rounds = strtoul(argv[2], NULL, 10);
	for (unsigned short i = 0; i < LIVE; i++)
		order[i] = i;
	run(single);
	run(lifo);
	run(random_order);
	run_remote();
	*(void **)&new_plain = dlsym(RTLD_DEFAULT, "_Znwm");
	*(void **)&delete_sized = dlsym(RTLD_DEFAULT, "_ZdlPvm");
	if (new_plain && delete_sized)
		run(sized);
	return 0;
}
