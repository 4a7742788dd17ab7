/* SPDX-License-Identifier: MIT */
/*
 * rust.h - what names of functions in Rust tell: types, and how vectors grow.
 *
 * Part of llvm.cc. Types are in names that are mangled by rustc's version v0, the default of the
 * compilers that load plugins.
 */
#ifndef QN_PLUGIN_RUST_H
#define QN_PLUGIN_RUST_H

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

#endif /* QN_PLUGIN_RUST_H */
