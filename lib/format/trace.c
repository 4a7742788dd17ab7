// SPDX-License-Identifier: MIT
/*
 * trace.c - blocks of a trace, event by event.
 */
#include "format/trace.h"

#include <errno.h>
#include <string.h>

#include "base/crc32.h"

u32 qn_trace_crc32(u32 sum, const void *p, size_t size)
{
	return qn_crc32(sum, p, size);
}

/* ---- fixed fields, little endian ---- */

static void put16(u8 *to, u16 v)
{
	to[0] = (u8)v;
	to[1] = (u8)(v >> 8);
}

static void put32(u8 *to, u32 v)
{
	put16(to, (u16)v);
	put16(to + 2, (u16)(v >> 16));
}

static void put64(u8 *to, u64 v)
{
	put32(to, (u32)v);
	put32(to + 4, (u32)(v >> 32));
}

static u16 get16(const u8 *from)
{
	return (u16)(from[0] | from[1] << 8);
}

static u32 get32(const u8 *from)
{
	return get16(from) | (u32)get16(from + 2) << 16;
}

static u64 get64(const u8 *from)
{
	return get32(from) | (u64)get32(from + 4) << 32;
}

void qn_trace_put_header(u8 *to, u32 ns, u32 features)
{
	memset(to, 0, QN_TRACE_HEADER);
	memcpy(to, QN_TRACE_MAGIC, 8);
	put16(to + 8, features ? QN_TRACE_VERSION : 1);
	put32(to + 12, ns);
	put32(to + 16, features);
	put32(to + 28, qn_trace_crc32(0, to, 28));
}

int qn_trace_get_header(const u8 *from, u32 *ns, u32 *features)
{
	static const char magic[] = QN_TRACE_MAGIC;

	for (unsigned int i = 0; i < 8; i++)
		if (from[i] != (u8)magic[i])
			return -EINVAL;
	if (!get16(from + 8) || get16(from + 8) > QN_TRACE_VERSION)
		return -ENOTSUP;
	*ns = get32(from + 12);
	*features = get16(from + 8) == 1 ? 0 : get32(from + 16);
	if (get32(from + 28) != qn_trace_crc32(0, from, 28))
		return -EBADMSG;
	return *features & ~QN_TRACE_FEATURES ? -ENOTSUP : 0;
}

void qn_trace_put_head(u8 *to, const struct qn_trace_head *head)
{
	put32(to, QN_TRACE_BLOCK_MAGIC);
	put32(to + 8, head->size);
	put32(to + 12, head->sum);
	put32(to + 16, head->nr);
	put16(to + 20, head->kind);
	put16(to + 22, head->flags);
	put32(to + 24, head->process);
	put32(to + 28, head->thread);
	put64(to + 32, head->ticks);
	put64(to + 40, head->base);
	put32(to + 4, qn_trace_crc32(0, to + 8, QN_TRACE_BLOCK_HEADER - 8));
}

bool qn_trace_get_head(const u8 *from, struct qn_trace_head *head)
{
	if (get32(from) != QN_TRACE_BLOCK_MAGIC ||
	    get32(from + 4) !=
		    qn_trace_crc32(0, from + 8, QN_TRACE_BLOCK_HEADER - 8))
		return false;
	*head = (struct qn_trace_head){
		.size = get32(from + 8),
		.sum = get32(from + 12),
		.nr = get32(from + 16),
		.kind = get16(from + 20),
		.flags = get16(from + 22),
		.process = get32(from + 24),
		.thread = get32(from + 28),
		.ticks = get64(from + 32),
		.base = get64(from + 40),
	};
	return true;
}

/* ---- writing ---- */

void qn_trace_block_open(struct qn_trace_block *b, u8 *buf, u32 room,
			 const struct qn_trace_head *head)
{
	*b = (struct qn_trace_block){
		.head = *head,
		.buf = buf,
		.room = room,
		.at = QN_TRACE_BLOCK_HEADER,
		.ticks = head->ticks,
		.seq = head->base,
	};
	if (!(head->flags & QN_TRACE_BY_ADDRESS))
		b->object = head->base;
	b->head.flags |= QN_TRACE_OPEN;
	b->head.size = room - QN_TRACE_BLOCK_HEADER;
	b->head.nr = 0;
	qn_trace_put_head(buf, &b->head);
}

bool qn_trace_put(struct qn_trace_block *b, const struct qn_trace_event *e)
{
	return qn_trace_put_inline(b, e);
}

bool qn_trace_put_bytes(struct qn_trace_block *b, const void *p, size_t size)
{
	if (size > b->room - b->at)
		return false;
	memcpy(b->buf + b->at, p, size);
	b->at += (u32)size;
	return true;
}

/* What lies behind the first byte is there: so is the item, as in qn_trace_put_inline() */
static void put_item(struct qn_trace_block *b, u8 first, size_t size)
{
	__atomic_signal_fence(__ATOMIC_RELEASE);
	WRITE_ONCE(b->buf[b->at], first);
	b->at += (u32)size;
}

bool qn_trace_put_module(struct qn_trace_block *b, const char *name,
			 size_t size)
{
	u8 *to = b->buf + b->at;

	if (b->room - b->at < 1 + QN_VARINT_MAX + size)
		return false;
	to += 1 + qn_varint_put(to + 1, size);
	memcpy(to, name, size);
	put_item(b, 1, (size_t)(to - b->buf) - b->at + size);
	return true;
}

bool qn_trace_put_site(struct qn_trace_block *b,
		       const struct qn_trace_frame *frames, u32 nr)
{
	u8 *to = b->buf + b->at + 1;

	if (b->room - b->at < 1 + 2 * (size_t)QN_VARINT_MAX * nr)
		return false;
	for (u32 i = 0; i < nr; i++) {
		to += qn_varint_put(to, frames[i].module);
		to += qn_varint_put(to, frames[i].offset);
	}
	put_item(b, (u8)(1 + nr), (size_t)(to - b->buf) - b->at);
	b->head.nr++;
	return true;
}

u32 qn_trace_block_close(struct qn_trace_block *b, bool is_summed)
{
	struct qn_trace_head *head = &b->head;

	head->flags = (u16)(head->flags & ~QN_TRACE_OPEN);
	head->size = b->at - QN_TRACE_BLOCK_HEADER;
	if (is_summed)
		head->sum = qn_trace_crc32(0, b->buf + QN_TRACE_BLOCK_HEADER,
					   head->size);
	else
		head->flags |= QN_TRACE_UNSUMMED;
	qn_trace_put_head(b->buf, head);
	return b->at;
}

/* ---- reading ---- */

void qn_trace_cursor_init(struct qn_trace_cursor *c,
			  const struct qn_trace_head *head, const u8 *payload)
{
	*c = (struct qn_trace_cursor){
		.at = payload,
		.end = payload + head->size,
		.thread = head->thread,
		.by_address = head->flags & QN_TRACE_BY_ADDRESS,
		.ticks = head->ticks,
		.seq = head->base,
	};
	if (!c->by_address)
		c->object = head->base;
}

static bool get(struct qn_trace_cursor *c, u64 *value)
{
	size_t n = qn_varint_get(c->at, (size_t)(c->end - c->at), value);

	c->at += n;
	return n;
}

static bool get_size(struct qn_trace_cursor *c, u64 *size)
{
	return get(c, size) && *size <= QN_TRACE_SIZE_MAX;
}

static bool get_address(struct qn_trace_cursor *c, u64 *address)
{
	u64 distance;

	if (!get(c, &distance))
		return false;
	c->object += (u64)qn_varint_to_signed(distance);
	*address = c->object << QN_TRACE_UNIT_SHIFT;
	return true;
}

static bool get_object(struct qn_trace_cursor *c, u64 *object)
{
	u64 since;

	if (c->by_address)
		return get_address(c, object);
	if (!get(c, &since) || !since || since > c->object)
		return false;
	*object = c->object - since;
	return true;
}

static bool get_new(struct qn_trace_cursor *c, u64 *object)
{
	if (c->by_address)
		return get_address(c, object);
	*object = c->object++;
	return true;
}

static bool get_aligned(struct qn_trace_cursor *c, struct qn_trace_event *e)
{
	if (c->at == c->end || *c->at >= 48)
		return false;
	e->align_shift = *c->at++;
	return get_size(c, &e->size) && get_new(c, &e->object);
}

static bool get_realloc(struct qn_trace_cursor *c, struct qn_trace_event *e)
{
	u64 before;

	if (!get_size(c, &e->size) || !get_object(c, &e->object))
		return false;
	if (!c->by_address)
		return true;
	if (!get_address(c, &e->to) || !get(c, &before) || before > e->seq)
		return false;
	e->began = e->seq - before;
	return true;
}

static bool get_rest(struct qn_trace_cursor *c, struct qn_trace_event *e)
{
	switch (e->op) {
	case QN_TRACE_MALLOC:
	case QN_TRACE_CALLOC:
		return get_size(c, &e->size) && get_new(c, &e->object);
	case QN_TRACE_ALIGNED:
		return get_aligned(c, e);
	case QN_TRACE_REALLOC:
		return get_realloc(c, e);
	case QN_TRACE_FREE:
		return get_object(c, &e->object);
	case QN_TRACE_THREAD:
		if (!get(c, &e->size) || e->size > UINT32_MAX)
			return false;
		c->thread = (u32)e->size;
		return true;
	case QN_TRACE_LOST:
	case QN_TRACE_FORK:
		return get(c, &e->size);
	default:
		return e->op < QN_TRACE_NR_OPS;
	}
}

static bool get_when(struct qn_trace_cursor *c, u8 op, struct qn_trace_event *e)
{
	u64 more = 0;

	if (op & QN_TRACE_SEQ && !get(c, &more))
		return false;
	c->seq += 1 + more;
	more = 0;
	if (op & QN_TRACE_TIME && !get(c, &more))
		return false;
	c->ticks += more;
	more = 0;
	if (op & QN_TRACE_SITE && (!get(c, &more) || more > UINT32_MAX))
		return false;
	e->site = (u32)more;
	e->seq = c->seq;
	e->ticks = c->ticks;
	return true;
}

int qn_trace_get(struct qn_trace_cursor *c, struct qn_trace_event *e)
{
	u8 op;

	if (c->at == c->end || !*c->at)
		return 0;
	op = *c->at++;
	*e = (struct qn_trace_event){ .op = op & QN_TRACE_OP_MASK };
	if (op & 0x80 || !e->op || !get_when(c, op, e) || !get_rest(c, e)) {
		c->at = c->end;
		return -EBADMSG;
	}
	e->thread = c->thread;
	return 1;
}

static bool get_name(const u8 **at, const u8 *end, struct qn_trace_item *item)
{
	u64 size;
	size_t n = qn_varint_get(*at, (size_t)(end - *at), &size);

	if (!n || size > (size_t)(end - *at) - n)
		return false;
	item->name = (const char *)*at + n;
	item->size = (size_t)size;
	*at += n + size;
	return true;
}

static bool get_frame(const u8 **at, const u8 *end, struct qn_trace_frame *f)
{
	u64 module;
	size_t n = qn_varint_get(*at, (size_t)(end - *at), &module);
	size_t m = n ? qn_varint_get(*at + n, (size_t)(end - *at) - n,
				     &f->offset) :
		       0;

	if (!m || module > UINT32_MAX)
		return false;
	f->module = (u32)module;
	*at += n + m;
	return true;
}

int qn_trace_get_item(const u8 **at, const u8 *end, struct qn_trace_item *item)
{
	bool is_good = true;

	if (*at == end || !**at)
		return 0;
	*item = (struct qn_trace_item){ .nr = *(*at)++ - 1u };
	if (!item->nr)
		is_good = get_name(at, end, item);
	else if (item->nr > QN_TRACE_DEPTH)
		is_good = false;
	for (u32 i = 0; is_good && i < item->nr; i++)
		is_good = get_frame(at, end, &item->frames[i]);
	return is_good ? 1 : -EBADMSG;
}
