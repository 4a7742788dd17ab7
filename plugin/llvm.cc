// SPDX-License-Identifier: MIT
/*
 * llvm.cc - LLVM's plugin: hint records of the allocation sites that clang compiles. One source,
 * built for each LLVM that is here.
 *
 *	clang -fpass-plugin=quern.so				records
 *	QUERN_WRAP=xmalloc,xcalloc:2:1 clang ...		functions that allocate as well; sites.h
 *	RUSTC_BOOTSTRAP=1 rustc -O -Zllvm-plugins=quern.so	records; of rustc's own LLVM
 *
 * A pass looks at each function at the end of the optimizer, also without optimisation. It changes
 * no instruction: records become a text for the assembler, beside the functions. LLVM knows less of
 * types than GCC does. The name of a structure is seen where the code computes the address of
 * one of its members, or, up to LLVM 14, where the pointer to it is cast; in optimised code
 * where a member is read or written, by what alias analysis is told (TBAA). Of Rust the names
 * of functions tell types, and how vectors grow.
 */
#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/BlockFrequencyInfo.h>
#include <llvm/Analysis/LazyValueInfo.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>
#include <llvm/Demangle/Demangle.h>
#include <llvm/Passes/PassBuilder.h>
#if LLVM_VERSION_MAJOR < 22
#include <llvm/Passes/PassPlugin.h>
#else
#include <llvm/Plugins/PassPlugin.h>
#endif
#include <llvm/Support/ErrorHandling.h>

#include <string>

static void *grow(void *array, size_t bytes)
{
	array = realloc(array, bytes);
	if (!array)
		llvm::report_fatal_error("quern: no memory for hint records");
	return array;
}

#define QN_GROW(array, bytes) grow(array, bytes)
#include "sites.h"

using namespace llvm;

#include "types.h"

/* Steps through definitions and uses, so that no site takes long */
#define NAMES_MOST 24
#define USES_MOST  64

/* A function while its sites are looked at */
struct look {
	Function *fn;
	const DataLayout *layout;
	LoopInfo *loops;
	BlockFrequencyInfo *freqs;
	ScalarEvolution *evolution;
	LazyValueInfo *values;
	struct records *records;
};

/* --- which calls allocate --------------------------------------------------- */

static Function *called(const CallBase *call)
{
	return dyn_cast<Function>(
		call->getCalledOperand()->stripPointerCasts());
}

/* A function with attribute alloc_size */
static bool kind_of_attribute(CallBase *call, struct alloc_kind *kind)
{
	Attribute size = call->getFnAttr(Attribute::AllocSize);

	if (!size.isValid())
		return false;
	auto args = size.getAllocSizeArgs();
	*kind = { "", (int)args.first, NO_ARG, NO_ARG, NO_ARG, 0, 0 };
	if (args.second) {
		kind->count = kind->size;
		kind->size = (int)*args.second;
	}
	return true;
}

/* A call by pointer of void *f(size_t): a hook for malloc, as far as one can tell */
static bool kind_of_hook(const struct look *look, CallBase *call,
			 struct alloc_kind *kind)
{
	FunctionType *type = call->getFunctionType();
	Type *size = look->layout->getIntPtrType(look->fn->getContext());

	if (call->isInlineAsm() || type->isVarArg() ||
	    type->getNumParams() != 1 || type->getParamType(0) != size ||
	    !type->getReturnType()->isPointerTy())
		return false;
#if LLVM_VERSION_MAJOR < 15
	if (type->getReturnType() != Type::getInt8PtrTy(look->fn->getContext()))
		return false;
#endif
	*kind = { "", 0, NO_ARG, NO_ARG, NO_ARG, QN_HINT_HOOK, 0 };
	return true;
}

static bool find_call_kind(const struct look *look, CallBase *call,
			   struct alloc_kind *kind)
{
	Function *fn = called(call);

	if (isa<IntrinsicInst>(call))
		return false;
	if (!fn)
		return kind_of_attribute(call, kind) ||
		       kind_of_hook(look, call, kind);
	return find_kind(fn->getName().str().c_str(), kind) ||
	       kind_of_attribute(call, kind);
}

static Value *arg_of(CallBase *call, int nr)
{
	return nr < 0 || nr >= (int)call->arg_size() ? nullptr :
						       call->getArgOperand(nr);
}

static bool frees(CallBase *call, Value *block)
{
	Function *fn = called(call);
	int nr = fn ? freed_arg(fn->getName().str().c_str()) : NO_ARG;

	return nr != NO_ARG && arg_of(call, nr) == block;
}

/* --- sizes ------------------------------------------------------------------ */

/* The values that an argument can have where it is passed. No object is larger than half of all. */
static struct span span_of(struct look *look, Value *arg, CallBase *call)
{
	unsigned int bits = arg->getType()->getIntegerBitWidth();

	if (auto *constant = dyn_cast<ConstantInt>(arg))
		return { constant->getLimitedValue(),
			 constant->getLimitedValue() };
	if (bits > 64)
		return any_span;
	ConstantRange range = look->evolution->getUnsignedRange(
		look->evolution->getSCEV(arg));
	range = range.intersectWith(
		look->values->getConstantRange(arg, call, true));
	range = range.intersectWith(ConstantRange::getNonEmpty(
		APInt(bits, 0), APInt::getSignedMinValue(bits)));
	if (range.isEmptySet())
		return any_span;
	return { range.getUnsignedMin().getZExtValue(),
		 range.getUnsignedMax().getZExtValue() };
}

/* A size as count * factor + extra, as far back as it is computed from constants */
struct shape {
	Value *count;
	uint64_t factor;
	uint64_t extra;
	bool added;
};

/* Around a product that is checked, as of new T[n]: the product itself */
static Value *unchecked(Value *size)
{
	if (auto *select = dyn_cast<SelectInst>(size)) {
		auto *most = dyn_cast<ConstantInt>(select->getTrueValue());

		if (most && most->isMinusOne())
			size = select->getFalseValue();
	}
	if (auto *part = dyn_cast<ExtractValueInst>(size))
		if (isa<WithOverflowInst>(part->getAggregateOperand()))
			return part->getAggregateOperand();
	return size;
}

/* Take one operation with a constant off a size. Return: false if there is none. */
static bool peel(struct shape *s)
{
	auto *def = dyn_cast<Instruction>(unchecked(s->count));
	unsigned int opcode = def ? def->getOpcode() : 0;
	Value *first, *second;
	uint64_t number;

	if (!def)
		return false;
	if (isa<ZExtInst>(def) || isa<SExtInst>(def) || isa<TruncInst>(def)) {
		s->count = def->getOperand(0);
		return true;
	}
	if (auto *product = dyn_cast<WithOverflowInst>(def))
		opcode = product->getBinaryOp();
	else if (!isa<BinaryOperator>(def))
		return false;
	first = def->getOperand(0);
	second = def->getOperand(1);
	if (isa<ConstantInt>(first) && opcode != Instruction::Shl)
		std::swap(first, second);
	if (!isa<ConstantInt>(second)) {
		s->added |= opcode == Instruction::Add;
		return false;
	}
	number = cast<ConstantInt>(second)->getLimitedValue();
	if (opcode == Instruction::Mul) {
		s->factor = times(s->factor, number);
	} else if (opcode == Instruction::Shl && number <= 32) {
		s->factor = times(s->factor, (uint64_t)1 << number);
	} else if (opcode == Instruction::Add) {
		if (!cast<ConstantInt>(second)->isNegative()) {
			s->extra += times(s->factor, number);
			s->added = true;
		}
	} else {
		return false;
	}
	s->count = first;
	return true;
}

static struct shape shape_of(Value *size)
{
	struct shape s = { size, 1, 0, false };

	for (int i = 0; i < DEPTH_MOST && peel(&s); i++)
		;
	return s;
}

/* --- what becomes of the block ---------------------------------------------- */

/*
 * A site: its record as it grows, and a structure that the block seems to be; or, without one, what
 * alias analysis is told of it
 */
struct site {
	struct look *look;
	struct qn_hint hint;
	struct span bytes;
	struct shape shape;
	StructType *type;
	const MDNode *alias;
	SmallVector<Value *, NAMES_MOST> names;
	unsigned int nr_uses;
};

/* A type must go with the bytes that are asked for */
static void consider(struct site *s, Type *type)
{
	auto *record = dyn_cast<StructType>(type);
	uint64_t bytes;

	if (s->type || !record || !record->hasName() || record->isOpaque())
		return;
	bytes = s->look->layout->getTypeAllocSize(record);
	if (!bytes || bytes > s->bytes.most)
		return;
	if (s->bytes.least == s->bytes.most ? s->bytes.least % bytes != 0 :
	    s->shape.factor > 1             ? s->shape.factor % bytes != 0 :
					      false)
		return;
	s->type = record;
}

/*
 * A read or write of a member: its tag names the structure, and where in it the member lies. That
 * has to be where the access is, @at bytes from the begin of the block.
 */
static void consider_access(struct site *s, User *user, uint64_t at)
{
	auto *access = dyn_cast<Instruction>(user);
	MDNode *tag = access ? access->getMetadata(LLVMContext::MD_tbaa) :
			       nullptr;
	MDNode *base;

	if (s->alias || !tag || tag->getNumOperands() < 3)
		return;
	base = dyn_cast<MDNode>(tag->getOperand(0));
	auto *offset = mdconst::dyn_extract<ConstantInt>(tag->getOperand(2));
	if (base && offset && base != tag->getOperand(1) &&
	    offset->getZExtValue() == at)
		s->alias = base;
}

/* The same where the member's address was computed */
static void consider_address(struct site *s, GetElementPtrInst *address)
{
	APInt at(s->look->layout->getIndexTypeSizeInBits(address->getType()),
		 0);

	consider(s, address->getSourceElementType());
	if (!address->accumulateConstantOffset(*s->look->layout, at))
		return;
	for (User *user : address->users())
		if (getLoadStorePointerOperand(user) == address)
			consider_access(s, user, at.getZExtValue());
}

static void follow(struct site *s, Value *name)
{
	if (!is_contained(s->names, name) && s->names.size() < NAMES_MOST)
		s->names.push_back(name);
}

/* A block that went into a local variable comes out of it again: all code without -O does so */
static void follow_loads(struct site *s, Value *variable)
{
	variable = variable->stripPointerCasts();
	if (!isa<AllocaInst>(variable))
		return;
	for (User *user : variable->users()) {
		if (isa<LoadInst>(user) && user->getType()->isPointerTy())
			follow(s, user);
		if (isa<BitCastInst>(user))
			for (User *load : user->users())
				if (isa<LoadInst>(load))
					follow(s, load);
	}
}

static void see_use(struct site *s, User *user, Value *block)
{
	if (auto *call = dyn_cast<CallBase>(user)) {
		if (frees(call, block))
			s->hint.flags |= QN_HINT_FREED;
	} else if (getLoadStorePointerOperand(user) == block) {
		consider_access(s, user, 0);
	} else if (auto *store = dyn_cast<StoreInst>(user)) {
		follow_loads(s, store->getPointerOperand());
	} else if (auto *address = dyn_cast<GetElementPtrInst>(user)) {
		if (address->getPointerOperand() == block)
			consider_address(s, address);
	} else if (isa<ReturnInst>(user)) {
		s->hint.flags |= QN_HINT_RETURNED;
	} else if (isa<PHINode>(user) || isa<BitCastInst>(user)) {
#if LLVM_VERSION_MAJOR < 15
		auto *pointer = dyn_cast<PointerType>(user->getType());

		if (pointer && !pointer->isOpaque())
			consider(s, pointer->getNonOpaquePointerElementType());
#endif
		follow(s, user);
	}
}

static void see_uses(struct site *s)
{
	for (size_t i = 0; i < s->names.size(); i++)
		for (User *user : s->names[i]->users())
			if (s->nr_uses++ < USES_MOST)
				see_use(s, user, s->names[i]);
}

/* Set what follows from the type. Return: its name; of the function where it has none. */
static std::string set_type(struct site *s)
{
	bool is_constant = s->bytes.least == s->bytes.most;
	uint64_t factor = s->shape.factor > 2 ? s->shape.factor : 0;
	struct qn_hint *h = &s->hint;
	std::string name;

	if (s->type)
		name = type_name(s->type);
	if (!name.empty()) {
		h->flags |= QN_HINT_TYPED;
		if (has_pointers(s->type, DEPTH_MOST))
			h->flags |= QN_HINT_HAS_POINTERS;
		if (is_constant || factor)
			factor = s->look->layout->getTypeAllocSize(s->type);
	} else if (s->alias && !(name = alias_name(s->alias)).empty()) {
		h->flags |= QN_HINT_TYPED;
		if (alias_has_pointers(s->alias, DEPTH_MOST))
			h->flags |= QN_HINT_HAS_POINTERS;
	} else if (h->flags & QN_HINT_RUST) {
		name = set_rust_type(h, *s->look->fn);
	}
	if (!is_constant || (factor && s->bytes.least % factor == 0))
		h->elem = (uint32_t)factor;
	if (h->elem && (!is_constant || s->bytes.least > h->elem))
		h->flags |= QN_HINT_ARRAY;
	return name.empty() ? s->look->fn->getName().str() : name;
}

/* --- growth ----------------------------------------------------------------- */

/* More than there was: a number that is kept somewhere, and something more */
static bool is_more(Value *size, uint64_t elem)
{
	struct shape shape = shape_of(size);

	return (shape.added || shape.factor / (elem ? elem : 1) > 1) &&
	       (isa<LoadInst>(shape.count) || isa<PHINode>(shape.count));
}

static bool grows(const struct site *s, Value *old, Value *size)
{
	if (!old || isa<ConstantPointerNull>(old) || isa<ConstantInt>(size))
		return false;
	if ((s->hint.flags & QN_HINT_IN_LOOP) || is_more(size, s->hint.elem))
		return true;
	if (auto *phi = dyn_cast<PHINode>(s->shape.count))
		for (Value *value : phi->incoming_values())
			if (is_more(value, 1))
				return true;
	return false;
}

/* --- a site ----------------------------------------------------------------- */

static void set_place(struct site *s, BasicBlock *bb)
{
	struct look *look = s->look;
	unsigned int depth = look->loops->getLoopDepth(bb);
	double entry =
		(double)look->freqs->getBlockFreq(&look->fn->getEntryBlock())
			.getFrequency();
	double freq = (double)look->freqs->getBlockFreq(bb).getFrequency();

	s->hint.loop_depth = (uint8_t)(depth < 255 ? depth : 255);
	if (depth)
		s->hint.flags |= QN_HINT_IN_LOOP;
	s->hint.freq = freq_of(entry > 0 ? freq / entry : 1);
	if (look->fn->hasFnAttribute(Attribute::Cold))
		s->hint.flags |= QN_HINT_COLD;
	else if (look->fn->hasFnAttribute(Attribute::Hot))
		s->hint.flags |= QN_HINT_HOT;
}

/* A vector that grows by elements of so many bytes */
static void add_growth(struct site *s, uint64_t elem, uint64_t align)
{
	const Function *fn = s->look->fn;
	std::string name;

	s->hint.flags = QN_HINT_RUST | QN_HINT_REALLOC | QN_HINT_GROWS |
			QN_HINT_ARRAY | (s->hint.flags & QN_HINT_IN_LOOP);
	s->hint.elem = (uint32_t)elem;
	s->hint.align_log2 = log2_of(align);
	/* As many as a first push() makes room for */
	set_sizes(&s->hint, { elem == 1    ? 8 :
			      elem <= 1024 ? 4 * elem :
					     elem,
			      UINT64_MAX });
	name = set_rust_type(&s->hint, *fn);
	add_record(s->look->records, &s->hint,
		   name.empty() ? fn->getName().str().c_str() : name.c_str());
}

/* A call where a vector grows, whose last arguments are alignment and size of an element */
static void see_growth(struct look *look, CallBase *call)
{
	int nr = (int)call->arg_size();
	auto *align = dyn_cast_or_null<ConstantInt>(arg_of(call, nr - 2));
	auto *elem = dyn_cast_or_null<ConstantInt>(arg_of(call, nr - 1));
	struct site s = {};

	if (nr < 4 || !align || !elem || elem->isZero() ||
	    elem->getLimitedValue() > BOUND_MOST)
		return;
	s.look = look;
	set_place(&s, call->getParent());
	add_growth(&s, elem->getLimitedValue(), align->getLimitedValue());
}

/* calloc(count, size of one) */
static void set_count(struct site *s, Value *count, CallBase *call)
{
	uint64_t one = s->bytes.least == s->bytes.most ? s->bytes.least : 1;

	s->bytes = span_times(span_of(s->look, count, call), s->bytes);
	s->shape = shape_of(count);
	s->shape.factor = times(s->shape.factor, one);
	s->shape.extra = times(s->shape.extra, one);
}

static void see_site(struct look *look, CallBase *call,
		     const struct alloc_kind *kind)
{
	Value *size = arg_of(call, kind->size);
	Value *count = arg_of(call, kind->count);
	auto *align = dyn_cast_or_null<ConstantInt>(arg_of(call, kind->align));
	struct site s = {};
	std::string name;

	if (!size || !size->getType()->isIntegerTy() ||
	    (kind->count >= 0 && (!count || !count->getType()->isIntegerTy())))
		return;
	s.look = look;
	s.hint.flags = kind->flags;
	s.bytes = span_of(look, size, call);
	s.shape = shape_of(size);
	if (count)
		set_count(&s, count, call);
	if (s.bytes.most > BOUND_MOST && s.bytes.least < s.bytes.most &&
	    s.shape.extra < BOUND_MOST && s.shape.extra > s.bytes.least)
		s.bytes.least = s.shape.extra;
	if (align)
		s.hint.align_log2 = log2_of(align->getLimitedValue());
	set_place(&s, call->getParent());
	/* LLVM infers it for all that always grows a vector, since the growth is said to be cold */
	if (kind->flags & QN_HINT_RUST)
		s.hint.flags &= ~QN_HINT_COLD;
	/* There the vectors of all callers grow: by what they ask, or by one size if all ask it */
	if (is_growth(look->fn)) {
		if (s.shape.factor > 1 && s.shape.factor <= BOUND_MOST && align)
			add_growth(&s, s.shape.factor,
				   align->getLimitedValue());
		return;
	}
	if (kind->by_pointer)
		follow_loads(&s, call->getArgOperand(0));
	else
		follow(&s, call);
	see_uses(&s);
	name = set_type(&s);
	if (kind->old >= 0 && grows(&s, arg_of(call, kind->old), size))
		s.hint.flags |= QN_HINT_GROWS;
	set_sizes(&s.hint, s.bytes);
	add_record(look->records, &s.hint, name.c_str());
}

/* --- the pass --------------------------------------------------------------- */

static void see_function(Function &fn, FunctionAnalysisManager &analyses,
			 struct records *records)
{
	struct look look = {
		&fn,     &fn.getParent()->getDataLayout(),
		nullptr, nullptr,
		nullptr, nullptr,
		records,
	};
	SmallVector<std::pair<CallBase *, struct alloc_kind>, 8> sites;
	SmallVector<CallBase *, 8> growths;
	struct alloc_kind kind;

	for (BasicBlock &bb : fn)
		for (Instruction &i : bb) {
			auto *call = dyn_cast<CallBase>(&i);

			if (call && find_call_kind(&look, call, &kind))
				sites.push_back({ call, kind });
			else if (call && is_growth(called(call)))
				growths.push_back(call);
		}
	if (sites.empty() && growths.empty())
		return;
	look.loops = &analyses.getResult<LoopAnalysis>(fn);
	look.freqs = &analyses.getResult<BlockFrequencyAnalysis>(fn);
	look.evolution = &analyses.getResult<ScalarEvolutionAnalysis>(fn);
	look.values = &analyses.getResult<LazyValueAnalysis>(fn);
	for (auto &site : sites)
		see_site(&look, site.first, &site.second);
	for (CallBase *call : growths)
		see_growth(&look, call);
}

/*
 * rustc comes by twice where it links its parts: the first time holds. The second time more is
 * inlined, and the sizes of vectors' elements are folded into the functions that grow them.
 */
static bool was_seen(const Module &module)
{
	return StringRef(module.getModuleInlineAsm())
		.contains("\t.pushsection\t" QN_HINT_SECTION);
}

static void write_text(Module &module, struct records *records)
{
	char *text = nullptr;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		report_fatal_error("quern: no memory for hint records");
	write_records(to, records,
		      module.getDataLayout().getPointerSizeInBits());
	fclose(to);
	if (size)
		module.appendModuleInlineAsm(StringRef(text, size));
	free(text);
}

struct quern_pass : PassInfoMixin<quern_pass> {
	PreservedAnalyses run(Module &module, ModuleAnalysisManager &analyses)
	{
		if (was_seen(module))
			return PreservedAnalyses::all();
		auto &functions =
			analyses.getResult<FunctionAnalysisManagerModuleProxy>(
					module)
				.getManager();
		struct records records = {};

		for (Function &fn : module)
			if (!fn.isDeclaration() &&
			    !fn.hasAvailableExternallyLinkage())
				see_function(fn, functions, &records);
		write_text(module, &records);
		free(records.at);
		free(records.names);
		return PreservedAnalyses::all();
	}

	/* Also of functions that are not to be optimised */
	static bool isRequired()
	{
		return true;
	}
};

static void register_pass(PassBuilder &builder)
{
	const char *list = getenv("QUERN_WRAP");

	if (list && *list && !add_wrappers(list))
		report_fatal_error(
			"quern: QUERN_WRAP has NAME[:SIZE[:COUNT]],...");
	builder.registerOptimizerLastEPCallback(
		[](ModulePassManager &passes, auto, auto...) {
			passes.addPass(quern_pass());
		});
}

extern "C" LLVM_ATTRIBUTE_WEAK PassPluginLibraryInfo llvmGetPassPluginInfo()
{
	return { LLVM_PLUGIN_API_VERSION, "quern", QN_PLUGIN_VERSION,
		 register_pass };
}
