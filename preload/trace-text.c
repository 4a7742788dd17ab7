// SPDX-License-Identifier: MIT
/*
 * trace-text.c - traces as text, as records for firmware, and from heaptrack.
 */
#define _GNU_SOURCE 1
#include "trace-text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bits.h"
#include "fail.h"
#include "trace-write.h"

static const char *const op_names[QN_TRACE_NR_OPS] = {
	[QN_TRACE_MALLOC] = "malloc",   [QN_TRACE_CALLOC] = "calloc",
	[QN_TRACE_ALIGNED] = "aligned", [QN_TRACE_REALLOC] = "realloc",
	[QN_TRACE_FREE] = "free",       [QN_TRACE_START] = "start",
	[QN_TRACE_STOP] = "stop",       [QN_TRACE_FORK] = "fork",
	[QN_TRACE_LOST] = "lost",
};

/* ---- out ---- */

static int put_text(FILE *out, const struct qn_op *op)
{
	fprintf(out, "%" PRIu64 " %u %s", op->ns, op->thread, op_names[op->op]);
	if (qn_op_is_heap(op))
		fprintf(out, " %" PRIu64, op->id);
	if (op->op != QN_TRACE_FREE && op->op <= QN_TRACE_REALLOC)
		fprintf(out, " %" PRIu64, op->size);
	if (op->op == QN_TRACE_ALIGNED)
		fprintf(out, " %llu", 1ull << op->align_shift);
	putc('\n', out);
	return 0;
}

static int put_csv(FILE *out, const struct qn_op *op)
{
	fprintf(out, "%" PRIu64 ",%u,%s,", op->ns, op->thread,
		op_names[op->op]);
	if (qn_op_is_heap(op))
		fprintf(out, "%" PRIu64, op->id);
	fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%llu\n", op->size, op->old_size,
		op->align_shift ? 1ull << op->align_shift : 0ull);
	return 0;
}

static int put_op(FILE *out, const struct qn_op *op)
{
	static const u8 kinds[] = {
		[QN_TRACE_FREE] = 1, [QN_TRACE_REALLOC] = 2
	};
	u32 size = op->op == QN_TRACE_FREE ? 0 : (u32)op->size;
	u8 align = op->op == QN_TRACE_FREE ? 0 : max(op->align_shift, (u8)2);

	if (!qn_op_is_heap(op))
		return 0;
	if (op->slot > UINT16_MAX || op->size > UINT32_MAX) {
		qn_error(
			"the trace is too large for ops: it has blocks of more "
			"than 4 GB, or more than 65536 at once; make it "
			"smaller: quern trace cut --heap=64K");
		return -E2BIG;
	}
	putc(op->op < sizeof(kinds) ? kinds[op->op] : 0, out);
	putc(align, out);
	for (int i = 0; i < 2; i++)
		putc((int)(op->slot >> 8 * i & 255), out);
	for (int i = 0; i < 4; i++)
		putc((int)(size >> 8 * i & 255), out);
	return 0;
}

static const struct format {
	const char *name;
	int (*put)(FILE *out, const struct qn_op *op);
	const char *head;
} formats[] = {
	{ "text", put_text, "# quern trace 1: ns thread call object bytes\n" },
	{ "csv", put_csv, "ns,thread,call,object,bytes,before,alignment\n" },
	{ "ops", put_op, "" },
};

static int write_all(const struct qn_tracefile *t, u32 process, FILE *out,
		     const struct format *f)
{
	struct qn_reader r;
	struct qn_op op;
	int err = 0;

	fputs(f->head, out);
	qn_reader_init(&r, t, process);
	while (!err && qn_reader_next(&r, &op))
		err = f->put(out, &op);
	qn_reader_exit(&r);
	return err;
}

static int convert_to(const struct qn_tracefile *t, u32 process,
		      const struct format *f, const char *output)
{
	FILE *out = output ? fopen(output, "we") : stdout;
	int err;

	if (!out) {
		err = -errno;
		qn_error("cannot write '%s': %s", output, strerror(errno));
		return err;
	}
	err = write_all(t, process, out, f);
	if ((output ? fclose(out) : fflush(out)) && !err) {
		err = -errno;
		qn_error("cannot write '%s': %s",
			 output ? output : "standard output", strerror(errno));
	}
	return err;
}

static int convert_to_trace(const struct qn_tracefile *t, u32 process,
			    const char *output)
{
	struct qn_writer w;
	struct qn_reader r;
	int err = qn_writer_open(&w, output);

	if (err)
		return err;
	qn_writer_copy(&w, t, process, &r);
	qn_reader_exit(&r);
	return qn_writer_close(&w, output);
}

int qn_convert(const struct qn_tracefile *t, u32 process, const char *format,
	       const char *output)
{
	bool is_binary = !strcmp(format, "ops") || !strcmp(format, "trace");

	if (is_binary && !output) {
		qn_error("--to=%s needs a file to write to: -o FILE", format);
		return -EINVAL;
	}
	if (!strcmp(format, "trace"))
		return convert_to_trace(t, process, output);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (!strcmp(format, formats[i].name))
			return convert_to(t, process, &formats[i], output);
	qn_error("--to=%s: there are text, csv, ops and trace", format);
	return -EINVAL;
}

/* ---- in ---- */

/**
 * struct import - what is being read
 * @w:		the trace
 * @objects:	live ones, by their numbers or addresses in the file
 * @stacks, @nr_stacks: heaptrack, interpreted: slots of live objects by kind
 * @line:	number of the line, for messages
 * @nr_bad:	lines that were not understood
 */
struct import {
	struct qn_writer w;
	struct qn_objects objects;

	struct stack {
		u64 size;
		u32 *slots;
		u32 nr;
	} * stacks;

	u32 nr_stacks;
	u64 ns;
	const char *file;
	u64 line;
	u64 nr_bad;
};

static void bad(struct import *m, const char *why)
{
	if (m->nr_bad++ < 5)
		qn_error("%s:%" PRIu64 ": %s; left out", m->file, m->line, why);
}

/* Return: false if it should be there and is not, or the other way round */
static bool give_slot(struct import *m, u64 key, struct qn_op *op)
{
	if (qn_op_allocs(op)) {
		if (qn_objects_find(&m->objects, key) != QN_NO_SLOT)
			return false;
		op->slot = qn_objects_add(&m->objects, key, op->size);
		return true;
	}
	if (op->op == QN_TRACE_REALLOC) {
		op->slot = qn_objects_find(&m->objects, key);
		return op->slot != QN_NO_SLOT;
	}
	op->slot = qn_objects_take(&m->objects, key);
	if (op->slot == QN_NO_SLOT)
		return false;
	qn_objects_release(&m->objects, op->slot);
	return true;
}

static void add(struct import *m, u64 key, struct qn_op *op)
{
	if (op->size > QN_TRACE_SIZE_MAX)
		bad(m, "the size is no size");
	else if (!give_slot(m, key, op))
		bad(m, qn_op_allocs(op) ? "the object is there already" :
					  "there is no such object");
	else
		qn_writer_put(&m->w, op);
}

/* A line of text: time, thread, call, and what belongs to it */
static void read_text(struct import *m, char *line)
{
	char name[16] = "";
	u64 id = 0, align = 0;
	struct qn_op op = { 0 };
	int got;

	line[strcspn(line, "#\n")] = 0;
	if (!line[strspn(line, " \t\r")])
		return;
	got = sscanf(line,
		     "%" SCNu64 " %u %15s %" SCNu64 " %" SCNu64 " %" SCNu64,
		     &op.ns, &op.thread, name, &id, &op.size, &align);
	for (u8 i = QN_TRACE_NR_OPS; i-- > 1;)
		if (op_names[i] && !strcmp(op_names[i], name))
			op.op = i;
	if (got < 3 || !op.op || (qn_op_is_heap(&op) && got < 4) ||
	    (op.op <= QN_TRACE_REALLOC && got < 5))
		bad(m, "is no line of a trace: time thread call object bytes");
	else if (op.op == QN_TRACE_ALIGNED &&
		 (!is_power_of_2(align) || align >> 47))
		bad(m, "the alignment is no power of two");
	else if (qn_op_is_heap(&op)) {
		op.align_shift = align ? (u8)qn_ilog2(align) : 0;
		op.old_size = 0;
		add(m, id, &op);
	} else {
		op.size = 0;
		qn_writer_put(&m->w, &op);
	}
}

static void ops_in(struct import *m, FILE *in)
{
	static const u8 kinds[] = { QN_TRACE_MALLOC, QN_TRACE_FREE,
				    QN_TRACE_REALLOC };
	u8 b[8];

	while (fread(b, sizeof(b), 1, in) == 1) {
		struct qn_op op = { .size = b[4] | (u32)b[5] << 8 |
					    (u32)b[6] << 16 | (u32)b[7] << 24 };

		m->line++;
		if (b[0] >= sizeof(kinds) || b[1] >= 48) {
			bad(m, "is no operation");
			continue;
		}
		op.op = kinds[b[0]];
		if (!b[0] && b[1] > 4) {
			op.op = QN_TRACE_ALIGNED;
			op.align_shift = b[1];
		}
		add(m, (u64)(b[2] | b[3] << 8), &op);
	}
}

/* heaptrack, raw: "+ size trace address", "- address" */
static void raw_call(struct import *m, char sign, const u64 *v)
{
	struct qn_op op = { .op = sign == '+' ? QN_TRACE_MALLOC : QN_TRACE_FREE,
			    .ns = m->ns,
			    .size = sign == '+' ? v[0] : 0 };

	add(m, sign == '+' ? v[2] : v[0], &op);
}

/* Interpreted: "a size trace" is a kind of allocation, from 0 on */
static void add_kind(struct import *m, u64 size)
{
	if (size > QN_TRACE_SIZE_MAX) {
		bad(m, "the size is no size");
		size = 0;
	}
	if (!(m->nr_stacks & (m->nr_stacks - 1)))
		m->stacks = qn_xrealloc(m->stacks, (2 * (size_t)m->nr_stacks +
						    1) * sizeof(*m->stacks));
	m->stacks[m->nr_stacks++] = (struct stack){ .size = size };
}

/* "+ kind", "- kind": which of a kind is freed is not told; the latest is taken */
static void kind_call(struct import *m, char sign, u64 kind)
{
	struct qn_op op = { .op = sign == '+' ? QN_TRACE_MALLOC : QN_TRACE_FREE,
			    .ns = m->ns };
	struct stack *s = kind < m->nr_stacks ? &m->stacks[kind] : NULL;

	if (!s || (sign == '-' && !s->nr)) {
		bad(m, "there is no such allocation");
		return;
	}
	if (sign == '+') {
		if (!(s->nr & (s->nr - 1)))
			s->slots = qn_xrealloc(s->slots,
					       (2 * (size_t)s->nr + 1) *
						       sizeof(*s->slots));
		op.size = s->size;
		op.slot = s->slots[s->nr++] = qn_objects_slot(&m->objects);
	} else {
		op.slot = s->slots[--s->nr];
		qn_objects_release(&m->objects, op.slot);
	}
	qn_writer_put(&m->w, &op);
}

static void read_heaptrack(struct import *m, char *line)
{
	u64 v[3] = { 0 };
	int got = sscanf(line + 1, " %" SCNx64 " %" SCNx64 " %" SCNx64, &v[0],
			 &v[1], &v[2]);

	switch (line[0]) {
	case 'c': /* milliseconds since the start */
		m->ns = max(m->ns, v[0] * 1000000);
		break;
	case 'a':
		if (got >= 2)
			add_kind(m, v[0]);
		break;
	case '+':
	case '-':
		if (got == 3 || (got == 1 && line[0] == '-' && !m->nr_stacks))
			raw_call(m, line[0], v);
		else if (got == 1)
			kind_call(m, line[0], v[0]);
		else
			bad(m, "is no line of heaptrack");
		break;
	default:
		break;
	}
}

static void lines_in(struct import *m, FILE *in,
		     void (*read_line)(struct import *m, char *line))
{
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, in) > 0) {
		m->line++;
		read_line(m, line);
	}
	free(line);
}

/* Through zstd where the file begins with its magic number */
static FILE *open_input(const char *file, bool *is_pipe)
{
	int fd = open(file, O_RDONLY);
	u8 magic[4] = { 0 };
	char *command;
	FILE *in;

	*is_pipe = false;
	if (fd < 0)
		return NULL;
	if (pread(fd, magic, 4, 0) != 4 ||
	    memcmp(magic, "\x28\xb5\x2f\xfd", 4) != 0)
		return fdopen(fd, "r");
	command = qn_xprintf("zstd -dcq <&%d", fd);
	in = popen(command, "re");
	*is_pipe = true;
	free(command);
	close(fd);
	return in;
}

static int close_input(FILE *in, bool is_pipe, const char *file)
{
	if (!is_pipe) {
		fclose(in);
		return 0;
	}
	if (!pclose(in))
		return 0;
	qn_error("%s: zstd could not read it to its end; is it installed "
		 "(Debian: apt-get install zstd), is the file whole?",
		 file);
	return -EIO;
}

static void text_in(struct import *m, FILE *in)
{
	lines_in(m, in, read_text);
}

static void heaptrack_in(struct import *m, FILE *in)
{
	lines_in(m, in, read_heaptrack);
}

static const struct source {
	const char *name;
	void (*read)(struct import *m, FILE *in);
} sources[] = {
	{ "text", text_in },
	{ "heaptrack", heaptrack_in },
	{ "ops", ops_in },
};

static const struct source *find_source(const char *format)
{
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		if (!strcmp(sources[i].name, format))
			return &sources[i];
	qn_error("--from=%s: there are text, ops and heaptrack", format);
	return NULL;
}

static void import_exit(struct import *m)
{
	for (u32 i = 0; i < m->nr_stacks; i++)
		free(m->stacks[i].slots);
	free(m->stacks);
	qn_objects_exit(&m->objects);
}

int qn_import(const char *file, const char *format, const char *output)
{
	const struct qn_process_info info = { .is_known = true,
					      .name = file,
					      .name_size = strlen(file) };
	const struct source *source = find_source(format);
	struct import m = { .file = file };
	bool is_pipe;
	FILE *in;
	int err;

	if (!source)
		return -EINVAL;
	if (!output) {
		qn_error("trace convert needs a file to write to: -o FILE");
		return -EINVAL;
	}
	in = open_input(file, &is_pipe);
	if (!in) {
		err = -errno;
		qn_error("cannot read '%s': %s", file, strerror(errno));
		return err;
	}
	err = qn_writer_open(&m.w, output);
	if (!err) {
		qn_writer_process(&m.w, 0, &info);
		source->read(&m, in);
		if (m.nr_bad)
			qn_error("%s: %" PRIu64 " lines were left out", file,
				 m.nr_bad);
		if (!m.w.nr_events) {
			qn_error("%s: holds no call that could be read as %s",
				 file, format);
			err = -ENODATA;
		}
		err = qn_writer_close(&m.w, output) ?: err;
		if (err)
			unlink(output);
	}
	import_exit(&m);
	return close_input(in, is_pipe, file) ?: err;
}
