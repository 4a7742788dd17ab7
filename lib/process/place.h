/* SPDX-License-Identifier: MIT */
/*
 * place.h - which tokens stand for blocks that live long: learned from sampled ones.
 *
 * Compilers give malloc a token for each type (preload/tokens.h). Where blocks of one token
 * outlive all others, they would pin the slabs and chunks that those share with them, so they
 * are to lie apart (process-place.c). Here stands what is known of each token. follow.h tells
 * of sampled blocks, and of their ends; nothing else comes here, and the fast path of a
 * request with a token reads one byte.
 *
 * A token is taken for long-lived when both of these hold:
 *
 *  - its blocks live QN_PLACE_LONGER times as long as those of the rest of the heap. By Little's
 *    law the mean life is bytes in use divided by bytes asked for lately;
 *  - since those of its blocks that are in use were born, as much died as is in use now. All
 *    blocks look long-lived while a program builds what it works on.
 *
 * It is no more when its blocks live half as long as the rest. In a program that frees nothing, or
 * whose blocks live alike, nothing lies apart.
 *
 * Tokens are numbers of any size. They are hashed to QN_PLACES slots: of two in one slot the
 * mean is known.
 */
#ifndef QN_PLACE_H
#define QN_PLACE_H

#include "base/compiler.h"

/* More tell more tokens apart and take 32 bytes each, of programs that have tokens */
#define QN_PLACES 256u
/* Higher: fewer tokens are taken for long-lived ones, and later */
#define QN_PLACE_LONGER 3
/* A heap that never had so many bytes has one place: slabs of two cost more */
#define QN_PLACE_HEAP ((size_t)4 << 20)
/* Bytes between the first samples of a token; after so many twice as many, so many times */
#define QN_PLACE_SAMPLE    ((u32)16 << 10)
#define QN_PLACE_DOUBLE    16u
#define QN_PLACE_DOUBLINGS 3u
/* Blocks of tokens that are followed at once */
#define QN_PLACE_FOLLOWED 512
/*
 * What was asked for is half forgotten after so many bytes, or twice the bytes in use if that
 * is more. Longer remembers more of the last phase of a program.
 */
#define QN_PLACE_MEMORY ((u64)16 << 20)

/**
 * struct qn_place - what is known of a token
 * @live:	bytes in use, as its followed blocks stand for them
 * @births:	sum over them of when they were born, by @dead of the places, times the bytes;
 *		both in pages
 * @born:	bytes asked for lately, as its samples stand for them
 * @nr_live:	followed blocks in use
 * @one_in:	of its samples one in so many, as a power of two, is followed
 * @nr_samples:	so far
 */
struct qn_place {
	u64 live;
	u64 births;
	u64 born;
	u16 nr_live;
	u8 one_in;
	u32 nr_samples;
};

/**
 * struct qn_places - of a process
 * @is_long:	by slot: blocks of its tokens are to lie apart; read without a lock
 * @since:	of the clock of followed blocks, when the past was halved last
 * @born:	bytes asked for until then, as far as they are remembered
 * @dead:	bytes freed so far by the whole heap
 * @nr_live:	followed blocks in use, of all tokens
 * @slot:	guarded by the lock of the followed blocks, like all but @is_long
 */
struct qn_places {
	u8 is_long[QN_PLACES];
	u64 since;
	u64 born;
	u64 dead;
	u32 nr_live;
	struct qn_place slot[QN_PLACES];
};

/* Of this process: apart from all else, since most programs have no tokens */
extern struct qn_places qn_places __attribute__((visibility("hidden")));

/* Fibonacci hashing: small tokens have slots of their own */
static __always_inline unsigned int qn_place_slot(size_t token)
{
	return (unsigned int)((u64)token * 0x9e3779b97f4a7c15u >> 56);
}

static __always_inline bool qn_place_is_long(unsigned int slot)
{
	return READ_ONCE(qn_places.is_long[slot]) != 0;
}

/* The compiler says that tokens of a slot are cold. Where there is evidence, that counts. */
static inline void qn_place_told(unsigned int slot)
{
	if (READ_ONCE(qn_places.slot[slot].nr_samples) < QN_PLACE_DOUBLE)
		WRITE_ONCE(qn_places.is_long[slot], 1);
}

/* Mean bytes between samples of a token: few at first, so that those asked for seldom are known */
static inline u32 qn_place_interval(unsigned int slot)
{
	u32 nr = READ_ONCE(qn_places.slot[slot].nr_samples);

	return QN_PLACE_SAMPLE << min(nr / QN_PLACE_DOUBLE, QN_PLACE_DOUBLINGS);
}

/**
 * qn_place_sample() - a request with a token was sampled
 * @p:		the places
 * @slot:	of the token
 * @bytes:	of requests that it stands for
 * @clock:	bytes asked for of the whole heap so far
 * @heap:	bytes in use of the whole heap
 * @is_worth:	it is large enough for two places
 *
 * Decides whether the token is long-lived.
 *
 * Context: the lock of the followed blocks. Bounded time: QN_PLACES steps now and then.
 * Return: bytes that the block is to stand for if it is followed; 0: it is not to be.
 */
u64 qn_place_sample(struct qn_places *p, unsigned int slot, u64 bytes,
		    u64 clock, u64 heap, bool is_worth);

/**
 * qn_place_live() - a followed block is in use, or is freed
 * @p:		the places
 * @slot:	of its token
 * @bytes:	that it stands for; negative: it is freed
 * @dead:	of the places when it was born
 *
 * Context: as above.
 */
static inline void qn_place_live(struct qn_places *p, unsigned int slot,
				 s64 bytes, u64 dead)
{
	struct qn_place *s = &p->slot[slot];

	s->live += (u64)bytes;
	s->births += (u64)(bytes / 4096) * (dead / 4096);
	s->nr_live = (u16)(s->nr_live + (bytes < 0 ? -1 : 1));
	p->nr_live = bytes < 0 ? p->nr_live - 1 : p->nr_live + 1;
}

#endif /* QN_PLACE_H */
