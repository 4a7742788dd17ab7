// SPDX-License-Identifier: MIT
/*
 * f.c - see f.h.
 */
#include <string.h>

#include "f.h"
#include "../random.h"

void f_actor_init(struct f_actor *a, const struct f_ops *ops, u32 seed,
		  u32 number)
{
	memset(a, 0, sizeof(*a));
	a->ops = ops;
	a->random = (seed * 8 + number) * 2654435761u;
	a->most = 300;
}

static void fill(struct f_block *b)
{
	for (u32 i = 0; i < b->size; i++)
		b->p[i] = (u8)(b->fill + i * 7);
}

static bool is_filled(const struct f_block *b, u32 size)
{
	for (u32 i = 0; i < size; i++)
		if (b->p[i] != (u8)(b->fill + i * 7))
			return false;
	return true;
}

/* Mostly short ones */
static u32 some_size(struct f_actor *a)
{
	u32 most = random_next(&a->random) % 4 ? 60 : a->most;

	return 1 + random_next(&a->random) % most;
}

static void damage(struct f_actor *a, const char *what)
{
	if (!a->damage)
		a->damage = what;
}

static void get(struct f_actor *a, struct f_block *b)
{
	b->size = some_size(a);
	b->fill = (u8)random_next(&a->random);
	b->p = a->ops->alloc(b->size);
	if (!b->p) {
		a->nr_failed++;
		return;
	}
	if ((uintptr_t)b->p % 8)
		damage(a, "a block is not aligned");
	a->nr_allocs++;
	fill(b);
}

static void put(struct f_actor *a, struct f_block *b)
{
	if (!is_filled(b, b->size))
		damage(a, "a block has changed");
	a->ops->free(b->p);
	a->nr_frees++;
	b->p = NULL;
}

static void resize(struct f_actor *a, struct f_block *b)
{
	u32 size = some_size(a);
	u8 *p = a->ops->resize(b->p, size);

	if (!p) {
		a->nr_failed++;
		return;
	}
	b->p = p;
	if (!is_filled(b, min(b->size, size)))
		damage(a, "a resized block has changed");
	b->size = size;
	fill(b);
}

void f_actor_step(struct f_actor *a)
{
	struct f_block *b = &a->blocks[random_next(&a->random) % F_BLOCKS];

	if (!b->p)
		get(a, b);
	else if (!is_filled(b, b->size))
		damage(a, "a block has changed");
	else if (a->ops->resize && random_next(&a->random) % 4 == 0)
		resize(a, b);
	else
		put(a, b);
}

const char *f_actor_finish(struct f_actor *a)
{
	for (u32 i = 0; i < F_BLOCKS; i++)
		if (a->blocks[i].p)
			put(a, &a->blocks[i]);
	return a->damage;
}

u32 f_actor_nr(const struct f_actor *a)
{
	u32 nr = 0;

	for (u32 i = 0; i < F_BLOCKS; i++)
		nr += a->blocks[i].p != NULL;
	return nr;
}

static u32 number(const char *text)
{
	u32 n = 0;

	while (*text >= '0' && *text <= '9')
		n = 10 * n + (u32)(*text++ - '0');
	return n;
}

u32 f_option(int argc, char **argv, const char *key, u32 otherwise)
{
	size_t n = strlen(key);

	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], key, n) == 0 && argv[i][n] == '=')
			return number(argv[i] + n + 1);
	return otherwise;
}
