// SPDX-License-Identifier: MIT
/*
 * masked-main.c - for how long the heap masks interrupts, on this image's subject:
 * the heap as built with QN_LOCK_IRQ.
 *
 *	trace=FILE	a trace to replay; more than once for several
 *	step=N		operations between two steps of the subject
 *	heap=BYTES
 *
 * Counted from the return of the lock to the call of the unlock; the two themselves add
 * less than ten instructions. Their calls, and those of the heap's functions, come here
 * first by the linker's --wrap.
 */
#include "board.h"
#include "port/port.h"
#include "print.h"
#include "quern.h"
#include "replay.h"
#include "words.h"

#define STATUS_OK    0
#define STATUS_BAD   1
#define STATUS_USAGE 2

#define MAX_TRACES 16

static const char *const kind_names[NR_GAUGE_KINDS] = {
	"malloc", "free", "realloc", "memalign", "step",
};

/**
 * struct masked - what was seen
 * @counter:	counts instructions
 * @kind:	what called the heap; NR_GAUGE_KINDS: something that is not told apart
 * @since:	when the mask was set
 * @empty:	what a section is found to have that does nothing
 * @max:	the longest sections, in instructions
 * @nr:		sections
 */
struct masked {
	struct counter counter;
	u32 kind;
	u32 since;
	u32 empty;
	u32 max[NR_GAUGE_KINDS + 1];
	u32 nr[NR_GAUGE_KINDS + 1];
};

/* Outside of .bss, which each run of a trace puts back */
static struct masked *masked;

void __real_qn_port_lock(struct qn_lock *lock);
void __real_qn_port_unlock(struct qn_lock *lock);
void __wrap_qn_port_lock(struct qn_lock *lock);
void __wrap_qn_port_unlock(struct qn_lock *lock);

void __wrap_qn_port_lock(struct qn_lock *lock)
{
	__real_qn_port_lock(lock);
	masked->since = masked->counter.read();
}

void __wrap_qn_port_unlock(struct qn_lock *lock)
{
	u32 took = counter_units(&masked->counter, masked->since,
				 masked->counter.read());

	masked->max[masked->kind] = max(masked->max[masked->kind], took);
	masked->nr[masked->kind]++;
	__real_qn_port_unlock(lock);
}

/* A function of the heap, with its kind noted while it runs */
#define NOTED(kind_, type, name, params, args) \
	type __real_##name params;             \
	type __wrap_##name params;             \
	type __wrap_##name params              \
	{                                      \
		type result;                   \
                                               \
		masked->kind = kind_;          \
		result = __real_##name args;   \
		masked->kind = NR_GAUGE_KINDS; \
		return result;                 \
	}

NOTED(GAUGE_ALLOC, void *, qn_heap_alloc, (struct qn_heap * h, size_t size),
      (h, size))
NOTED(GAUGE_ALIGNED, void *, qn_heap_alloc_aligned,
      (struct qn_heap * h, size_t align, size_t size), (h, align, size))
NOTED(GAUGE_RESIZE, void *, qn_heap_realloc,
      (struct qn_heap * h, void *p, size_t size), (h, p, size))
NOTED(GAUGE_STEP, int, qn_heap_step, (struct qn_heap * h), (h))

void __real_qn_heap_free(struct qn_heap *h, void *p);
void __wrap_qn_heap_free(struct qn_heap *h, void *p);

void __wrap_qn_heap_free(struct qn_heap *h, void *p)
{
	masked->kind = GAUGE_FREE;
	__real_qn_heap_free(h, p);
	masked->kind = NR_GAUGE_KINDS;
}

static bool start(struct image *image)
{
	struct qn_lock lock = { 0 };

	masked = image_get(image, sizeof(*masked));
	masked->kind = NR_GAUGE_KINDS;
	board_counter_init(&masked->counter);
	if (!masked->counter.read)
		return false;
	__wrap_qn_port_lock(&lock);
	__wrap_qn_port_unlock(&lock);
	masked->empty = masked->max[NR_GAUGE_KINDS];
	return true;
}

static int replay_all(struct replay *r, const char **paths, u32 nr, u32 heap)
{
	for (u32 i = 0; i < nr; i++) {
		if (!replay_load(r, paths[i]))
			return STATUS_USAGE;
		if (!replay_run(r, min(heap, r->arena_size))) {
			print_error("%s: %s\n", paths[i],
				    r->error ? r->error : "does not complete");
			return STATUS_BAD;
		}
	}
	return STATUS_OK;
}

int main(int argc, char **argv)
{
	u32 heap = 131072, step = 64, nr_paths = 0;
	const char *paths[MAX_TRACES];
	const struct word words[] = {
		{ "heap", .number = &heap },
		{ "step", .number = &step },
		{ "trace", .text = paths, .nr = &nr_paths,
		  .max_nr = MAX_TRACES },
	};
	struct image image;
	struct replay r;
	int status;

	if (!words_parse(words, ARRAY_SIZE(words), argc, argv))
		return STATUS_USAGE;
	if (!nr_paths) {
		print_error("no trace given: trace=FILE\n");
		return STATUS_USAGE;
	}
	image_init(&image);
	if (!start(&image) || !replay_init(&r, &image)) {
		print_error("no counter of instructions here: run it by "
			    "run-qemu.sh -m mps2\n");
		return STATUS_USAGE;
	}
	r.setup.can_hold = true;
	r.step_every = step;
	status = replay_all(&r, paths, nr_paths, heap);
	for (u32 i = 0; i < NR_GAUGE_KINDS && status == STATUS_OK; i++)
		if (masked->nr[i])
			print("%s.max=%u\n", kind_names[i],
			      masked->max[i] - masked->empty);
	return status;
}
