// SPDX-License-Identifier: MIT
/*
 * strtab.c - hashing by FNV-1a, linear probing; strings are never taken out.
 */
#include "base/strtab.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/fnv1a.h"

int qn_strtab_init(struct qn_strtab *t, void *mem, size_t size, u32 nr_most)
{
	u32 nr_slots, *end;
	size_t need;

	size = round_down(min(size, (size_t)UINT32_MAX), sizeof(u32));
	if (!nr_most || nr_most > size / (4 * sizeof(u32)))
		return -EINVAL;
	nr_slots = 4u << qn_ilog2(nr_most);
	need = ((size_t)nr_slots + nr_most) * sizeof(u32) + nr_most;
	if (need > size)
		return -EINVAL;
	end = (u32 *)mem + size / sizeof(u32);
	*t = (struct qn_strtab){
		.slots = mem,
		.nr_slots = nr_slots,
		.text = (char *)((u32 *)mem + nr_slots),
		.places = end,
	};
	memset(t->slots, 0, nr_slots * sizeof(u32));
	return 0;
}

static const char *string(const struct qn_strtab *t, u32 nr)
{
	return t->text + *(t->places - 1 - nr);
}

/* Stops at the end of @s, so nothing behind it is read */
static bool is_same(const char *s, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!s[i] || s[i] != text[i])
			return false;
	return !s[size];
}

/* The slot where the string is, or where it would go */
static u32 *find(const struct qn_strtab *t, const char *text, size_t size)
{
	u32 i = qn_fnv1a(QN_FNV1A_START, text, size);

	for (;; i++) {
		u32 *slot = &t->slots[i & (t->nr_slots - 1)];

		if (!*slot || is_same(string(t, *slot - 1), text, size))
			return slot;
	}
}

static size_t room(const struct qn_strtab *t)
{
	return (size_t)((char *)(t->places - t->nr) - (t->text + t->used));
}

long qn_strtab_put(struct qn_strtab *t, const char *text, size_t size)
{
	u32 *slot = find(t, text, size);

	if (*slot)
		return (long)*slot - 1;
	if (2 * (t->nr + 1) > t->nr_slots || room(t) < sizeof(u32) + 1 ||
	    size > room(t) - sizeof(u32) - 1)
		return -ENOSPC;
	memcpy(t->text + t->used, text, size);
	t->text[t->used + size] = '\0';
	*(t->places - 1 - t->nr) = t->used;
	t->used += (u32)size + 1;
	*slot = ++t->nr;
	return (long)t->nr - 1;
}

const char *qn_strtab_get(const struct qn_strtab *t, u32 nr)
{
	return nr < t->nr ? string(t, nr) : NULL;
}
