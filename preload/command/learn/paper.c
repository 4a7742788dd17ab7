// SPDX-License-Identifier: MIT
/*
 * paper.c - weights from child to child; see paper.h.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "command/base/fail.h"
#include "paper.h"

/* Weights of an episode: before it in the parent's memory, behind it in the child's */
static s32 *shared;

static void begin(const struct qn_sim_episode *e)
{
	const struct qn_paper *p = e->data;

	qn_paper_begin(p->is_begun ? p->weights : NULL, (u32)p->seed);
}

static void end(const struct qn_sim_episode *e)
{
	(void)e;
	memcpy(shared, qn_paper_weights(), QN_PAPER_WEIGHTS * sizeof(s32));
}

static void make_shared(void)
{
	void *p;

	if (shared)
		return;
	p = mmap(NULL, QN_PAPER_WEIGHTS * sizeof(s32), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		qn_error("no memory for weights");
		exit(QN_EXIT_FAILURE);
	}
	shared = p;
}

int qn_paper_run(struct qn_paper *p, struct qn_sim_episode *e)
{
	int err;

	make_shared();
	/* By name: the policy has a table of its own to begin with */
	e->policy = NULL;
	e->settings = "policy:paper-dqn";
	e->begin = begin;
	e->end = end;
	e->data = p;
	err = qn_sim_run(e, 1);
	if (err)
		return err;
	memcpy(p->weights, shared, sizeof(p->weights));
	p->is_begun = true;
	p->seed++;
	return 0;
}

void qn_paper_write(FILE *out, const struct qn_paper *p, const char *comments)
{
	fprintf(out,
		"/* SPDX-License-Identifier: MIT */\n/*\n"
		" * Weights of policy paper-dqn, made by quern train.\n *\n");
	while (*comments) {
		size_t size = strcspn(comments, "\n");

		fprintf(out, " * %.*s\n", (int)size, comments);
		comments += size + (comments[size] == '\n');
	}
	fprintf(out, " */\n#ifndef QN_WEIGHTS_PAPER_H\n"
		     "#define QN_WEIGHTS_PAPER_H\n\n"
		     "#include \"learn/policy-paper-dqn.h\"\n\n"
		     "/* clang-format off */\n"
		     "static const s32 qn_weights_paper[QN_PAPER_WEIGHTS] = {");
	for (u32 i = 0; i < QN_PAPER_WEIGHTS; i++)
		fprintf(out, "%s%d,", i % 8 ? " " : "\n\t", p->weights[i]);
	fprintf(out, "\n};\n/* clang-format on */\n\n"
		     "#endif /* QN_WEIGHTS_PAPER_H */\n");
}
