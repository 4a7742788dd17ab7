/* SPDX-License-Identifier: MIT */
/*
 * engine.h - a complete heap behind one small structure of operations.
 *
 * quern's own heap of one's own, and the systems that it is measured against. All
 * stand above heap.c and know nothing of it, apart from quern.c here, which hands
 * on to it; guest.c and firmware choose one and call it by these names.
 *
 * An engine lies wholly in the memory that it was given, needs nothing but that
 * memory and memcpy(), and takes no lock: calls of one heap must not overlap. A
 * program that breaks the contract of free() is not noticed, as in the systems
 * themselves, but for quern's heap; check() finds what is left of it.
 *
 * None of them counts: what stats() says is found by a walk, so that an engine
 * costs what its algorithm costs.
 */
#ifndef QN_ENGINE_H
#define QN_ENGINE_H

#include "base/compiler.h"
#include "quern.h"

/**
 * struct qn_engine_stats - what a heap holds now, in bytes unless named nr_
 * @size:	memory that it was given
 * @metadata:	of @size, what serves no request: the engine's state and tables,
 *		ends too short to use; not the headers of blocks
 * @live:	blocks in use, as served, with their headers
 * @nr_live:	how many
 * @free:	what is in no block
 * @largest_free: what the longest piece of it could serve in one request, header
 *		included
 *
 * @metadata + @live + @free == @size
 */
struct qn_engine_stats {
	size_t size;
	size_t metadata;
	size_t live;
	size_t nr_live;
	size_t free;
	size_t largest_free;
};

/**
 * struct qn_engine - an allocator
 * @name:	as QUERN_CONF=engine: and the tables have it
 * @about:	half a sentence for a reader
 * @most:	bytes of memory that init() should at most be given, 0 for any number:
 *		an engine that writes all of its tables at the start costs as much
 * @init:	make a heap in memory of any alignment and contents; the handle, which
 *		is the first argument of all others, or NULL if it is too small
 * @alloc:	a block aligned to %QN_ALIGN, also for 0 bytes, or NULL
 * @aligned:	a block aligned to a power of two, or NULL
 * @realloc:	the block with another size, perhaps moved; NULL and nothing has
 *		changed; a NULL block is allocated, 0 bytes are served as 1
 * @free:	give a block back; NULL is fine
 * @usable:	bytes of a block that may be used
 * @step:	work that was put off; 1 if there is, or was, any, else 0. NULL if the
 *		engine puts nothing off. Without it blocks may stay unmerged for longer
 * @stats:	walks the heap
 * @check:	walks the heap; NULL or what is wrong with it
 */
struct qn_engine {
	const char *name;
	const char *about;
	size_t most;
	void *(*init)(void *mem, size_t size);
	void *(*alloc)(void *heap, size_t size);
	void *(*aligned)(void *heap, size_t align, size_t size);
	void *(*realloc)(void *heap, void *p, size_t size);
	void (*free)(void *heap, void *p);
	size_t (*usable)(void *heap, const void *p);
	int (*step)(void *heap);
	void (*stats)(void *heap, struct qn_engine_stats *st);
	const char *(*check)(void *heap);
};

extern const struct qn_engine qn_engine_buddy;
extern const struct qn_engine qn_engine_buddy_fast;
extern const struct qn_engine qn_engine_freelist;
extern const struct qn_engine qn_engine_per_size;
extern const struct qn_engine qn_engine_boundary;
extern const struct qn_engine qn_engine_heap4;
extern const struct qn_engine qn_engine_tlsf;
extern const struct qn_engine qn_engine_quern;

/* All of them, up to NULL. Firmware that names one links no other. */
extern const struct qn_engine *const qn_engines[];

/*
 * The engine of a name, or NULL. In a process, what libquern-engines.so shows:
 * start.c looks for it there.
 */
QN_EXPORT const struct qn_engine *qn_engine_find(const char *name);

/*
 * The engine that firmware was built for: -DQN_ENGINE=buddy_fast, quern if
 * nothing is said.
 */
#ifndef QN_ENGINE
#define QN_ENGINE quern
#endif
#define QN_ENGINE_PASTE_(name) qn_engine_##name
#define QN_ENGINE_PASTE(name)  QN_ENGINE_PASTE_(name)
#define QN_ENGINE_BUILT        QN_ENGINE_PASTE(QN_ENGINE)

#endif /* QN_ENGINE_H */
