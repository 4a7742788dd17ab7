// SPDX-License-Identifier: MIT
/*
 * trace-text.c - traces as text, both ways.
 */
#define _GNU_SOURCE 1
#include "trace-text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "command/base/fail.h"
#include "command/base/stream.h"
#include "command/base/symbols.h"
#include "trace-import.h"

static const char *const op_names[QN_TRACE_NR_OPS] = {
	[QN_TRACE_MALLOC] = "malloc",   [QN_TRACE_CALLOC] = "calloc",
	[QN_TRACE_ALIGNED] = "aligned", [QN_TRACE_REALLOC] = "realloc",
	[QN_TRACE_FREE] = "free",       [QN_TRACE_START] = "start",
	[QN_TRACE_STOP] = "stop",       [QN_TRACE_FORK] = "fork",
	[QN_TRACE_LOST] = "lost",
};

/* ---- out ---- */

/**
 * struct output - what is being written
 * @file:	where to
 * @sites:	of the process
 * @symbols:	names for them
 */
struct output {
	FILE *file;
	struct qn_stacks sites;
	struct qn_symbols symbols;
};

static void put_text(struct output *o, const struct qn_op *op)
{
	FILE *out = o->file;

	fprintf(out, "%" PRIu64 " %u %s", op->ns, op->thread, op_names[op->op]);
	if (qn_op_is_heap(op))
		fprintf(out, " %" PRIu64, op->id);
	if (op->op != QN_TRACE_FREE && op->op <= QN_TRACE_REALLOC)
		fprintf(out, " %" PRIu64, op->size);
	if (op->op == QN_TRACE_ALIGNED)
		fprintf(out, " %llu", 1ull << op->align_shift);
	if (op->site)
		fprintf(out, " @%u", op->site);
	putc('\n', out);
}

/* A module's name in a line: what means something there becomes '?' */
static void put_name(FILE *out, const char *name)
{
	for (; *name; name++)
		putc(*name < ' ' || strchr(";#\"", *name) ? '?' : *name, out);
}

/* "site N file+0x12;file+0x34;0x56" */
static void put_text_sites(struct output *o)
{
	for (u32 site = 1; site < o->sites.nr; site++) {
		u32 nr;
		const struct qn_trace_frame *f =
			qn_stacks_frames(&o->sites, site, &nr);

		if (!nr)
			continue;
		fprintf(o->file, "site %u ", site);
		for (u32 i = 0; i < nr; i++) {
			const char *name = qn_stacks_name(&o->sites, &f[i]);

			if (name)
				put_name(o->file,
					 *name ? name : o->symbols.program);
			fprintf(o->file, "%s0x%" PRIx64 "%s", name ? "+" : "",
				f[i].offset, i + 1 < nr ? ";" : "\n");
		}
	}
}

/* As people read it: functions, the innermost first */
static void put_csv_site(struct output *o, u32 site)
{
	u32 nr;
	const struct qn_trace_frame *f = qn_stacks_frames(&o->sites, site, &nr);
	char text[256];

	fprintf(o->file, ",%u,", site);
	for (u32 i = 0; i < nr; i++) {
		qn_symbols_text(&o->symbols, qn_stacks_name(&o->sites, &f[i]),
				f[i].offset, QN_SYMBOLS_LONG, text,
				sizeof(text));
		putc(i ? ';' : '"', o->file);
		put_name(o->file, text);
	}
	if (nr)
		putc('"', o->file);
}

static void put_csv(struct output *o, const struct qn_op *op)
{
	FILE *out = o->file;

	fprintf(out, "%" PRIu64 ",%u,%s,", op->ns, op->thread,
		op_names[op->op]);
	if (qn_op_is_heap(op))
		fprintf(out, "%" PRIu64, op->id);
	fprintf(out, ",%" PRIu64 ",%" PRIu64 ",%llu", op->size, op->old_size,
		op->align_shift ? 1ull << op->align_shift : 0ull);
	if (o->sites.nr)
		put_csv_site(o, op->site);
	putc('\n', out);
}

static void head_text(struct output *o)
{
	fputs("# quern trace 1: ns thread call object bytes\n", o->file);
	put_text_sites(o);
}

static void head_csv(struct output *o)
{
	fprintf(o->file, "ns,thread,call,object,bytes,before,alignment%s\n",
		o->sites.nr ? ",site,stack" : "");
}

static const struct format {
	const char *name;
	void (*head)(struct output *o);
	void (*put)(struct output *o, const struct qn_op *op);
} formats[] = {
	{ "text", head_text, put_text },
	{ "csv", head_csv, put_csv },
};

static void write_all(const struct qn_tracefile *t, u32 process, FILE *out,
		      const struct format *f)
{
	struct output o = { .file = out };
	struct qn_process_info info;
	struct qn_reader r;
	struct qn_op op;

	qn_tracefile_process(t, process, &info);
	qn_symbols_init(&o.symbols, info.name ?: "", info.name_size);
	qn_trace_stacks(&o.sites, t, process);
	f->head(&o);
	qn_reader_init(&r, t, process);
	while (qn_reader_next_told(&r, &op))
		f->put(&o, &op);
	qn_reader_exit(&r);
	qn_stacks_exit(&o.sites);
	qn_symbols_exit(&o.symbols);
}

static int convert_to(const struct qn_tracefile *t, u32 process,
		      const struct format *f, const char *output)
{
	FILE *out = output ? qn_stream_out(output) : stdout;
	int err = 0;

	if (!out) {
		err = -errno;
		qn_error_write(output, -errno);
		return err;
	}
	write_all(t, process, out, f);
	/* What standard output does not take is said at the end */
	if (output)
		err = qn_stream_close(out, output);
	if (err)
		qn_error_write(output, err);
	return err;
}

static int convert_to_trace(const struct qn_tracefile *t, u32 process,
			    const char *output, u32 features)
{
	struct qn_writer w;
	struct qn_reader r;
	int err = qn_writer_open(&w, output, features);

	if (err)
		return err;
	qn_writer_copy(&w, t, process, &r);
	qn_reader_exit(&r);
	return qn_writer_close(&w, output);
}

int qn_convert(const struct qn_tracefile *t, u32 process, const char *format,
	       const char *output, u32 features)
{
	bool is_trace = !strcmp(format, "trace");

	if (is_trace && !output) {
		qn_error("--to=trace needs a file to write to: -o FILE");
		return -EINVAL;
	}
	if (is_trace)
		return convert_to_trace(t, process, output, features);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (!strcmp(format, formats[i].name))
			return convert_to(t, process, &formats[i], output);
	qn_error("--to=%s: there are text, csv and trace", format);
	return -EINVAL;
}

/* ---- in ---- */

/* "file+0x12", or "0x12"; a file's name may have a '+' in it */
static bool read_frame(struct qn_import *m, char *text,
		       struct qn_trace_frame *f)
{
	char *plus = strrchr(text, '+'), *number = plus ? plus + 1 : text, *end;

	f->offset = strtoull(number, &end, 16);
	if (end == number || end[strspn(end, " \t\r")])
		return false;
	f->module = plus ? qn_stacks_module(&m->sites, text,
					    min((size_t)(plus - text),
						QN_MODULE_NAME)) :
			   0;
	return true;
}

/* What put_text_sites() writes, from the number on */
static void read_site(struct qn_import *m, char *line)
{
	struct qn_trace_frame frames[QN_TRACE_DEPTH];
	u64 site = strtoull(line, &line, 10);
	char *text, *rest = line + strspn(line, " \t");
	u32 nr = 0;

	while (*rest && nr < QN_TRACE_DEPTH) {
		text = strsep(&rest, ";");
		if (!read_frame(m, text, &frames[nr++])) {
			nr = 0;
			break;
		}
		if (!rest)
			break;
	}
	if (!nr || !qn_stacks_set(&m->sites, site, frames, nr))
		qn_import_bad(m, "is no call site: site number file+0x12;...");
}

/* A line of text: time, thread, call, and what belongs to it */
static void read_text(struct qn_import *m, char *line)
{
	char name[16] = "";
	u64 id = 0, align = 0;
	struct qn_op op = { 0 };
	const char *at;
	int got;

	line[strcspn(line, "#\n")] = 0;
	if (!line[strspn(line, " \t\r")])
		return;
	if (!strncmp(line, "site ", 5)) {
		read_site(m, line + 5);
		return;
	}
	at = strchr(line, '@');
	if (at)
		op.site = (u32)strtoul(at + 1, NULL, 10);
	got = sscanf(line,
		     "%" SCNu64 " %u %15s %" SCNu64 " %" SCNu64 " %" SCNu64,
		     &op.ns, &op.thread, name, &id, &op.size, &align);
	for (u8 i = QN_TRACE_NR_OPS; i-- > 1;)
		if (op_names[i] && !strcmp(op_names[i], name))
			op.op = i;
	if (got < 3 || !op.op || (qn_op_is_heap(&op) && got < 4) ||
	    (op.op <= QN_TRACE_REALLOC && got < 5))
		qn_import_bad(
			m,
			"is no line of a trace: time thread call object bytes");
	else if (op.op == QN_TRACE_ALIGNED &&
		 (!is_power_of_2(align) || align >> 47))
		qn_import_bad(m, "the alignment is no power of two");
	else if (qn_op_is_heap(&op)) {
		op.align_shift = align ? (u8)qn_ilog2(align) : 0;
		op.old_size = 0;
		qn_import_add(m, id, &op);
	} else {
		op.size = 0;
		qn_writer_put(&m->w, &op);
	}
}

static void lines_in(struct qn_import *m, FILE *in,
		     void (*read_line)(struct qn_import *m, char *line))
{
	char *line = NULL;
	size_t room = 0;

	if (m->first) {
		m->line++;
		read_line(m, m->first);
	}
	while (getline(&line, &room, in) > 0) {
		m->line++;
		read_line(m, line);
	}
	free(line);
}

/* What packs files, and what they begin with */
static const struct packer {
	const char *name;
	const char *magic;
	size_t size;
} packers[] = {
	{ "zstd", "\x28\xb5\x2f\xfd", 4 },
	{ "gzip", "\x1f\x8b", 2 },
};

static const struct packer *find_packer(const char *magic, size_t size)
{
	for (size_t i = 0; i < ARRAY_SIZE(packers); i++)
		if (size >= packers[i].size &&
		    !memcmp(magic, packers[i].magic, packers[i].size))
			return &packers[i];
	return NULL;
}

/* Through what packed it, if anything did */
static FILE *open_input(const char *file, const struct packer **packer)
{
	int fd = qn_stream_in(file);
	char magic[4], *command;
	ssize_t size;
	FILE *in;

	*packer = NULL;
	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	size = pread(fd, magic, sizeof(magic), 0);
	*packer = find_packer(magic, size > 0 ? (size_t)size : 0);
	if (!*packer)
		return fdopen(fd, "r");
	/* For the other program to have it, too */
	fcntl(fd, F_SETFD, 0);
	command = qn_xprintf("%s -dcq <&%d", (*packer)->name, fd);
	in = popen(command, "re");
	free(command);
	close(fd);
	return in;
}

static int close_input(FILE *in, const struct packer *packer, const char *file)
{
	if (!packer) {
		fclose(in);
		return 0;
	}
	if (!pclose(in))
		return 0;
	qn_error("%s: %s could not read it to its end; is it installed "
		 "(Debian: apt-get install %s), is the file whole?",
		 file, packer->name, packer->name);
	return -EIO;
}

static void text_in(struct qn_import *m, FILE *in)
{
	lines_in(m, in, read_text);
}

static void heaptrack_in(struct qn_import *m, FILE *in)
{
	lines_in(m, in, qn_import_heaptrack);
}

static const struct source {
	const char *name;
	void (*read)(struct qn_import *m, FILE *in);
} sources[] = {
	{ "text", text_in },
	{ "heaptrack", heaptrack_in },
};

static const struct source *find_source(const char *format)
{
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		if (!strcmp(sources[i].name, format))
			return &sources[i];
	qn_error("--from=%s: there are text and heaptrack", format);
	return NULL;
}

/* "v version", as heaptrack begins its files, "#" as head_text() does */
static const struct source *source_of(const char *line)
{
	char *end;

	if (!strncmp(line, "# quern trace ", 14))
		return &sources[0];
	if (strncmp(line, "v ", 2) != 0)
		return NULL;
	strtoull(line + 2, &end, 16);
	return end > line + 2 && strchr(" \n", *end) ? &sources[1] : NULL;
}

/* By its first line, which is kept in @m */
static const struct source *recognise(struct qn_import *m, FILE *in)
{
	const struct source *source = NULL;
	size_t room = 0;

	if (getline(&m->first, &room, in) > 0)
		source = source_of(m->first);
	if (!source)
		qn_error("%s: is in no format that is recognised: name it, "
			 "--from=text or heaptrack",
			 m->file);
	return source;
}

bool qn_is_foreign(const char *file)
{
	int fd = qn_stream_in(file);
	char start[32] = "";
	ssize_t n;

	if (fd < 0)
		return false;
	n = pread(fd, start, sizeof(start) - 1, 0);
	close(fd);
	return n > 0 && (find_packer(start, (size_t)n) || source_of(start));
}

static void import_exit(struct qn_import *m)
{
	free(m->first);
	qn_heaptrack_exit(&m->heaptrack);
	qn_objects_exit(&m->objects);
	qn_stacks_exit(&m->sites);
}

/* All that @in holds, to @output */
static int import(struct qn_import *m, FILE *in, const struct source *source,
		  const char *output, u32 features)
{
	const struct qn_process_info info = { .is_known = true,
					      .name = m->file,
					      .name_size = strlen(m->file) };
	int err = qn_writer_open(&m->w, output, features);

	if (err)
		return err;
	qn_writer_process(&m->w, 0, &info);
	qn_writer_sites(&m->w, &m->sites);
	source->read(m, in);
	if (m->nr_bad)
		qn_error("%s: %" PRIu64 " lines were left out", m->file,
			 m->nr_bad);
	if (!m->w.nr_events) {
		qn_error("%s: holds no call that could be read as %s", m->file,
			 source->name);
		err = -ENODATA;
	}
	err = qn_writer_close(&m->w, output) ?: err;
	if (err)
		unlink(output);
	return err;
}

int qn_import(const char *file, const char *format, const char *output,
	      u32 features)
{
	const struct source *source = format ? find_source(format) : NULL;
	struct qn_import m = { .file = file };
	const struct packer *packer;
	FILE *in;
	int err;

	if (format && !source)
		return -EINVAL;
	if (!output) {
		qn_error("trace convert needs a file to write to: -o FILE");
		return -EINVAL;
	}
	in = open_input(file, &packer);
	if (!in) {
		err = -errno;
		qn_error_read(file, -errno);
		return err;
	}
	if (!source)
		source = recognise(&m, in);
	err = source ? import(&m, in, source, output, features) : -EINVAL;
	import_exit(&m);
	return close_input(in, packer, file) ?: err;
}
