// SPDX-License-Identifier: MIT
/*
 * trace-import.c - events that were read from another format become those of a trace.
 */
#include "trace-import.h"

#include <inttypes.h>

#include "command/base/fail.h"

void qn_import_bad(struct qn_import *m, const char *why)
{
	if (m->nr_bad++ < 5)
		qn_error("%s:%" PRIu64 ": %s; left out", m->file, m->line, why);
}

/* Return: false if it should be there and is not, or the other way round */
static bool give_slot(struct qn_import *m, u64 key, struct qn_op *op)
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

void qn_import_add(struct qn_import *m, u64 key, struct qn_op *op)
{
	if (op->size > QN_TRACE_SIZE_MAX)
		qn_import_bad(m, "the size is no size");
	else if (!give_slot(m, key, op))
		qn_import_bad(m, qn_op_allocs(op) ?
					 "the object is there already" :
					 "there is no such object");
	else
		qn_writer_put(&m->w, op);
}
