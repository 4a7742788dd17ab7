// SPDX-License-Identifier: MIT
/*
 * workload-firmware.c - what else runs on a microcontroller: a network stack, a
 * small interpreter, a key-value store, documents parsed into trees.
 *
 * Sizes are those of such programs on a 32-bit machine.
 */
#include "workload.h"

/* Slots in the order in which they are to be used or freed */
struct line {
	u32 first;
	u32 nr;
	u16 slots[4096];
};

static bool is_full(const struct line *l)
{
	return l->nr == ARRAY_SIZE(l->slots);
}

static u16 *slot_at(struct line *l, u32 i)
{
	return &l->slots[(l->first + i) % ARRAY_SIZE(l->slots)];
}

static void append(struct line *l, u16 slot)
{
	*slot_at(l, l->nr++) = slot;
}

static u16 take_first(struct line *l)
{
	u16 slot = *slot_at(l, 0);

	l->first = (l->first + 1) % ARRAY_SIZE(l->slots);
	l->nr--;
	return slot;
}

static u16 take_last(struct line *l)
{
	return *slot_at(l, --l->nr);
}

static u16 take_any(struct line *l, struct rng *rng)
{
	u32 i = rng_range(rng, 0, l->nr - 1);
	u16 slot = *slot_at(l, i);

	*slot_at(l, i) = *slot_at(l, l->nr - 1);
	l->nr--;
	return slot;
}

static void free_all(struct writer *w, struct line *l)
{
	while (l->nr)
		writer_free(w, take_first(l));
}

/* ---- a network stack ---- */

#define NR_CONNECTIONS 8

#define PBUF_BYTES    16   /* what describes a buffer */
#define FRAME_BYTES   1520 /* a receive buffer of a whole frame */
#define PCB_BYTES     168  /* a connection's state */
#define SEGMENT_BYTES 20   /* what waits for an acknowledgement */
#define TIMER_BYTES   16
#define NAME_MIN      40 /* a resolved name */
#define NAME_MAX      120

/**
 * struct connection - one peer
 * @pcb:	its state, a slot
 * @is_open:	it has one
 * @received:	buffers that the application has not read
 * @sent:	segments and buffers that the peer has not acknowledged
 */
struct connection {
	u16 pcb;
	bool is_open;
	struct line received;
	struct line sent;
};

struct network {
	struct connection connections[NR_CONNECTIONS];
	struct line timers;
	struct line names;
};

static u32 payload(struct rng *rng)
{
	u32 kind = rng_range(rng, 0, 9);

	if (kind < 5)
		return rng_range(rng, 1, 96);
	if (kind < 8)
		return rng_range(rng, 97, 600);
	return 1460;
}

/* A frame comes in: a whole buffer for a long one, its own length otherwise */
static void receive(struct writer *w, struct rng *rng, struct connection *c)
{
	u32 size = payload(rng) + 54;

	size = size > 700 ? FRAME_BYTES : size;
	if (!writer_has_room(w, size + PBUF_BYTES) || is_full(&c->received))
		return;
	append(&c->received, writer_alloc(w, PBUF_BYTES));
	append(&c->received, writer_alloc(w, size));
}

static void transmit(struct writer *w, struct rng *rng, struct connection *c)
{
	u32 size = payload(rng) + PBUF_BYTES + 54;

	if (!writer_has_room(w, size + SEGMENT_BYTES) || is_full(&c->sent))
		return;
	append(&c->sent, writer_alloc(w, SEGMENT_BYTES));
	append(&c->sent, writer_alloc(w, size));
}

static void take_some(struct writer *w, struct rng *rng, struct line *l)
{
	u32 nr = 2 * rng_range(rng, 1, 6);

	for (; nr > 0 && l->nr > 0; nr--)
		writer_free(w, take_first(l));
}

static void toggle_open(struct writer *w, struct connection *c)
{
	if (c->is_open) {
		free_all(w, &c->received);
		free_all(w, &c->sent);
		writer_free(w, c->pcb);
		c->is_open = false;
	} else if (writer_has_room(w, PCB_BYTES)) {
		c->pcb = writer_alloc(w, PCB_BYTES);
		c->is_open = true;
	}
}

static void tend_timers(struct writer *w, struct rng *rng, struct network *n)
{
	if (n->timers.nr < 24)
		append(&n->timers, writer_alloc(w, TIMER_BYTES));
	else
		writer_free(w, take_any(&n->timers, rng));
	if (!rng_one_in(rng, 8))
		return;
	if (n->names.nr < 40)
		append(&n->names,
		       writer_alloc(w, rng_range(rng, NAME_MIN, NAME_MAX)));
	else
		writer_free(w, take_any(&n->names, rng));
}

static void tend_connection(struct writer *w, struct rng *rng,
			    struct connection *c)
{
	if (!c->is_open || rng_one_in(rng, 400)) {
		toggle_open(w, c);
		return;
	}
	switch (rng_range(rng, 0, 7)) {
	case 0 ... 2:
		receive(w, rng, c);
		break;
	case 3 ... 4:
		transmit(w, rng, c);
		break;
	case 5:
		take_some(w, rng, &c->received);
		break;
	case 6:
		take_some(w, rng, &c->sent);
		break;
	default:
		break;
	}
}

void workload_network(struct writer *w, u32 seed)
{
	static struct network n;
	struct rng rng;

	rng_init(&rng, seed);
	n = (struct network){ 0 };
	while (!writer_is_done(w)) {
		u32 i = rng_range(&rng, 0, NR_CONNECTIONS - 1);

		tend_connection(w, &rng, &n.connections[i]);
		if (rng_one_in(&rng, 6))
			tend_timers(w, &rng, &n);
	}
}

/* ---- an interpreter ---- */

#define CONS_BYTES 12
#define MAX_DEPTH  40

/**
 * struct interpreter - a program at work
 * @code:	compiled functions, there for good
 * @globals:	table of names, grows by doubling; a slot
 * @nr_globals:	its entries
 * @values:	what globals hold
 * @depth:	calls now
 * @frames:	environment of each call, a slot
 * @temps:	values of each call that die with it
 */
struct interpreter {
	struct line code;
	u16 globals;
	u32 nr_globals;
	struct line values;
	u32 depth;
	u16 frames[MAX_DEPTH];
	struct line temps[MAX_DEPTH];
};

static u32 value_size(struct rng *rng)
{
	u32 kind = rng_range(rng, 0, 9);

	if (kind < 5)
		return CONS_BYTES;
	if (kind < 7)
		return 8;
	if (kind < 9)
		return 13 + rng_range(rng, 0, 40); /* a string */
	return 16 + 8 * rng_range(rng, 1, 16);     /* a vector */
}

static void start_program(struct writer *w, struct rng *rng,
			  struct interpreter *in)
{
	while (w->live < w->budget / 4)
		append(&in->code, writer_alloc(w, rng_range(rng, 40, 900)));
	in->nr_globals = 16;
	in->globals = writer_alloc(w, 8 * in->nr_globals);
}

static void set_global(struct writer *w, struct rng *rng,
		       struct interpreter *in)
{
	u32 size = value_size(rng);

	if (in->values.nr > 800 || !writer_has_room(w, size)) {
		writer_free(w, take_any(&in->values, rng));
		return;
	}
	append(&in->values, writer_alloc(w, size));
	if (in->values.nr > in->nr_globals &&
	    writer_has_room(w, 8 * in->nr_globals)) {
		in->nr_globals *= 2;
		writer_resize(w, in->globals, 8 * in->nr_globals);
	}
}

static void enter(struct writer *w, struct rng *rng, struct interpreter *in)
{
	u32 size = 20 + 4 * rng_range(rng, 0, 10);

	if (in->depth == MAX_DEPTH || !writer_has_room(w, size))
		return;
	in->frames[in->depth++] = writer_alloc(w, size);
}

/* Temporary values die in the reverse order, most of the time */
static void leave(struct writer *w, struct rng *rng, struct interpreter *in)
{
	struct line *temps;

	if (!in->depth)
		return;
	temps = &in->temps[--in->depth];
	while (temps->nr)
		writer_free(w, rng_one_in(rng, 8) ? take_any(temps, rng) :
						    take_last(temps));
	writer_free(w, in->frames[in->depth]);
}

static void compute(struct writer *w, struct rng *rng, struct interpreter *in)
{
	struct line *temps;
	u32 size = value_size(rng);

	if (!in->depth)
		return;
	temps = &in->temps[in->depth - 1];
	if (temps->nr > 60 || !writer_has_room(w, size)) {
		if (temps->nr)
			writer_free(w, take_last(temps));
		return;
	}
	append(temps, writer_alloc(w, size));
}

/* A string is put together: it grows while pieces of it come and go */
static void concatenate(struct writer *w, struct rng *rng)
{
	u32 size = rng_range(rng, 8, 24);
	u16 piece, string = writer_alloc(w, size);

	for (u32 i = rng_range(rng, 2, 20); i > 0; i--) {
		u32 more = rng_range(rng, 1, 30);

		if (!writer_has_room(w, more + 64))
			break;
		piece = writer_alloc(w, 13 + more);
		size += more;
		writer_resize(w, string, size);
		writer_free(w, piece);
	}
	writer_free(w, string);
}

static void interpret(struct writer *w, struct rng *rng, struct interpreter *in)
{
	switch (rng_range(rng, 0, 19)) {
	case 0 ... 1:
		enter(w, rng, in);
		break;
	case 2 ... 3:
		leave(w, rng, in);
		break;
	case 4 ... 5:
		set_global(w, rng, in);
		break;
	case 6:
		concatenate(w, rng);
		break;
	default:
		compute(w, rng, in);
		break;
	}
}

void workload_interpreter(struct writer *w, u32 seed)
{
	static struct interpreter in;
	struct rng rng;

	rng_init(&rng, seed);
	in = (struct interpreter){ 0 };
	start_program(w, &rng, &in);
	while (!writer_is_done(w))
		interpret(w, &rng, &in);
}

/* ---- a key-value store ---- */

#define MAX_KEYS    500
#define ENTRY_BYTES 24

/**
 * struct pair - an entry of the store: three blocks
 */
struct pair {
	u16 entry;
	u16 key;
	u16 value;
};

static u32 new_value(struct rng *rng)
{
	if (rng_one_in(rng, 12))
		return rng_range(rng, 200, 1500);
	return rng_range(rng, 4, 120);
}

static void add_pair(struct writer *w, struct rng *rng, struct pair *p)
{
	p->entry = writer_alloc(w, ENTRY_BYTES);
	p->key = writer_alloc(w, rng_range(rng, 6, 40));
	p->value = writer_alloc(w, new_value(rng));
}

static void del_pair(struct writer *w, struct pair *p)
{
	writer_free(w, p->value);
	writer_free(w, p->key);
	writer_free(w, p->entry);
}

/* Append to a value, or replace it */
static void change_pair(struct writer *w, struct rng *rng, struct pair *p)
{
	u32 old = w->sizes[p->value];
	u32 size = rng_one_in(rng, 3) ? new_value(rng) :
					old + rng_range(rng, 1, 40);

	if (size > 1800)
		size = rng_range(rng, 4, 60);
	if (size <= old || writer_has_room(w, size - old))
		writer_resize(w, p->value, size);
}

void workload_store(struct writer *w, u32 seed)
{
	static struct pair pairs[MAX_KEYS];
	struct rng rng;
	u32 nr = 0;

	rng_init(&rng, seed);
	while (!writer_is_done(w)) {
		u32 i = nr ? rng_range(&rng, 0, nr - 1) : 0;
		bool is_full = nr == MAX_KEYS || !writer_has_room(w, 1600);

		if (nr && rng_one_in(&rng, 2)) {
			change_pair(w, &rng, &pairs[i]);
		} else if (!is_full && !(nr && rng_one_in(&rng, 3))) {
			add_pair(w, &rng, &pairs[nr++]);
		} else if (nr) {
			del_pair(w, &pairs[i]);
			pairs[i] = pairs[--nr];
		}
	}
}

/* ---- documents ---- */

#define NR_DOCUMENTS 6
#define VALUE_BYTES  16

/* A text, and buffers that grow while it is read, then are kept or dropped */
static void parse_value(struct writer *w, struct rng *rng, struct line *doc,
			u32 depth)
{
	u32 kind = rng_range(rng, 0, depth > 4 ? 6 : 9);
	u32 room = 4;
	u16 items;

	if (is_full(doc) || !writer_has_room(w, 200))
		return;
	append(doc, writer_alloc(w, VALUE_BYTES));
	if (kind < 4)
		return; /* a number */
	if (kind < 7) {
		append(doc, writer_alloc(w, rng_range(rng, 2, 60)));
		return;
	}
	items = writer_alloc(w, 4 * room);
	append(doc, items);
	for (u32 i = 0, nr = rng_range(rng, 0, 18); i < nr; i++) {
		if (i == room) {
			if (is_full(doc) || !writer_has_room(w, 8 * room))
				return;
			room *= 2;
			writer_resize(w, items, 4 * room);
		}
		if (kind == 9 && !is_full(doc) && writer_has_room(w, 24))
			append(doc, writer_alloc(w, rng_range(rng, 3, 20)));
		parse_value(w, rng, doc, depth + 1);
	}
}

void workload_trees(struct writer *w, u32 seed)
{
	static struct line docs[NR_DOCUMENTS];
	struct rng rng;

	rng_init(&rng, seed);
	for (u32 i = 0; i < NR_DOCUMENTS; i++)
		docs[i] = (struct line){ 0 };
	while (!writer_is_done(w)) {
		struct line *doc = &docs[rng_range(&rng, 0, NR_DOCUMENTS - 1)];

		if (doc->nr)
			free_all(w, doc);
		else
			parse_value(w, &rng, doc, 0);
	}
}
