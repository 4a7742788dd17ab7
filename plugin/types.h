/* SPDX-License-Identifier: MIT */
/*
 * types.h - types as LLVM has them, for the records: names, and whether a type holds pointers.
 *
 * Part of llvm.cc. Structures of C and C++ have names of their own, or are known to alias analysis.
 * Rust has none: there the names of functions tell types, and how vectors grow. They are mangled by
 * rustc's version v0, the default of the compilers that load plugins.
 */
#ifndef QN_PLUGIN_TYPES_H
#define QN_PLUGIN_TYPES_H

/* Steps through members of members */
#define DEPTH_MOST 8

static bool has_pointers(Type *type, int depth)
{
	if (type->isPointerTy())
		return true;
	if (depth)
		for (Type *part : type->subtypes())
			if (has_pointers(part, depth - 1))
				return true;
	return false;
}

/* "struct.shop::order.3" is shop::order: the number tells types of one name apart */
static std::string type_name(StructType *type)
{
	StringRef name = type->getName();

	if (!name.consume_front("struct.") && !name.consume_front("class.") &&
	    !name.consume_front("union."))
		return "";
	if (name.take_front(4) == "anon")
		return "";
	size_t end = name.find_last_not_of("0123456789");
	if (end != StringRef::npos && end + 1 < name.size() && name[end] == '.')
		name = name.take_front(end);
	return name.str();
}

/* Of a structure in C the tag, in C++ a mangled name; templates go without their arguments */
static std::string alias_name(const MDNode *alias)
{
	static const char head[] = "typeinfo name for ";
	auto *text = dyn_cast<MDString>(alias->getOperand(0));
	std::string name = text ? text->getString().str() : "", plain;
	int depth = 0;

	if (!name.compare(0, 4, "_ZTS")) {
		name = demangle(name);
		if (name.compare(0, sizeof(head) - 1, head))
			return "";
		name.erase(0, sizeof(head) - 1);
	}
	for (char c : name) {
		depth += c == '<';
		if (!depth)
			plain += c;
		depth -= c == '>';
	}
	return plain;
}

/* Members are pairs of a type and an offset behind the name */
static bool alias_has_pointers(const MDNode *alias, int depth)
{
	auto *text = dyn_cast<MDString>(alias->getOperand(0));

	if (text && (text->getString() == "any pointer" ||
		     text->getString() == "vtable pointer"))
		return true;
	for (unsigned int i = 1; depth && i < alias->getNumOperands(); i += 2) {
		auto *part = dyn_cast<MDNode>(alias->getOperand(i));

		if (part && alias_has_pointers(part, depth - 1))
			return true;
	}
	return false;
}

/* --- Rust ------------------------------------------------------------------- */

/* T of <alloc::boxed::Box<T>>::new_uninit_in, whose name has it; else empty */
static std::string rust_type(const Function &fn)
{
	static const char *const owners[] = { "<alloc::boxed::Box<",
					      "<alloc::raw_vec::RawVec<",
					      "<alloc::vec::Vec<" };
	std::string name = demangle(fn.getName().str());
	int depth = 0;

	for (const char *owner : owners) {
		size_t from = strlen(owner), at = from;

		if (name.compare(0, from, owner))
			continue;
		for (; at < name.size(); at++) {
			if (!depth && (name[at] == '>' || name[at] == ','))
				return name.substr(from, at - from);
			depth += strchr("<[(", name[at]) != nullptr;
			depth -= strchr(">])", name[at]) != nullptr;
		}
	}
	return "";
}

/* Numbers, and arrays of them; any other type may have pointers */
static bool is_plain_rust(StringRef type)
{
	while (type.consume_front("["))
		;
	if (!type.empty() && StringRef("uif").contains(type[0])) {
		StringRef rest = type.drop_front().take_while(
			[](char c) { return c >= '0' && c <= '9'; });

		type = rest.empty() ? type : type.drop_front(1 + rest.size());
	}
	return type.empty() || type[0] == ';';
}

/* Set what follows from a function of Box<T> or Vec<T>. Return: T, or empty */
static std::string set_rust_type(struct qn_hint *h, const Function &fn)
{
	std::string name = rust_type(fn);

	if (!name.empty()) {
		h->flags |= QN_HINT_TYPED;
		if (!is_plain_rust(name))
			h->flags |= QN_HINT_HAS_POINTERS;
	}
	return name;
}

/* All vectors grow there, by elements of a size that it is told */
static bool is_growth(const Function *fn)
{
	static const char *const names[] = { "finish_grow", "grow_amortized",
					     "do_reserve_and_handle" };

	for (const char *name : names)
		if (fn && fn->getName().contains(name) &&
		    fn->getName().contains("raw_vec"))
			return true;
	return false;
}

#endif /* QN_PLUGIN_TYPES_H */
