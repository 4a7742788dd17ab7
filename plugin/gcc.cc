// SPDX-License-Identifier: MIT
/*
 * gcc.cc - GCC's plugin: hint records of the allocation sites that GCC compiles, in C and C++,
 * for the host and for Cortex-M. One source, built against the headers of each GCC.
 *
 *	-fplugin=quern.so				records
 *	-fplugin-arg-quern-wrap=xmalloc,xcalloc:2:1	functions that allocate as well; sites.h
 *	-fplugin-arg-quern-no-hooks			no guess at calls by pointer
 *	-fplugin-arg-quern-tokens[=MOST]		calls of malloc become calls of
 *							__alloc_token_malloc, and so on
 *
 * A pass looks at each function behind the pass "optimized": all inlining is done, so a wrapper
 * of malloc is seen with the sizes of its callers. That pass runs without optimisation too. Ours
 * changes no statement, so the code stays as it was but for the section; only with tokens calls
 * get one more argument, which tells the type, and another function. With -flto functions get
 * there when the program is linked: give the linking command the plugin, too.
 */
#define INCLUDE_STRING
#include <gcc-plugin.h>
#include <plugin-version.h>

#include <tree.h>
#include <gimple.h>
#include <ssa.h>
#include <gimple-iterator.h>
#include <gimple-range.h>
#include <tree-pass.h>
#include <tree-phinodes.h>
#include <ssa-iterators.h>
#include <cfgloop.h>
#include <cgraph.h>
#include <predict.h>
#include <attribs.h>
#include <output.h>
#include <sreal.h>
#include <stringpool.h>
#include <context.h>
#include <diagnostic-core.h>

#define QN_GROW(array, bytes) xrealloc(array, bytes)
#include "sites.h"

int plugin_is_GPL_compatible;

static struct records records;
static bool guess_hooks = true;
static bool give_tokens;
static uint64_t most_tokens;

/* Steps through definitions and uses, so that no site takes long */
#define DEPTH_MOST 8
#define NAMES_MOST 24
#define USES_MOST  64

/* A function while its sites are looked at. The ranger is made for the first that needs it. */
struct look {
	function *fn;
	gimple_ranger *ranger;
	bool made_dominators;
};

/* --- which calls allocate --------------------------------------------------- */

static const char *object_name(tree fndecl)
{
	const char *name;

	if (DECL_ASSEMBLER_NAME_SET_P(fndecl))
		name = IDENTIFIER_POINTER(DECL_ASSEMBLER_NAME(fndecl));
	else if (DECL_NAME(fndecl))
		name = IDENTIFIER_POINTER(DECL_NAME(fndecl));
	else
		return "";
	return name[0] == '*' ? name + 1 : name;
}

/* A position that an attribute gives, as one that counts from 0 */
static int attribute_arg(tree args, int nr)
{
	while (args && nr--)
		args = TREE_CHAIN(args);
	if (!args || !tree_fits_shwi_p(TREE_VALUE(args)))
		return NO_ARG;
	return (int)tree_to_shwi(TREE_VALUE(args)) - 1;
}

static bool is_void_pointer(tree type)
{
	return POINTER_TYPE_P(type) && VOID_TYPE_P(TREE_TYPE(type));
}

/* A function with attribute alloc_size. One that takes a block and is no malloc resizes it. */
static bool kind_of_attribute(tree fntype, struct alloc_kind *kind)
{
	tree attrs = TYPE_ATTRIBUTES(fntype), args = TYPE_ARG_TYPES(fntype);
	tree size = lookup_attribute("alloc_size", attrs), align;
	int first, second;

	if (!size || !POINTER_TYPE_P(TREE_TYPE(fntype)))
		return false;
	first = attribute_arg(TREE_VALUE(size), 0);
	second = attribute_arg(TREE_VALUE(size), 1);
	if (first < 0)
		return false;
	align = lookup_attribute("alloc_align", attrs);
	*kind = { "",
		  second < 0 ? first : second,
		  second < 0 ? NO_ARG : first,
		  align ? attribute_arg(TREE_VALUE(align), 0) : NO_ARG,
		  NO_ARG,
		  0,
		  0 };
	if (args && is_void_pointer(TREE_VALUE(args)) && first > 0 &&
	    second != 0 && !lookup_attribute("malloc", attrs)) {
		kind->old = 0;
		kind->flags = QN_HINT_REALLOC;
	}
	return true;
}

/* A call by pointer of void *f(size_t): a hook for malloc, as far as one can tell */
static bool kind_of_hook(tree fntype, struct alloc_kind *kind)
{
	tree args = TYPE_ARG_TYPES(fntype), size;

	if (!guess_hooks || TREE_CODE(fntype) != FUNCTION_TYPE ||
	    !is_void_pointer(TREE_TYPE(fntype)) || !args || !TREE_CHAIN(args) ||
	    !VOID_TYPE_P(TREE_VALUE(TREE_CHAIN(args))))
		return false;
	size = TREE_VALUE(args);
	if (TREE_CODE(size) != INTEGER_TYPE || !TYPE_UNSIGNED(size) ||
	    TYPE_PRECISION(size) != TYPE_PRECISION(size_type_node))
		return false;
	*kind = { "", 0, NO_ARG, NO_ARG, NO_ARG, QN_HINT_HOOK, 0 };
	return true;
}

/* Memory of the stack has sizes, too */
static bool is_alloca(gcall *call)
{
	return gimple_call_builtin_p(call, BUILT_IN_NORMAL) &&
	       ALLOCA_FUNCTION_CODE_P(
		       DECL_FUNCTION_CODE(gimple_call_fndecl(call)));
}

static bool find_call_kind(gcall *call, struct alloc_kind *kind)
{
	tree fndecl, fntype;

	if (gimple_call_internal_p(call) || is_alloca(call))
		return false;
	fndecl = gimple_call_fndecl(call);
	fntype = gimple_call_fntype(call);
	if (fndecl && find_kind(object_name(fndecl), kind))
		return true;
	if (fndecl && kind_of_attribute(TREE_TYPE(fndecl), kind))
		return true;
	return fntype && (kind_of_attribute(fntype, kind) ||
			  (!fndecl && kind_of_hook(fntype, kind)));
}

static tree arg_of(gcall *call, int nr)
{
	if (nr < 0 || nr >= (int)gimple_call_num_args(call))
		return NULL_TREE;
	return gimple_call_arg(call, nr);
}

static bool frees(gcall *call, tree block)
{
	tree fndecl = gimple_call_fndecl(call);
	int nr = fndecl ? freed_arg(object_name(fndecl)) : NO_ARG;

	return nr != NO_ARG && arg_of(call, nr) == block;
}

/* --- sizes ------------------------------------------------------------------ */

static gimple_ranger *ranger_of(struct look *look)
{
	if (look->ranger)
		return look->ranger;
	if (!dom_info_available_p(look->fn, CDI_DOMINATORS)) {
		calculate_dominance_info(CDI_DOMINATORS);
		look->made_dominators = true;
	}
	look->ranger = enable_ranger(look->fn);
	return look->ranger;
}

static void end_look(struct look *look)
{
	if (look->ranger)
		disable_ranger(look->fn);
	if (look->made_dominators)
		free_dominance_info(look->fn, CDI_DOMINATORS);
}

/* The values that an argument can have where it is passed. No object is larger than PTRDIFF_MAX. */
static struct span span_of(struct look *look, tree arg, gimple *where)
{
	uint64_t most = TREE_INT_CST_LOW(TYPE_MAX_VALUE(ptrdiff_type_node));
	int_range_max range;
	struct span s;
	tree type;

	if (tree_fits_uhwi_p(arg))
		return { tree_to_uhwi(arg), tree_to_uhwi(arg) };
	type = TREE_TYPE(arg);
	if (TREE_CODE(arg) != SSA_NAME || !INTEGRAL_TYPE_P(type) ||
	    TYPE_PRECISION(type) > 64 ||
	    !ranger_of(look)->range_of_expr(range, arg, where) ||
	    range.undefined_p())
		return any_span;
	if (TYPE_PRECISION(type) >= TYPE_PRECISION(ptrdiff_type_node))
		range.intersect(int_range<1>(build_zero_cst(type),
					     build_int_cst(type, most)));
	else if (!TYPE_UNSIGNED(type))
		range.intersect(int_range<1>(build_zero_cst(type),
					     TYPE_MAX_VALUE(type)));
	if (range.undefined_p())
		return any_span;
	s.least = range.lower_bound().to_uhwi();
	s.most = range.upper_bound().to_uhwi();
	return s;
}

/*
 * A size as count * factor + extra, as far back as it is computed from constants. @varies: the
 * count itself is a sum of two that are no constants.
 */
struct shape {
	tree count;
	uint64_t factor;
	uint64_t extra;
	bool added;
};

static void peel_plus(struct shape *s, tree operand)
{
	if (TREE_CODE(operand) == INTEGER_CST) {
		int64_t more = TREE_INT_CST_LOW(operand);

		if (TYPE_PRECISION(TREE_TYPE(operand)) <= 32)
			more = (int32_t)more;
		if (more > 0) {
			s->extra += times(s->factor, more);
			s->added = true;
		}
	} else {
		s->added = true;
	}
}

static struct shape shape_of(tree size)
{
	struct shape s = { size, 1, 0, false };

	for (int i = 0; i < DEPTH_MOST && TREE_CODE(s.count) == SSA_NAME; i++) {
		gimple *def = SSA_NAME_DEF_STMT(s.count);
		tree second;

		if (!is_gimple_assign(def))
			break;
		second = gimple_assign_rhs2(def);
		switch (gimple_assign_rhs_code(def)) {
CASE_CONVERT:
		case SSA_NAME:
			break;
		case PLUS_EXPR:
			peel_plus(&s, second);
			if (TREE_CODE(second) != INTEGER_CST)
				return s;
			break;
		case MULT_EXPR:
			if (!tree_fits_uhwi_p(second))
				return s;
			s.factor = times(s.factor, tree_to_uhwi(second));
			break;
		case LSHIFT_EXPR:
			if (!tree_fits_uhwi_p(second) ||
			    tree_to_uhwi(second) > 32)
				return s;
			s.factor = times(s.factor,
					 (uint64_t)1 << tree_to_uhwi(second));
			break;
		default:
			return s;
		}
		s.count = gimple_assign_rhs1(def);
	}
	return s;
}

/* --- what becomes of the block ---------------------------------------------- */

/* A site: its record as it grows, and the best guess at its type */
struct site {
	struct look *look;
	struct qn_hint hint;
	struct span bytes;
	struct shape shape;
	tree type;
	int score;
	tree names[NAMES_MOST];
	unsigned int nr_names;
	unsigned int nr_uses;
};

static bool is_char(tree type)
{
	return TREE_CODE(type) == INTEGER_TYPE && TYPE_PRECISION(type) == 8;
}

/* How well a type goes with the bytes that are asked for; below 0 not at all */
static int score_type(const struct site *s, tree type)
{
	uint64_t bytes = tree_to_uhwi(TYPE_SIZE_UNIT(type));
	int score = RECORD_OR_UNION_TYPE_P(type) ? 6 : is_char(type) ? 1 : 4;

	if (!bytes || s->bytes.most < bytes)
		return -1;
	if (s->bytes.least == s->bytes.most)
		return score + (s->bytes.least == bytes     ? 8 :
				s->bytes.least % bytes == 0 ? 4 :
							      0);
	if (s->shape.factor > 1)
		return score + (s->shape.factor == bytes     ? 8 :
				s->shape.factor % bytes == 0 ? 4 :
							       0);
	return score;
}

static void consider(struct site *s, tree type)
{
	int score;

	type = TYPE_MAIN_VARIANT(type);
	if (VOID_TYPE_P(type) || FUNC_OR_METHOD_TYPE_P(type) ||
	    !COMPLETE_TYPE_P(type) || !TYPE_SIZE_UNIT(type) ||
	    !tree_fits_uhwi_p(TYPE_SIZE_UNIT(type)))
		return;
	score = score_type(s, type);
	if (score > s->score) {
		s->score = score;
		s->type = type;
	}
}

static void consider_pointer(struct site *s, tree type)
{
	if (type && POINTER_TYPE_P(type))
		consider(s, TREE_TYPE(type));
}

static void follow(struct site *s, tree name)
{
	for (unsigned int i = 0; i < s->nr_names; i++)
		if (s->names[i] == name)
			return;
	if (s->nr_names < NAMES_MOST)
		s->names[s->nr_names++] = name;
}

/* A block that went into a local variable comes out of it again: all code without -O does so */
static void follow_loads(struct site *s, tree var)
{
	basic_block bb;

	FOR_EACH_BB_FN(bb, s->look->fn)
	for (gimple_stmt_iterator i = gsi_start_bb(bb); !gsi_end_p(i);
	     gsi_next(&i)) {
		gimple *stmt = gsi_stmt(i);

		if (gimple_assign_load_p(stmt) &&
		    gimple_assign_rhs1(stmt) == var &&
		    TREE_CODE(gimple_assign_lhs(stmt)) == SSA_NAME)
			follow(s, gimple_assign_lhs(stmt));
	}
}

/* An access to the block itself has the type of the whole, and to its first bytes perhaps */
static void consider_access(struct site *s, tree ref, tree block)
{
	tree whole;

	while (handled_component_p(ref))
		ref = TREE_OPERAND(ref, 0);
	if (TREE_CODE(ref) != MEM_REF || TREE_OPERAND(ref, 0) != block ||
	    !integer_zerop(TREE_OPERAND(ref, 1)))
		return;
	whole = TREE_TYPE(TREE_TYPE(TREE_OPERAND(ref, 1)));
	if (RECORD_OR_UNION_TYPE_P(TREE_TYPE(ref)) ||
	    TYPE_MAIN_VARIANT(TREE_TYPE(ref)) == TYPE_MAIN_VARIANT(whole))
		consider(s, TREE_TYPE(ref));
	else if (RECORD_OR_UNION_TYPE_P(whole))
		consider(s, whole);
}

static void see_assign(struct site *s, gimple *stmt, tree block)
{
	tree lhs = gimple_assign_lhs(stmt), rhs = gimple_assign_rhs1(stmt);

	if (rhs == block &&
	    (gimple_assign_single_p(stmt) ||
	     CONVERT_EXPR_CODE_P(gimple_assign_rhs_code(stmt)))) {
		if (TREE_CODE(lhs) == SSA_NAME) {
			if (POINTER_TYPE_P(TREE_TYPE(lhs)))
				follow(s, lhs);
			return;
		}
		consider_pointer(s, TREE_TYPE(lhs));
		if (VAR_P(lhs) && auto_var_in_fn_p(lhs, s->look->fn->decl))
			follow_loads(s, lhs);
		return;
	}
	consider_access(s, lhs, block);
	if (gimple_assign_single_p(stmt))
		consider_access(s, rhs, block);
}

static void see_call(struct site *s, gcall *call, tree block)
{
	tree fntype = gimple_call_fntype(call), params;

	if (frees(call, block)) {
		s->hint.flags |= QN_HINT_FREED;
		return;
	}
	params = fntype ? TYPE_ARG_TYPES(fntype) : NULL_TREE;
	for (unsigned int i = 0; i < gimple_call_num_args(call) && params;
	     i++, params = TREE_CHAIN(params))
		if (gimple_call_arg(call, i) == block)
			consider_pointer(s, TREE_VALUE(params));
}

static void see_use(struct site *s, gimple *stmt, tree block)
{
	switch (gimple_code(stmt)) {
	case GIMPLE_ASSIGN:
		see_assign(s, stmt, block);
		break;
	case GIMPLE_CALL:
		see_call(s, as_a<gcall *>(stmt), block);
		break;
	case GIMPLE_PHI:
		follow(s, gimple_phi_result(stmt));
		break;
	case GIMPLE_RETURN:
		s->hint.flags |= QN_HINT_RETURNED;
		consider_pointer(s, TREE_TYPE(TREE_TYPE(s->look->fn->decl)));
		break;
	default:
		break;
	}
}

static void see_uses(struct site *s)
{
	for (unsigned int i = 0; i < s->nr_names; i++) {
		tree name = s->names[i];
		imm_use_iterator uses;
		use_operand_p use;

		consider_pointer(s, TREE_TYPE(name));
		FOR_EACH_IMM_USE_FAST(use, uses, name)
		{
			if (is_gimple_debug(USE_STMT(use)))
				continue;
			if (s->nr_uses++ < USES_MOST)
				see_use(s, USE_STMT(use), name);
		}
	}
}

/* --- types ------------------------------------------------------------------ */

static bool has_pointers(tree type, int depth)
{
	if (POINTER_TYPE_P(type) || TREE_CODE(type) == OFFSET_TYPE)
		return true;
	if (TREE_CODE(type) == ARRAY_TYPE)
		return has_pointers(TREE_TYPE(type), depth);
	if (!RECORD_OR_UNION_TYPE_P(type) || depth == 0)
		return false;
	for (tree f = TYPE_FIELDS(type); f; f = DECL_CHAIN(f))
		if (TREE_CODE(f) == FIELD_DECL &&
		    has_pointers(TREE_TYPE(f), depth - 1))
			return true;
	return false;
}

/* In C a structure without a tag has its name from a typedef, which is a variant of it */
static tree name_of(tree type)
{
	for (; type; type = TYPE_NEXT_VARIANT(type))
		if (TYPE_NAME(type))
			return TYPE_NAME(type);
	return NULL_TREE;
}

/* The names around a type, then its own; of pointers what they point to. Empty if it has none. */
static std::string type_name(tree type, int depth)
{
	tree name = name_of(type), in;
	std::string inner, outer;

	if (POINTER_TYPE_P(type) && depth) {
		inner = type_name(TYPE_MAIN_VARIANT(TREE_TYPE(type)),
				  depth - 1);
		return inner.empty() ? inner : inner + "*";
	}
	if (!name)
		return inner;
	if (TREE_CODE(name) == IDENTIFIER_NODE)
		return IDENTIFIER_POINTER(name);
	if (!DECL_NAME(name))
		return inner;
	inner = IDENTIFIER_POINTER(DECL_NAME(name));
	in = DECL_CONTEXT(name);
	if (!in || !depth)
		return inner;
	if (TYPE_P(in))
		outer = type_name(in, depth - 1);
	for (; TREE_CODE(in) == NAMESPACE_DECL; in = DECL_CONTEXT(in)) {
		if (DECL_NAME(in) &&
		    strcmp(IDENTIFIER_POINTER(DECL_NAME(in)), "::"))
			outer = std::string(IDENTIFIER_POINTER(DECL_NAME(in))) +
				(outer.empty() ? "" : "::" + outer);
		if (!DECL_CONTEXT(in))
			break;
	}
	return outer.empty() ? inner : outer + "::" + inner;
}

/* Bytes of an element of the type, or of an unknown one if @bytes is 0; 0: there is none */
static uint32_t element_of(const struct site *s, uint64_t bytes)
{
	uint64_t factor = s->shape.factor;

	if (s->bytes.least == s->bytes.most && !bytes)
		bytes = factor > 2 ? factor : 0;
	if (s->bytes.least == s->bytes.most)
		return bytes && s->bytes.least % bytes == 0 ? bytes : 0;
	if (bytes && (!RECORD_OR_UNION_TYPE_P(s->type) ||
		      (factor > 1 && factor % bytes == 0)))
		return bytes;
	return factor > 2 ? factor : 0;
}

/* Set what follows from the type. Return: its name; of the function where it has none. */
static std::string set_type(struct site *s)
{
	struct qn_hint *h = &s->hint;
	std::string name;
	uint64_t bytes = 0;

	if (s->type)
		name = type_name(s->type, DEPTH_MOST);
	if (!name.empty()) {
		h->flags |= QN_HINT_TYPED;
		if (has_pointers(s->type, DEPTH_MOST))
			h->flags |= QN_HINT_HAS_POINTERS;
		bytes = tree_to_uhwi(TYPE_SIZE_UNIT(s->type));
	}
	h->elem = element_of(s, bytes);
	if (h->elem &&
	    (s->bytes.least != s->bytes.most || s->bytes.least > h->elem))
		h->flags |= QN_HINT_ARRAY;
	return name.empty() ? object_name(s->look->fn->decl) : name;
}

/* --- growth ----------------------------------------------------------------- */

static bool is_loaded(tree count)
{
	return TREE_CODE(count) == SSA_NAME &&
	       !SSA_NAME_IS_DEFAULT_DEF(count) &&
	       gimple_assign_load_p(SSA_NAME_DEF_STMT(count));
}

/* More elements than there were: a number that is kept somewhere, and something more */
static bool is_more(tree size, uint64_t elem)
{
	struct shape shape = shape_of(size);

	return (shape.added || (elem && shape.factor / elem > 1)) &&
	       (is_loaded(shape.count) ||
		(TREE_CODE(shape.count) == SSA_NAME &&
		 gimple_code(SSA_NAME_DEF_STMT(shape.count)) == GIMPLE_PHI));
}

static bool grows(const struct site *s, tree old, tree size)
{
	gimple *def;

	if (!old || integer_zerop(old) || TREE_CODE(size) != SSA_NAME)
		return false;
	if (s->hint.flags & QN_HINT_IN_LOOP)
		return true;
	if (is_more(size, s->hint.elem))
		return true;
	if (TREE_CODE(s->shape.count) != SSA_NAME)
		return false;
	def = SSA_NAME_DEF_STMT(s->shape.count);
	if (gimple_code(def) != GIMPLE_PHI)
		return false;
	for (unsigned int i = 0; i < gimple_phi_num_args(def); i++) {
		tree arg = gimple_phi_arg_def(def, i);

		if (TREE_CODE(arg) == SSA_NAME && is_more(arg, 1))
			return true;
	}
	return false;
}

/* --- a site ----------------------------------------------------------------- */

static void set_place(struct site *s, basic_block bb)
{
	profile_count entry = ENTRY_BLOCK_PTR_FOR_FN(s->look->fn)->count;
	struct cgraph_node *node = cgraph_node::get(s->look->fn->decl);
	struct qn_hint *h = &s->hint;
	unsigned int depth = 0;
	bool known = false;
	double freq;

	if (loops_for_fn(s->look->fn) && bb->loop_father)
		depth = bb_loop_depth(bb);
	h->loop_depth = (uint8_t)MIN(depth, 255);
	if (depth)
		h->flags |= QN_HINT_IN_LOOP;
	freq = bb->count.to_sreal_scale(entry, &known).to_double();
	/* Without optimisation nothing is known: a loop goes round eight times */
	if (!known)
		freq = 1u << 3 * MIN(depth, 5);
	h->freq = freq_of(freq);
	if (probably_never_executed_bb_p(s->look->fn, bb) ||
	    (node && node->frequency == NODE_FREQUENCY_UNLIKELY_EXECUTED) ||
	    lookup_attribute("cold", DECL_ATTRIBUTES(s->look->fn->decl)))
		h->flags |= QN_HINT_COLD;
	else if ((node && node->frequency == NODE_FREQUENCY_HOT) ||
		 lookup_attribute("hot", DECL_ATTRIBUTES(s->look->fn->decl)) ||
		 (profile_status_for_fn(s->look->fn) == PROFILE_READ &&
		  maybe_hot_bb_p(s->look->fn, bb)))
		h->flags |= QN_HINT_HOT;
}

/* Of posix_memalign(): the variable that gets the block */
static void follow_result(struct site *s, gcall *call, int by_pointer)
{
	tree var;

	if (!by_pointer) {
		if (gimple_call_lhs(call) &&
		    TREE_CODE(gimple_call_lhs(call)) == SSA_NAME)
			follow(s, gimple_call_lhs(call));
		else if (gimple_call_lhs(call))
			consider_pointer(s, TREE_TYPE(gimple_call_lhs(call)));
		return;
	}
	var = arg_of(call, 0);
	if (var && TREE_CODE(var) == ADDR_EXPR && VAR_P(TREE_OPERAND(var, 0))) {
		consider_pointer(s, TREE_TYPE(TREE_OPERAND(var, 0)));
		follow_loads(s, TREE_OPERAND(var, 0));
	}
}

/* Return: false if the call has not the arguments of its kind; else @hint is what is known */
static bool see_site(struct look *look, gcall *call, basic_block bb,
		     const struct alloc_kind *kind, struct qn_hint *hint)
{
	tree size = arg_of(call, kind->size), count = arg_of(call, kind->count);
	tree align = arg_of(call, kind->align);
	struct site s = {};
	std::string name;

	if (!size || (kind->count >= 0 && !count))
		return false;
	s.look = look;
	s.hint.flags = kind->flags;
	s.bytes = span_of(look, size, call);
	s.shape = shape_of(size);
	if (count) {
		/* calloc(count, size of one) */
		uint64_t one = s.bytes.least == s.bytes.most ? s.bytes.least :
							       1;

		s.bytes = span_times(span_of(look, count, call), s.bytes);
		s.shape = shape_of(count);
		s.shape.factor = times(s.shape.factor, one);
		s.shape.extra = times(s.shape.extra, one);
	}
	if (s.bytes.most > BOUND_MOST && s.bytes.least < s.bytes.most &&
	    s.shape.extra < BOUND_MOST && s.shape.extra > s.bytes.least)
		s.bytes.least = s.shape.extra;
	if (align && tree_fits_uhwi_p(align))
		s.hint.align_log2 = log2_of(tree_to_uhwi(align));
	set_place(&s, bb);
	follow_result(&s, call, kind->by_pointer);
	see_uses(&s);
	name = set_type(&s);
	if (kind->old >= 0 && grows(&s, arg_of(call, kind->old), size))
		s.hint.flags |= QN_HINT_GROWS;
	set_sizes(&s.hint, s.bytes);
	add_record(&records, &s.hint, name.c_str());
	*hint = s.hint;
	return true;
}

/* --- tokens ----------------------------------------------------------------- */

/* The twin of an allocating function, with one more last argument */
static tree twin_of(tree fndecl)
{
	std::string name = std::string("__alloc_token_") + object_name(fndecl);
	tree old = TREE_TYPE(fndecl), twin;
	auto_vec<tree> args;

	for (tree arg = TYPE_ARG_TYPES(old); arg && arg != void_list_node;
	     arg = TREE_CHAIN(arg))
		args.safe_push(TREE_VALUE(arg));
	args.safe_push(size_type_node);
	twin = build_fn_decl(name.c_str(),
			     build_function_type_array(TREE_TYPE(old),
						       args.length(),
						       args.address()));
	SET_DECL_ASSEMBLER_NAME(twin, get_identifier(name.c_str()));
	TREE_NOTHROW(twin) = TREE_NOTHROW(fndecl);
	DECL_IS_MALLOC(twin) = DECL_IS_MALLOC(fndecl);
	return twin;
}

static void give_token(gimple_stmt_iterator *at, const struct qn_hint *hint)
{
	gcall *call = as_a<gcall *>(gsi_stmt(*at)), *other;
	tree fndecl = gimple_call_fndecl(call);
	auto_vec<tree> args;

	if (!fndecl || !takes_token(object_name(fndecl)))
		return;
	for (unsigned int i = 0; i < gimple_call_num_args(call); i++)
		args.safe_push(gimple_call_arg(call, i));
	args.safe_push(build_int_cstu(
		size_type_node,
		token_of(hint, most_tokens, TYPE_PRECISION(size_type_node))));
	other = gimple_build_call_vec(twin_of(fndecl), args);
	gimple_call_set_lhs(other, gimple_call_lhs(call));
	gimple_call_copy_flags(other, call);
	gimple_set_location(other, gimple_location(call));
	gimple_set_block(other, gimple_block(call));
	gimple_move_vops(other, call);
	gsi_replace(at, other, true);
	cgraph_update_edges_for_call_stmt(call, fndecl, other);
}

/* --- the pass --------------------------------------------------------------- */

static const pass_data quern_pass_data = {
	GIMPLE_PASS,
	"quern_hints",
	OPTGROUP_NONE,
	TV_NONE,
	PROP_cfg | PROP_ssa,
	0,
	0,
	0,
	0,
};

class quern_pass : public gimple_opt_pass
{
      public:
	quern_pass(gcc::context *context)
	    : gimple_opt_pass(quern_pass_data, context)
	{
	}

	unsigned int execute(function *fn) final
	{
		struct look look = { fn, NULL, false };
		struct alloc_kind kind;
		struct qn_hint hint;
		basic_block bb;

		FOR_EACH_BB_FN(bb, fn)
		for (gimple_stmt_iterator i = gsi_start_bb(bb); !gsi_end_p(i);
		     gsi_next(&i)) {
			gcall *call = dyn_cast<gcall *>(gsi_stmt(i));

			if (call && find_call_kind(call, &kind) &&
			    see_site(&look, call, bb, &kind, &hint) &&
			    give_tokens)
				give_token(&i, &hint);
		}
		end_look(&look);
		return 0;
	}
};

static void finish(void *, void *)
{
	if (asm_out_file && !seen_error())
		write_records(asm_out_file, &records, POINTER_SIZE);
}

static bool read_arg(const char *key, const char *value)
{
	char *end;

	if (!strcmp(key, "no-hooks") && !value) {
		guess_hooks = false;
		return true;
	}
	if (!strcmp(key, "wrap"))
		return value && add_wrappers(value);
	if (strcmp(key, "tokens"))
		return false;
	give_tokens = true;
	if (!value)
		return true;
	most_tokens = strtoull(value, &end, 0);
	return most_tokens && !*end;
}

static int read_args(struct plugin_name_args *plugin)
{
	for (int i = 0; i < plugin->argc; i++) {
		const struct plugin_argument *arg = &plugin->argv[i];

		if (read_arg(arg->key, arg->value))
			continue;
		error("quern: %<-fplugin-arg-%s-%s%s%s%>: there are "
		      "%<wrap=NAME[:SIZE[:COUNT]],...%>, %<no-hooks%> and "
		      "%<tokens[=MOST]%>",
		      plugin->base_name, arg->key, arg->value ? "=" : "",
		      arg->value ? arg->value : "");
		return 1;
	}
	return 0;
}

int plugin_init(struct plugin_name_args *plugin,
		struct plugin_gcc_version *version)
{
	static struct plugin_info info = { QN_PLUGIN_VERSION,
					   "hint records of allocation sites" };
	struct register_pass_info place;

	if (!plugin_default_version_check(version, &gcc_version)) {
		error("quern: the plugin is for GCC %s, this is GCC %s",
		      gcc_version.basever, version->basever);
		return 1;
	}
	if (read_args(plugin))
		return 1;
	place.pass = new quern_pass(g);
	place.reference_pass_name = "optimized";
	place.ref_pass_instance_number = 1;
	place.pos_op = PASS_POS_INSERT_AFTER;
	register_callback(plugin->base_name, PLUGIN_PASS_MANAGER_SETUP, NULL,
			  &place);
	register_callback(plugin->base_name, PLUGIN_FINISH_UNIT, finish, NULL);
	register_callback(plugin->base_name, PLUGIN_INFO, NULL, &info);
	return 0;
}
