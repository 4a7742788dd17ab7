/* SPDX-License-Identifier: MIT */
/*
 * trace.h - what a program asked of its heap, as a file: the format, and the code
 * that writes and reads one block of it.
 *
 * Stands on varint.h alone, so that firmware writes the same blocks as a recorded
 * Linux program; files, maps and merging are the business of the command quern.
 *
 *	file:   header | block | block | ... | index block | trailer
 *	block:  header of QN_TRACE_BLOCK_HEADER bytes | payload
 *
 * Fixed fields are little endian, whatever the machine; all else are varints. Each
 * block can be read alone: it names its process, thread, time and first object, and
 * two checksums tell whether its header and its payload are what was written. So a
 * damaged block costs itself only: a reader goes on at the next header that is
 * sound. Between blocks there may be anything. The index is a shortcut; without it a
 * reader looks for headers.
 *
 * File header, QN_TRACE_HEADER bytes:
 *	0  magic "\x89QTRACE\n"		8  u16 version, u16 0
 *	12 u32 nanoseconds of 2^20 ticks	16 u32 features, u32 0, u32 0
 *	28 u32 crc32 of what stands before
 *
 * Version 1 has no features. What reads version 2 reads on where it knows all the
 * features (QN_TRACE_WITH_*), and refuses the file else.
 *
 * Block header:
 *	0  u32 magic "QTB1"		4  u32 crc32 of the header from 8 on
 *	8  u32 bytes of the payload	12 u32 crc32 of the payload
 *	16 u32 events			20 u16 enum qn_trace_kind, u16 QN_TRACE_* flags
 *	24 u32 process, from 0 on	28 u32 thread, from 0 on
 *	32 u64 ticks at its start	40 u64 first object, or first sequence number
 *
 * Event: a byte, enum qn_trace_op in its low four bits, then
 *	with QN_TRACE_SEQ	sequence number less that of the event before, less 1
 *	with QN_TRACE_TIME	ticks since the event before; else none passed
 *	with QN_TRACE_SITE	number of the call site, from 1 on; else it is not known
 *	MALLOC, CALLOC		size, object
 *	ALIGNED			logarithm of the alignment, size, object
 *	REALLOC			size, object before; by address: object after, and how many
 *				sequence numbers earlier the call began
 *	FREE			object
 *	THREAD, LOST, FORK	a number: the thread of what follows, events that found no
 *				room, 0
 *	START, STOP		of a thread
 *
 * Objects are told in one of two ways. By number: an allocation has the next number,
 * without saying so; what refers to an object says how many came since. By address
 * (QN_TRACE_BY_ADDRESS, what a recorder writes): address / 8 as a signed distance
 * from that of the thread's event before. Then each thread has blocks of its own,
 * and sequence numbers of the process order them: taken before a free and after an
 * allocation, so that of two uses of an address the first is the first. A byte 0
 * ends the events of a block that was never closed (QN_TRACE_OPEN).
 *
 * Process block: varints pid and parent's process + 1 (0: none), then the name of
 * the program and its arguments, each with its size before it.
 *
 * Block of sites: the call sites of a process, the first has the number @base. Each
 * begins with a byte: 1: no site but the name of a module, with its size before it;
 * 1 + n: a site of n return addresses, the innermost first: for each the number of
 * its module + 1 (0: of none), and the offset into the module. Modules count from 0 in
 * each block; the program itself has the name "". 0 ends the block.
 *
 * A block with QN_TRACE_ZSTD has a payload that is one frame of zstd, which tells its
 * size, not more than QN_TRACE_BLOCK_SIZE; the checksum is that of the frame.
 *
 * A block of events by number with QN_TRACE_GROUPS, too, has like beside like. A group is
 * all events of one operation and site; groups count from 1, in the order of their first
 * events. The block is the bytes of its events as above, at most QN_TRACE_GROUPS_SIZE,
 * then nine columns. Each is its size and that many bytes: none, or a frame of varints.
 * Columns 1 to 5 are in the order of the events:
 *	1  the group; 0: a new one
 *	2  of a new group: operation, and site as a signed distance from 1 more than the
 *	   largest site so far
 *	3  pairs: events without a tick between them, and ticks that pass then
 *	4  of ALIGNED the logarithm; the number of THREAD, LOST and FORK
 *	5  bits, the highest of a byte first: see column 8
 * Columns 6 to 9 hold what is of the first group, then of the second, and so on:
 *	6  sizes
 *	7  of REALLOC and FREE the group that allocated the object, its home; 0: column 9
 *	   has it
 *	8  of the others the object, among the living ones of its home: 3 n + 1, it is
 *	   the n-th youngest, from 0 on; 3 n + 2 and 3 n + 3, n of them are between it
 *	   and the one that was told last of this home (at first, the oldest), which is
 *	   older (and counted) or younger; 0: n are older, a number in truncated binary
 *	   in column 5
 *	9  the object, as a signed distance from the one before of this group in this
 *	   column, at first from the block's first object
 *
 * Older files have QN_TRACE_COLUMNS instead: at most QN_TRACE_COLUMNS_SIZE bytes of
 * events, and seven columns in their order: (1) first bytes; (2) ticks; (3) sites; (4)
 * sizes; (5) of REALLOC and FREE how many objects of this block are alive and younger,
 * and 1, or 0; (6) of the latter the object, as a signed distance from the one before in
 * this column, at first from the block's first object; (7) all other numbers.
 *
 * Index block: for each block before it its distance from the one before and its
 * events. Trailer: u64 offset of the index block, "QTINDEX\n".
 */
#ifndef QN_TRACE_H
#define QN_TRACE_H

#include "base/compiler.h"
#include "base/varint.h"

#define QN_TRACE_MAGIC        "\x89QTRACE\n"
#define QN_TRACE_INDEX_MAGIC  "QTINDEX\n"
#define QN_TRACE_BLOCK_MAGIC  0x31425451u
#define QN_TRACE_VERSION      2
#define QN_TRACE_HEADER       32
#define QN_TRACE_BLOCK_HEADER 48
#define QN_TRACE_TRAILER      16

/* Bytes of a whole block as the recorder and the command write them */
#define QN_TRACE_BLOCK_SIZE 65536

/* Bytes of the events of a packed block; larger ones pack better, and lose more */
#define QN_TRACE_GROUPS_SIZE  ((u32)1 << 22)
#define QN_TRACE_COLUMNS_SIZE ((u32)1 << 20)

/* Features of a file of version 2 */
#define QN_TRACE_WITH_SITES   0x1u
#define QN_TRACE_WITH_ZSTD    0x2u
#define QN_TRACE_WITH_COLUMNS 0x4u
#define QN_TRACE_WITH_GROUPS  0x8u
#define QN_TRACE_FEATURES                                                   \
	(QN_TRACE_WITH_SITES | QN_TRACE_WITH_ZSTD | QN_TRACE_WITH_COLUMNS | \
	 QN_TRACE_WITH_GROUPS)

/* No event is longer */
#define QN_TRACE_EVENT_MAX 72

/* Return addresses of a call site, at most */
#define QN_TRACE_DEPTH 32

/* Larger sizes are damage, no requests */
#define QN_TRACE_SIZE_MAX ((u64)1 << 47)

enum qn_trace_kind {
	QN_TRACE_EVENTS = 1,
	QN_TRACE_PROCESS = 2,
	QN_TRACE_INDEX = 3,
	QN_TRACE_SITES = 4,
};

/* Flags of a block */
#define QN_TRACE_OPEN \
	0x1 /* never closed: no count, no checksum of the payload */
#define QN_TRACE_BY_ADDRESS 0x2
#define QN_TRACE_UNSUMMED \
	0x4 /* closed, but without a checksum of the payload */
#define QN_TRACE_ZSTD    0x8
#define QN_TRACE_COLUMNS 0x10 /* only read */
#define QN_TRACE_GROUPS  0x20

enum qn_trace_op {
	QN_TRACE_MALLOC = 1,
	QN_TRACE_CALLOC,
	QN_TRACE_ALIGNED,
	QN_TRACE_REALLOC,
	QN_TRACE_FREE,
	QN_TRACE_THREAD,
	QN_TRACE_START,
	QN_TRACE_STOP,
	QN_TRACE_FORK,
	QN_TRACE_LOST,
	QN_TRACE_NR_OPS,
};

/* Flags of an event's first byte */
#define QN_TRACE_OP_MASK 0x0f
#define QN_TRACE_SEQ     0x10
#define QN_TRACE_TIME    0x20
#define QN_TRACE_SITE    0x40

/**
 * struct qn_trace_event - one event, as it is put in and comes out
 * @op:		enum qn_trace_op
 * @align_shift: logarithm of the alignment, of ALIGNED
 * @thread:	whose; set by qn_trace_get() alone
 * @site:	where it was called; 0: not known
 * @ticks:	when
 * @seq:	sequence number, by address only
 * @began:	sequence number when the call began, of REALLOC by address
 * @size:	bytes asked for; the number of THREAD and LOST
 * @object:	number or address; of REALLOC what it was before the call
 * @to:		of REALLOC by address, the address after the call
 */
struct qn_trace_event {
	u8 op;
	u8 align_shift;
	u32 thread;
	u32 site;
	u64 ticks;
	u64 seq;
	u64 began;
	u64 size;
	u64 object;
	u64 to;
};

/**
 * struct qn_trace_head - a block's header, decoded
 * @size:	bytes of the payload
 * @sum:	its crc32
 * @nr:		events
 * @kind, @flags: what it is
 * @process, @thread: whose
 * @ticks:	at its start
 * @base:	first object, or sequence number, in it
 */
struct qn_trace_head {
	u32 size;
	u32 sum;
	u32 nr;
	u16 kind;
	u16 flags;
	u32 process;
	u32 thread;
	u64 ticks;
	u64 base;
};

/**
 * struct qn_trace_block - a block that is being written
 * @head:	what its header will say
 * @buf, @room:	header and payload
 * @at:		bytes of @buf in use
 * @ticks, @seq, @object: of the event before; @object is the next number, or an
 *		address / 8
 */
struct qn_trace_block {
	struct qn_trace_head head;
	u8 *buf;
	u32 room;
	u32 at;
	u64 ticks;
	u64 seq;
	u64 object;
};

/**
 * struct qn_trace_cursor - where one stands in reading a block
 * @at, @end:	what is left of the payload
 * @thread:	of the next event
 * @by_address:	see above
 * @ticks, @seq, @object: as in struct qn_trace_block
 */
struct qn_trace_cursor {
	const u8 *at;
	const u8 *end;
	u32 thread;
	bool by_address;
	u64 ticks;
	u64 seq;
	u64 object;
};

/* qn_crc32(), out of line */
u32 qn_trace_crc32(u32 sum, const void *p, size_t size);

/**
 * qn_trace_put_header() - the header of a file
 * @to:		QN_TRACE_HEADER bytes
 * @ns:		nanoseconds of 2^20 ticks
 * @features:	QN_TRACE_WITH_*; 0: the file is one of version 1
 */
void qn_trace_put_header(u8 *to, u32 ns, u32 features);

/**
 * qn_trace_get_header() - read it
 * @from:	QN_TRACE_HEADER bytes
 * @ns, @features: filled in
 *
 * Return: 0, -EINVAL (no trace), -ENOTSUP (another version, or features that are not
 * known), -EBADMSG (damaged).
 */
int qn_trace_get_header(const u8 *from, u32 *ns, u32 *features);

/**
 * qn_trace_block_open() - begin a block
 * @b:		filled in
 * @buf, @room:	its memory, at least QN_TRACE_BLOCK_HEADER + QN_TRACE_EVENT_MAX
 * @head:	@kind, @flags, @process, @thread, @ticks and @base are taken
 *
 * Writes a header that calls the block open, so that it can be read as it is.
 */
void qn_trace_block_open(struct qn_trace_block *b, u8 *buf, u32 room,
			 const struct qn_trace_head *head);

/**
 * qn_trace_put() - add an event
 * @b:		an open block
 * @e:		the event; ticks and sequence numbers never go back
 *
 * Constant time.
 *
 * Return: false if there is no room: close the block and begin another.
 */
bool qn_trace_put(struct qn_trace_block *b, const struct qn_trace_event *e);

/* Add bytes to the payload of a block that has no events; false: no room */
bool qn_trace_put_bytes(struct qn_trace_block *b, const void *p, size_t size);

/**
 * struct qn_trace_frame - one return address of a call site
 * @module:	number in its block + 1; 0: of no module
 * @offset:	from where the module lies; of no module: the address
 */
struct qn_trace_frame {
	u32 module;
	u64 offset;
};

/* A module's name into a block of sites; false: no room */
bool qn_trace_put_module(struct qn_trace_block *b, const char *name,
			 size_t size);

/* A site of @nr frames, 1 to QN_TRACE_DEPTH, into a block of sites; false: no room */
bool qn_trace_put_site(struct qn_trace_block *b,
		       const struct qn_trace_frame *frames, u32 nr);

/**
 * struct qn_trace_item - what a block of sites holds, one after the other
 * @name, @size: of a module, if @nr is 0; points into the payload
 * @nr, @frames: of a site
 */
struct qn_trace_item {
	const char *name;
	size_t size;
	u32 nr;
	struct qn_trace_frame frames[QN_TRACE_DEPTH];
};

/**
 * qn_trace_get_item() - the next module or site
 * @at:		moved on; starts at the payload
 * @end:	of the payload
 *
 * Trusts nothing of what it reads.
 *
 * Return: 1, 0 at the end, or -EBADMSG.
 */
int qn_trace_get_item(const u8 **at, const u8 *end, struct qn_trace_item *item);

/**
 * qn_trace_block_close() - write the header as it is to stay
 * @b:		an open block
 * @is_summed:	with a checksum of the payload
 *
 * Return: bytes of the block in all.
 */
u32 qn_trace_block_close(struct qn_trace_block *b, bool is_summed);

/* Write a block's header as it is to stay */
void qn_trace_put_head(u8 *to, const struct qn_trace_head *head);

/**
 * qn_trace_get_head() - read a block's header
 * @from:	QN_TRACE_BLOCK_HEADER bytes
 * @head:	filled in
 *
 * Return: false if this is no sound header.
 */
bool qn_trace_get_head(const u8 *from, struct qn_trace_head *head);

/* Begin to read: @payload has @head->size bytes */
void qn_trace_cursor_init(struct qn_trace_cursor *c,
			  const struct qn_trace_head *head, const u8 *payload);

/**
 * qn_trace_get() - the next event
 * @c:		where
 * @e:		filled in
 *
 * Trusts nothing of what it reads.
 *
 * Return: 1, 0 at the end, or -EBADMSG.
 */
int qn_trace_get(struct qn_trace_cursor *c, struct qn_trace_event *e);

/*
 * Writing an event, inline: a recorder knows which call it writes, and the compiler
 * leaves the rest out. All others call qn_trace_put().
 */

/* Addresses are told in units of this many bytes */
#define QN_TRACE_UNIT_SHIFT 3

static __always_inline u8 *qn_trace_varint(u8 *to, u64 value)
{
	*to = (u8)value;
	if (likely(value < 0x80))
		return to + 1;
	return to + qn_varint_put(to, value);
}

static __always_inline u8 *
qn_trace_put_address(u8 *to, struct qn_trace_block *b, u64 address)
{
	u64 unit = address >> QN_TRACE_UNIT_SHIFT;

	to = qn_trace_varint(to,
			     qn_varint_from_signed((s64)(unit - b->object)));
	b->object = unit;
	return to;
}

/* An object that is there */
static __always_inline u8 *qn_trace_put_object(u8 *to, struct qn_trace_block *b,
					       u64 object)
{
	if (b->head.flags & QN_TRACE_BY_ADDRESS)
		return qn_trace_put_address(to, b, object);
	return qn_trace_varint(to, b->object - object);
}

/* A new one */
static __always_inline u8 *qn_trace_put_new(u8 *to, struct qn_trace_block *b,
					    u64 object)
{
	if (b->head.flags & QN_TRACE_BY_ADDRESS)
		return qn_trace_put_address(to, b, object);
	b->object++;
	return to;
}

static __always_inline u8 *qn_trace_put_realloc(u8 *to,
						struct qn_trace_block *b,
						const struct qn_trace_event *e)
{
	to = qn_trace_varint(to, e->size);
	to = qn_trace_put_object(to, b, e->object);
	if (!(b->head.flags & QN_TRACE_BY_ADDRESS))
		return to;
	to = qn_trace_put_address(to, b, e->to);
	return qn_trace_varint(to, e->seq - e->began);
}

static __always_inline u8 *qn_trace_put_rest(u8 *to, struct qn_trace_block *b,
					     const struct qn_trace_event *e)
{
	switch (e->op) {
	case QN_TRACE_ALIGNED:
		*to++ = e->align_shift;
		/* fall through */
	case QN_TRACE_MALLOC:
	case QN_TRACE_CALLOC:
		to = qn_trace_varint(to, e->size);
		return qn_trace_put_new(to, b, e->object);
	case QN_TRACE_REALLOC:
		return qn_trace_put_realloc(to, b, e);
	case QN_TRACE_FREE:
		return qn_trace_put_object(to, b, e->object);
	case QN_TRACE_THREAD:
	case QN_TRACE_LOST:
	case QN_TRACE_FORK:
		return qn_trace_varint(to, e->size);
	default:
		return to;
	}
}

/*
 * The first byte comes last: a block that is read while it is written, or after
 * its process was killed, ends before an event that is not all there.
 */
static __always_inline bool qn_trace_put_inline(struct qn_trace_block *b,
						const struct qn_trace_event *e)
{
	u8 *first = b->buf + b->at, *to = first + 1;
	u8 op = e->op;

	if (b->room - b->at < QN_TRACE_EVENT_MAX)
		return false;
	if (b->head.flags & QN_TRACE_BY_ADDRESS) {
		if (e->seq != b->seq + 1) {
			op |= QN_TRACE_SEQ;
			to = qn_trace_varint(to, e->seq - b->seq - 1);
		}
		b->seq = e->seq;
	}
	if (e->ticks > b->ticks) {
		op |= QN_TRACE_TIME;
		to = qn_trace_varint(to, e->ticks - b->ticks);
		b->ticks = e->ticks;
	}
	if (e->site) {
		op |= QN_TRACE_SITE;
		to = qn_trace_varint(to, e->site);
	}
	to = qn_trace_put_rest(to, b, e);
	__atomic_signal_fence(__ATOMIC_RELEASE);
	WRITE_ONCE(*first, op);
	b->at = (u32)(to - b->buf);
	b->head.nr++;
	return true;
}

#endif /* QN_TRACE_H */
