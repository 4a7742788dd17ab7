// SPDX-License-Identifier: MIT
/*
 * f-local.c - threads' locals: slabs, medium blocks, batches and inboxes, in turns.
 *
 * Links: tests/unit/linuxport.c, lib/process/local*.c, remote.c and all below them.
 *
 * Four locals, of which some are orphans; blocks are allocated in one and freed in any. The
 * model has each block's size and contents. Tables and knobs change, memory is refused, time
 * goes on. At the end all is freed, and nothing is left but memory of quern's own.
 */
#include "process/control.h"
#include "process/local.h"

#include "../unit/linuxport.h"
#include "fuzz.h"

#define NR_BLOCKS 400
#define NR_LOCALS 4

struct block {
	unsigned char *p;
	size_t size;
	unsigned char value;
};

static struct qn_hub hub;
static struct qn_local *locals[NR_LOCALS];
static struct block blocks[NR_BLOCKS];
static struct fuzz_input in;

/* ---- malloc and free, as process.h does it ---- */

static void *object_alloc(struct qn_local *l, size_t size)
{
	void **head, *p;

	if (size > QN_SLAB_MAX)
		return qn_local_medium_alloc(l, size, QN_ALIGN);
	head = &l->front->heads[l->front->map[(size + QN_STEP - 1) / QN_STEP]];
	p = *head;
	if (!p)
		return qn_local_refill(l, size);
	*head = qn_link_get(p);
	return p;
}

static struct qn_unit *unit_of(const void *p)
{
	return qn_segments_find(&hub.segments, p);
}

static void object_free(struct qn_local *l, void *p)
{
	struct qn_unit *u = unit_of(p);

	fuzz_expect(u, "%p is nowhere", p);
	if (u->kind == QN_UNIT_MEDIUM && u->holder == l) {
		qn_local_medium_free(l, u, p);
	} else if (u->owner != l) {
		qn_local_free_remote(l, u, p);
	} else {
		qn_link_push(&u->free, p);
		if (--u->count == 0)
			qn_local_event(l, u);
	}
}

static size_t usable(const void *p)
{
	const struct qn_unit *u = unit_of(p);

	return u->kind == QN_UNIT_MEDIUM ? qn_medium_size(u, p, "usable") :
					   u->osize;
}

/* ---- the model ---- */

static void verify(const struct block *b)
{
	size_t size = b->size;

	fuzz_expect(*b->p == b->value && !memcmp(b->p, b->p + 1, size - 1),
		    "block %p of %zu bytes lost its contents", (void *)b->p,
		    size);
}

static void came(struct block *b, void *p, size_t size)
{
	b->p = p;
	if (!p)
		return;
	b->size = size;
	fuzz_expect(usable(p) >= size, "%zu", size);
	b->value = (unsigned char)(b->value * 5 + 17);
	memset(p, b->value, size);
}

/* A local with a thread; an orphan is adopted, or it is a new one */
static struct qn_local *any_local(void)
{
	struct qn_local **l = &locals[fuzz_pick(&in, NR_LOCALS)];

	if (!*l)
		*l = qn_local_get(&hub);
	return *l;
}

/* ---- operations ---- */

static void alloc(struct qn_local *l, struct block *b)
{
	size_t size = 1 + fuzz_size(&in, QN_MEDIUM_MAX - 1);
	uint32_t align = fuzz_byte(&in);

	if (align >= 240)
		came(b,
		     qn_local_medium_alloc(l, size, (size_t)16 << align % 12),
		     size);
	else
		came(b, object_alloc(l, size), size);
}

static void release(struct qn_local *l, struct block *b)
{
	verify(b);
	object_free(l, b->p);
	b->p = NULL;
}

static void resize(struct qn_local *l, struct block *b)
{
	size_t size = 1 + fuzz_size(&in, QN_MEDIUM_MAX - 1);
	const struct qn_unit *u = unit_of(b->p);

	if (u->kind != QN_UNIT_MEDIUM)
		return;
	verify(b);
	if (!qn_local_medium_resize(l, u, b->p, size))
		return;
	b->size = size < b->size ? size : b->size;
	verify(b);
	came(b, b->p, size);
}

static void retable(void)
{
	static const struct qn_policy *const policies[] = {
		&qn_policy_rule, &qn_policy_fixed,     &qn_policy_bandit,
		&qn_policy_dqn,  &qn_policy_paper_dqn,
	};
	const struct qn_policy *p =
		policies[fuzz_pick(&in, ARRAY_SIZE(policies))];

	qn_port_lock(&hub.learn);
	qn_controller_init(&hub.controller, p);
	qn_port_unlock(&hub.learn);
	qn_hub_table_begin(&hub, p);
}

static void set_knob(void)
{
	const struct qn_conf_knob *k =
		&qn_conf_knobs[fuzz_pick(&in, qn_conf_nr_knobs)];
	struct qn_knobs next = *qn_hub_knobs(&hub);
	size_t value = k->least + fuzz_size(&in, k->most - k->least);

	memcpy((char *)&next + k->offset, &value, sizeof(value));
	qn_port_lock(&hub.learn);
	fuzz_expect(qn_hub_knobs_publish(&hub, &next), "%s", k->key);
	qn_port_unlock(&hub.learn);
}

/* What the helper does in a round */
static void idle(void)
{
	qn_port_lock(&hub.threads);
	for (struct qn_local *l = hub.locals; l; l = l->next)
		qn_local_idle(l);
	qn_port_unlock(&hub.threads);
	qn_segments_purge_old(&hub.segments);
}

static void tend(struct qn_local *l)
{
	switch (fuzz_pick(&in, 8)) {
	case 0:
		retable();
		break;
	case 1:
		set_knob();
		break;
	case 2:
		idle();
		break;
	case 3:
		qn_local_give_all(l);
		break;
	case 4:
		port_refuse(&port.map, fuzz_byte(&in) % 4, fuzz_byte(&in) % 8);
		port_refuse(&port.extend, fuzz_byte(&in) % 4,
			    fuzz_byte(&in) % 8);
		break;
	case 5:
		port_refuse(&port.purge, fuzz_byte(&in) % 4,
			    fuzz_byte(&in) % 8);
		break;
	case 6:
		qn_segments_purge(&hub.segments, fuzz_size(&in, 1 << 24));
		break;
	default:
		port.clock += (u64)fuzz_u16(&in) << fuzz_byte(&in) % 12;
	}
}

/* A thread ends; another may come for what it leaves */
static void end_thread(void)
{
	struct qn_local **l = &locals[fuzz_pick(&in, NR_LOCALS)];

	if (*l)
		qn_local_put(*l);
	*l = NULL;
}

static void check(void)
{
	const char *what;

	for (unsigned int i = 0; i < NR_LOCALS; i++) {
		if (!locals[i])
			continue;
		what = qn_local_check(locals[i]);
		fuzz_expect(!what, "%s", what);
	}
	what = qn_segments_check(&hub.segments);
	fuzz_expect(!what, "%s", what);
}

static void step(void)
{
	struct block *b = &blocks[fuzz_pick(&in, NR_BLOCKS)];
	struct qn_local *l = any_local();

	port.clock += 100;
	if (!l) {
		port_grant_all();
		return;
	}
	switch (fuzz_pick(&in, 32)) {
	case 0:
		tend(l);
		break;
	case 1:
		check();
		break;
	case 2:
		end_thread();
		break;
	case 3:
		qn_local_flush_batch(l);
		break;
	case 4:
		if (b->p)
			resize(l, b);
		break;
	default:
		/* Many of a kind, so that slabs fill and wake */
		for (uint32_t n = fuzz_byte(&in) % 8; n > 0; n--, b++) {
			if (b == blocks + NR_BLOCKS)
				b = blocks;
			if (b->p)
				release(l, b);
			else
				alloc(l, b);
		}
	}
}

/* All is freed, by one thread, and given back */
static void end(void)
{
	struct qn_local *l;
	const char *what;

	port_grant_all();
	port_grant(&port.purge);
	l = any_local();
	fuzz_expect(l, "no local at the end");
	for (unsigned int i = 0; i < NR_BLOCKS; i++)
		if (blocks[i].p)
			release(l, &blocks[i]);
	qn_local_flush_batch(l);
	for (unsigned int i = 0; i < NR_LOCALS; i++) {
		if (locals[i])
			qn_local_put(locals[i]);
		locals[i] = NULL;
	}
	qn_port_lock(&hub.threads);
	for (l = hub.locals; l; l = l->next)
		qn_local_trim(l);
	qn_port_unlock(&hub.threads);
	what = qn_segments_check(&hub.segments);
	fuzz_expect(!what, "%s", what);
	fuzz_expect(hub.ledger.live == 0, "%lld bytes live at the end",
		    (long long)hub.ledger.live);
	fuzz_expect(hub.ledger.large == 0, "%lld bytes of medium blocks live",
		    (long long)hub.ledger.large);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pages[] = { 4096, 16384, 65536 };

	in = fuzz_begin(data, size);
	port_reset(pages[fuzz_pick(&in, 3)]);
	memset(&hub, 0, sizeof(hub));
	memset(blocks, 0, sizeof(blocks));
	memset(locals, 0, sizeof(locals));
	fuzz_expect(!qn_hub_init(&hub), "no hub");
	hub.follow.after = UINT64_MAX;
	while (fuzz_left(&in))
		step();
	end();
	qn_segments_exit(&hub.segments);
	return 0;
}
