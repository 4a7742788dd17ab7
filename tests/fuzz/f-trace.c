// SPDX-License-Identifier: MIT
/*
 * f-trace.c - traces: blocks whose checksums are right and whose contents are anything.
 *
 * Links: the readers of the command, preload/command/trace.
 *
 * The first byte says what the input is:
 *  - a file as it is;
 *  - blocks, which get a header of the file, lengths and checksums that are right;
 *  - text, or what heaptrack writes, to be imported.
 * What is read makes sense: an object is allocated before it is resized or freed, and freed
 * once. Names lie in the file. Nothing is read outside of it.
 */
#include <errno.h>
#include <unistd.h>

#include "command/trace/trace-groups.h"
#include "command/trace/trace-read.h"
#include "command/trace/trace-sites.h"
#include "command/trace/trace-text.h"
#include "command/trace/trace-write.h"

#include "fuzz.h"

#define ROOM   ((size_t)1 << 20)
#define EVENTS 200000

static char path[64], output[64];
static u8 file[ROOM];

static void put_file(const void *bytes, size_t size)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(bytes, 1, size, f) != size)
		abort();
	fclose(f);
}

/* ---- what is read ---- */

static void look_at_process(const struct qn_tracefile *t, u32 process)
{
	struct qn_process_info info;

	qn_tracefile_process(t, process, &info);
	if (!info.is_known)
		return;
	fuzz_expect((const u8 *)info.name >= t->map &&
			    (const u8 *)info.args + info.args_size <=
				    t->map + t->size,
		    "a name lies elsewhere");
}

static void look_at_sites(const struct qn_tracefile *t, u32 process)
{
	struct qn_stacks sites;
	u32 nr;

	qn_trace_stacks(&sites, t, process);
	for (u32 i = 0; i < sites.nr; i++) {
		const struct qn_trace_frame *f =
			qn_stacks_frames(&sites, i, &nr);

		fuzz_expect(nr <= QN_TRACE_DEPTH, "%u frames", nr);
		for (u32 k = 0; k < nr; k++)
			fuzz_expect(f[k].module <= sites.modules.nr, "%u",
				    f[k].module);
	}
	qn_stacks_exit(&sites);
}

/* The model: of each number of an object whether it lives */
static void look_at_events(const struct qn_tracefile *t, u32 process)
{
	static bool lives[EVENTS + 1];
	struct qn_reader r;
	struct qn_op op;
	u64 ns = 0;

	memset(lives, 0, sizeof(lives));
	qn_reader_init(&r, t, process);
	for (u32 n = 0; n < EVENTS && qn_reader_next(&r, &op); n++) {
		fuzz_expect(op.ns >= ns, "time goes back");
		ns = op.ns;
		if (!qn_op_is_heap(&op) || op.id > EVENTS)
			continue;
		fuzz_expect(lives[op.id] == !qn_op_allocs(&op), "object %llu",
			    (unsigned long long)op.id);
		lives[op.id] = op.op != QN_TRACE_FREE;
	}
	qn_reader_exit(&r);
}

static void read_file(void)
{
	struct qn_tracefile t;

	if (qn_tracefile_open(&t, path))
		return;
	for (u32 p = 0; p < t.nr_processes && p < 4; p++) {
		look_at_process(&t, p);
		look_at_sites(&t, p);
		look_at_events(&t, p);
	}
	qn_tracefile_close(&t);
}

/* ---- blocks ---- */

static const u16 kinds[] = { QN_TRACE_EVENTS,  QN_TRACE_EVENTS, QN_TRACE_EVENTS,
			     QN_TRACE_PROCESS, QN_TRACE_INDEX,  QN_TRACE_SITES };
static const u16 flags[] = {
	0,
	QN_TRACE_OPEN,
	QN_TRACE_BY_ADDRESS,
	QN_TRACE_UNSUMMED,
	QN_TRACE_GROUPS,
	QN_TRACE_COLUMNS,
	QN_TRACE_ZSTD,
	QN_TRACE_GROUPS | QN_TRACE_ZSTD,
	QN_TRACE_BY_ADDRESS | QN_TRACE_OPEN,
};

/* One block of the input's bytes. Return: where it ends */
static size_t put_block(struct fuzz_input *in, size_t at)
{
	size_t n = fuzz_u16(in) % 1024;
	struct qn_trace_head head = {
		.kind = kinds[fuzz_pick(in, ARRAY_SIZE(kinds))],
		.flags = flags[fuzz_pick(in, ARRAY_SIZE(flags))],
		.nr = fuzz_byte(in),
		.process = fuzz_byte(in) % 3,
		.thread = fuzz_byte(in) % 3,
		.ticks = fuzz_u16(in),
		.base = fuzz_byte(in),
	};
	u8 *payload = file + at + QN_TRACE_BLOCK_HEADER;

	n = n < fuzz_left(in) ? n : fuzz_left(in);
	memcpy(payload, in->at, n);
	in->at += n;
	head.size = (u32)n;
	head.sum = qn_trace_crc32(0, payload, n);
	if (head.flags & (QN_TRACE_OPEN | QN_TRACE_UNSUMMED))
		head.sum = 0;
	qn_trace_put_head(file + at, &head);
	return at + QN_TRACE_BLOCK_HEADER + n;
}

static void blocks(struct fuzz_input *in)
{
	size_t at = QN_TRACE_HEADER;

	qn_trace_put_header(file, 1u << 20, QN_TRACE_FEATURES);
	while (fuzz_left(in) && at + 2048 < ROOM)
		at = put_block(in, at);
	put_file(file, at);
	read_file();
}

/* ---- other formats ---- */

static void import(const struct fuzz_input *in, const char *format)
{
	put_file(in->at, fuzz_left(in));
	qn_is_foreign(path);
	if (qn_import(path, format, output, 0))
		return;
	/* What was written is sound */
	strcpy(path, output);
	read_file();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_begin(data, size);

	snprintf(path, sizeof(path), "fuzz-%d.qt", (int)getpid());
	snprintf(output, sizeof(output), "fuzz-%d.out.qt", (int)getpid());
	switch (fuzz_byte(&in) % 4) {
	case 0:
		put_file(in.at, fuzz_left(&in));
		read_file();
		break;
	case 1:
		blocks(&in);
		break;
	case 2:
		import(&in, "text");
		break;
	default:
		import(&in, "heaptrack");
	}
	snprintf(path, sizeof(path), "fuzz-%d.qt", (int)getpid());
	unlink(path);
	unlink(output);
	return 0;
}
