// SPDX-License-Identifier: MIT
/*
 * subject-engine.c - the engine that the image is built for (-DQN_ENGINE=...).
 *
 * The functions of struct subject load the engine's before they jump there; whoever
 * counts instructions takes direct_subject() instead.
 */
#include "direct.h"
#include "engine/engine.h"

static void *engine_alloc(void *heap, size_t size)
{
	return QN_ENGINE_BUILT.alloc(heap, size);
}

static void *engine_aligned(void *heap, size_t align, size_t size)
{
	return QN_ENGINE_BUILT.aligned(heap, align, size);
}

static void *engine_resize(void *heap, void *p, size_t size)
{
	return QN_ENGINE_BUILT.realloc(heap, p, size);
}

static void engine_free(void *heap, void *p)
{
	QN_ENGINE_BUILT.free(heap, p);
}

static void *engine_init(void *mem, size_t size,
			 const struct subject_setup *setup)
{
	(void)setup;
	return QN_ENGINE_BUILT.init(mem, size);
}

static void engine_look(void *heap, struct subject_view *view)
{
	struct qn_engine_stats st;

	QN_ENGINE_BUILT.stats(heap, &st);
	*view = (struct subject_view){
		.free = st.free,
		.largest = st.largest_free,
		.metadata = st.metadata,
	};
}

static const char *engine_check(void *heap)
{
	return QN_ENGINE_BUILT.check(heap);
}

#define STRING_(name) #name
#define STRING(name)  STRING_(name)

const struct subject subject = {
	.name = STRING(QN_ENGINE),
	.alloc = engine_alloc,
	.alloc_aligned = engine_aligned,
	.resize = engine_resize,
	.free = engine_free,
	.init = engine_init,
	.look = engine_look,
	.check = engine_check,
};

bool direct_subject(struct subject *to)
{
	const struct qn_engine *e = &QN_ENGINE_BUILT;

	*to = subject;
	to->alloc = e->alloc;
	to->alloc_aligned = e->aligned;
	to->resize = e->realloc;
	to->free = e->free;
	to->step = e->step;
	return true;
}
