// SPDX-License-Identifier: MIT
/*
 * cfi.c - the call frame instructions of DWARF, as far as three registers need them:
 * rsp, rbp and the return address.
 */
#include "cfi.h"

#include <string.h>

/* Numbers of registers in the tables of x86-64 */
#define RBP 6
#define RSP 7
#define RA  16

/* States that DW_CFA_remember_state can keep; compilers need one or two */
#define NR_STATES 8

/* Operations; of the first three the low bits are an operand */
enum {
	ADVANCE = 0x40,
	OFFSET = 0x80,
	RESTORE = 0xc0,
	NOP = 0x00,
	ADVANCE1 = 0x02,
	ADVANCE2 = 0x03,
	ADVANCE4 = 0x04,
	OFFSET_EXTENDED = 0x05,
	RESTORE_EXTENDED = 0x06,
	UNDEFINED = 0x07,
	SAME_VALUE = 0x08,
	REGISTER = 0x09,
	REMEMBER = 0x0a,
	RECALL = 0x0b,
	DEF_CFA = 0x0c,
	DEF_CFA_REGISTER = 0x0d,
	DEF_CFA_OFFSET = 0x0e,
	DEF_CFA_EXPRESSION = 0x0f,
	EXPRESSION = 0x10,
	VAL_OFFSET = 0x14,
	VAL_EXPRESSION = 0x16,
	ARGS_SIZE = 0x2e,
};

/* Of expressions these two are understood */
#define OP_DEREF    0x06
#define OP_BREG_RBP 0x76

/**
 * struct saved - where a register of the caller is
 * @how:	enum qn_cfi_rbp; NOWHERE or STRANGE
 * @offset:	in bytes
 */
struct saved {
	enum {
		KEPT,
		IN_FRAME,
		AT_RBP,
		NOWHERE,
		STRANGE
	} how;

	s64 offset;
};

/**
 * struct state - one row of the table
 * @cfa_reg:	RSP, RBP or what there is no rule for
 * @is_deref:	the address lies there
 */
struct state {
	u64 cfa_reg;
	s64 cfa;
	bool is_deref;
	struct saved rbp;
	struct saved ra;
};

/**
 * struct program - a common entry, then a function's
 * @at, @end:	instructions
 * @code, @data: factors
 * @loc, @pc:	how far the row holds, and where it is wanted
 * @first:	the row after the common entry
 * @kept, @nr_kept: remembered rows
 * @is_strange:	something was not understood
 */
struct program {
	const u8 *at, *end;
	u64 code;
	s64 data;
	uintptr_t loc, pc;
	struct state row, first;
	struct state kept[NR_STATES];
	u32 nr_kept;
	bool is_strange;
};

static u64 fixed(const u8 **at, unsigned int size)
{
	u64 v = 0;

	memcpy(&v, *at, size);
	*at += size;
	return v;
}

/* LEB128. @bits: how many the encoding has */
static u64 leb(const u8 **at, unsigned int *bits)
{
	unsigned int shift = 0;
	u64 v = 0;
	u8 b;

	do {
		b = *(*at)++;
		v |= shift < 64 ? (u64)(b & 0x7f) << shift : 0;
		shift += 7;
	} while (b & 0x80);
	*bits = shift;
	return v;
}

static u64 uleb(const u8 **at)
{
	unsigned int bits;

	return leb(at, &bits);
}

static s64 sleb(const u8 **at)
{
	unsigned int bits;
	u64 v = leb(at, &bits);

	/* The last byte's topmost bit is the sign */
	if (bits < 64 && v >> (bits - 1) & 1)
		v |= ~(u64)0 << bits;
	return (s64)v;
}

/* ---- instructions ---- */

static void save(struct program *p, u64 reg, struct saved where)
{
	if (reg == RBP)
		p->row.rbp = where;
	else if (reg == RA)
		p->row.ra = where;
	else if (reg == RSP)
		p->is_strange = true;
}

static void restore(struct program *p, u64 reg)
{
	save(p, reg, reg == RBP ? p->first.rbp : p->first.ra);
}

/* rbp and a distance; false: another expression */
static bool is_breg(const u8 *at, const u8 *end, s64 *offset, bool *is_deref)
{
	if (at == end || *at++ != OP_BREG_RBP)
		return false;
	*offset = sleb(&at);
	*is_deref = at + 1 == end && *at == OP_DEREF;
	return *is_deref || at == end;
}

static void take_expression(struct program *p, u8 op)
{
	u64 reg = op == DEF_CFA_EXPRESSION ? 0 : uleb(&p->at);
	u64 size = uleb(&p->at);
	const u8 *at = p->at;
	s64 offset = 0;
	bool is_deref = false, is_known;

	p->at += size;
	is_known = is_breg(at, p->at, &offset, &is_deref);
	if (op == DEF_CFA_EXPRESSION) {
		p->row.cfa_reg = is_known ? RBP : RA;
		p->row.cfa = offset;
		p->row.is_deref = is_known && is_deref;
		return;
	}
	is_known &= op == EXPRESSION && !is_deref;
	save(p, reg, (struct saved){ is_known ? AT_RBP : STRANGE, offset });
}

static void define_cfa(struct program *p, u64 reg, s64 offset)
{
	p->row.cfa_reg = reg;
	p->row.cfa = offset;
	p->row.is_deref = false;
}

/* Those that move on: false if the row wanted is complete */
static bool advance(struct program *p, u64 delta)
{
	p->loc += delta * p->code;
	return p->loc <= p->pc;
}

static void take_saved(struct program *p, u8 op)
{
	u64 reg = uleb(&p->at);

	switch (op) {
	case OFFSET_EXTENDED:
		save(p, reg,
		     (struct saved){ IN_FRAME, (s64)uleb(&p->at) * p->data });
		break;
	case RESTORE_EXTENDED:
		restore(p, reg);
		break;
	case UNDEFINED:
		save(p, reg, (struct saved){ NOWHERE, 0 });
		break;
	case SAME_VALUE:
		save(p, reg, (struct saved){ KEPT, 0 });
		break;
	default: /* REGISTER, VAL_OFFSET */
		uleb(&p->at);
		save(p, reg, (struct saved){ STRANGE, 0 });
		break;
	}
}

static void take_other(struct program *p, u8 op)
{
	u64 reg;

	switch (op) {
	case NOP:
		break;
	case ARGS_SIZE:
		uleb(&p->at);
		break;
	case REMEMBER:
		if (p->nr_kept < NR_STATES)
			p->kept[p->nr_kept] = p->row;
		p->is_strange |= p->nr_kept++ >= NR_STATES;
		break;
	case RECALL:
		p->is_strange |= !p->nr_kept || p->nr_kept > NR_STATES;
		if (!p->is_strange)
			p->row = p->kept[--p->nr_kept];
		break;
	case DEF_CFA:
		reg = uleb(&p->at);
		define_cfa(p, reg, (s64)uleb(&p->at));
		break;
	case DEF_CFA_REGISTER:
		define_cfa(p, uleb(&p->at), p->row.cfa);
		break;
	case DEF_CFA_OFFSET:
		p->row.cfa = (s64)uleb(&p->at);
		break;
	case DEF_CFA_EXPRESSION:
	case EXPRESSION:
	case VAL_EXPRESSION:
		take_expression(p, op);
		break;
	default:
		if ((op >= OFFSET_EXTENDED && op <= REGISTER) ||
		    op == VAL_OFFSET)
			take_saved(p, op);
		else
			p->is_strange = true;
	}
}

static void execute(struct program *p)
{
	bool goes_on = true;

	while (goes_on && p->at < p->end && !p->is_strange) {
		u8 op = *p->at++, low = op & 0x3f;

		switch (op & 0xc0) {
		case ADVANCE:
			goes_on = advance(p, low);
			break;
		case OFFSET:
			save(p, low,
			     (struct saved){ IN_FRAME,
					     (s64)uleb(&p->at) * p->data });
			break;
		case RESTORE:
			restore(p, low);
			break;
		default:
			if (op >= ADVANCE1 && op <= ADVANCE4)
				goes_on = advance(p,
						  fixed(&p->at,
							1u << (op - ADVANCE1)));
			else
				take_other(p, op);
		}
	}
}

/* ---- entries ---- */

/* Bytes of a pointer in an encoding; 0: it is not fixed */
static unsigned int pointer_size(u8 encoding)
{
	static const u8 sizes[8] = { 8, 0, 2, 4, 8 };

	return encoding == 0x50 ? 0 : sizes[encoding & 7];
}

/*
 * What the letters of the augmentation stand for; @encoding is that of addresses.
 * False: there are others, or it is the frame of a signal, whose rule is its own.
 */
static bool read_augmentation(const char *letters, const u8 *data, u8 *encoding)
{
	*encoding = 0;
	for (; *letters; letters++) {
		u8 e = *letters == 'B' ? 0 : *data++;

		if (*letters == 'R')
			*encoding = e;
		else if (*letters == 'P' && pointer_size(e))
			data += pointer_size(e);
		else if (*letters != 'L' && *letters != 'B')
			return false;
	}
	return pointer_size(*encoding);
}

/* The common entry: its instructions are in the program; false: not understood */
static bool read_common(struct program *p, const u8 *cie, u8 *encoding)
{
	const u8 *at = cie + 9, *data;
	u32 size;
	u64 ra;

	memcpy(&size, cie, 4);
	p->end = cie + 4 + size;
	at += strlen((const char *)at) + 1;
	p->code = uleb(&at);
	p->data = sleb(&at);
	ra = cie[8] == 1 ? fixed(&at, 1) : uleb(&at);
	if (size == UINT32_MAX || ra != RA || cie[9] != 'z')
		return false;
	size = (u32)uleb(&at);
	data = at;
	p->at = at + size;
	return read_augmentation((const char *)cie + 10, data, encoding);
}

static struct qn_cfi_rule rule_of(const struct state *row)
{
	struct qn_cfi_rule rule = { .cfa = (s32)row->cfa,
				    .rbp = (s16)(row->rbp.offset / 8),
				    .rbp_how = (u8)row->rbp.how,
				    .how = QN_CFI_SLOW };

	if (row->ra.how == NOWHERE) {
		rule.how = QN_CFI_END;
		return rule;
	}
	/* A caller's rbp that is lost is not needed, or the tables would tell it */
	if (row->rbp.how == NOWHERE)
		rule.rbp_how = QN_CFI_RBP_KEPT;
	if (row->ra.how != IN_FRAME || row->ra.offset != -8 ||
	    row->rbp.how == STRANGE || rule.cfa != row->cfa ||
	    rule.rbp * 8 != row->rbp.offset)
		return rule;
	if (row->cfa_reg == RSP)
		rule.how = QN_CFI_RSP;
	else if (row->cfa_reg == RBP)
		rule.how = row->is_deref ? QN_CFI_AT_RBP : QN_CFI_RBP;
	return rule;
}

struct qn_cfi_rule qn_cfi_rule(const u8 *fde, uintptr_t start, uintptr_t pc)
{
	const struct qn_cfi_rule slow = { .how = QN_CFI_SLOW };
	struct program p = { .loc = start, .pc = pc };
	u32 size, back;
	u8 encoding;

	memcpy(&size, fde, 4);
	memcpy(&back, fde + 4, 4);
	if (size == UINT32_MAX || !read_common(&p, fde + 4 - back, &encoding))
		return slow;
	execute(&p);
	p.first = p.row;
	p.at = fde + 8 + 2 * pointer_size(encoding);
	p.end = fde + 4 + size;
	size = (u32)uleb(&p.at);
	p.at += size;
	execute(&p);
	return p.is_strange ? slow : rule_of(&p.row);
}
