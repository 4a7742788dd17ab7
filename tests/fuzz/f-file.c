// SPDX-License-Identifier: MIT
/*
 * f-file.c - files that the command is given: profiles of runs, checkpoints of a training, and
 * ELF files that it asks about.
 *
 * Links: preload/command/learn/merged.c, train-checkpoint.c and preload/command/base/elf.c.
 *
 * The first byte says which. A profile that was read can be written and read again; a
 * checkpoint that was damaged anywhere is refused; of an ELF file nothing is read outside.
 */
#include <errno.h>
#include <unistd.h>

#include "command/base/elf.h"
#include "command/learn/merged.h"
#include "command/learn/train.h"

#include "fuzz.h"

static char path[64];

static void put_file(const void *bytes, size_t size)
{
	FILE *f = fopen(path, "wb");

	if (!f || fwrite(bytes, 1, size, f) != size)
		abort();
	fclose(f);
}

/* ---- profiles ---- */

static void merged(struct fuzz_input *in)
{
	struct qn_merged m, again;
	u32 sizes[32];
	FILE *f;

	put_file(in->at, fuzz_left(in));
	qn_merged_init(&m);
	qn_merged_init(&again);
	if (!qn_merged_read(&m, path, 1)) {
		qn_merged_promoted(&m, sizes, 32);
		f = fopen(path, "wb");
		if (!f)
			abort();
		qn_merged_write(f, &m);
		fclose(f);
		fuzz_expect(!qn_merged_read(&again, path, 1),
			    "what was written is not read");
		fuzz_expect(again.nr == m.nr, "%u sizes, not %u", again.nr,
			    m.nr);
	}
	qn_merged_exit(&m);
	qn_merged_exit(&again);
}

/* ---- checkpoints ---- */

static void checkpoint(struct fuzz_input *in)
{
	struct qn_train_state *before = calloc(1, sizeof(*before));
	struct qn_train_state *after = calloc(1, sizeof(*after));
	struct qn_train t = { .checkpoint = path, .s = before };
	size_t at, nr = 0;
	FILE *f;

	if (!before || !after)
		abort();
	unlink(path);
	fuzz_expect(!qn_train_go_on(&t), "there is no checkpoint");
	before->seed = fuzz_byte(in);
	before->episode = fuzz_byte(in);
	fuzz_expect(!qn_train_keep(&t), "%s", path);
	f = fopen(path, "r+b");
	if (!f)
		abort();
	while (fuzz_left(in)) {
		at = fuzz_u32(in) % sizeof(*before);
		fseek(f, (long)at, SEEK_SET);
		fputc(((char *)before)[at] ^ (int)(fuzz_byte(in) | 1), f);
		nr++;
	}
	fclose(f);
	t.s = after;
	if (!nr)
		fuzz_expect(qn_train_go_on(&t) == 1, "a sound checkpoint");
	else if (nr == 1)
		fuzz_expect(qn_train_go_on(&t) == -EINVAL,
			    "byte %zu is damaged", at);
	else
		qn_train_go_on(&t);
	free(before);
	free(after);
}

/* ---- ELF files ---- */

static void elf(struct fuzz_input *in)
{
	struct qn_elf e;

	put_file(in->at, fuzz_left(in));
	if (qn_elf_open(&e, path))
		return;
	qn_elf_is_native(&e);
	qn_elf_loader(&e);
	qn_elf_defines(&e, "malloc", true);
	qn_elf_defines(&e, "malloc", false);
	qn_elf_mentions(&e, "__asan");
	qn_elf_contains(&e, "jemalloc");
	qn_elf_has_section(&e, ".note.gnu");
	qn_elf_close(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = fuzz_begin(data, size);
	uint32_t what;

	snprintf(path, sizeof(path), "fuzz-%d.file", (int)getpid());
	what = fuzz_byte(&in);
	/* Checkpoints are large, so they are few */
	if (what == '1' && size < 12)
		checkpoint(&in);
	else if (what % 2)
		elf(&in);
	else
		merged(&in);
	unlink(path);
	return 0;
}
