/* SPDX-License-Identifier: MIT */
/*
 * demangle.h - names of functions as their authors wrote them.
 *
 * Below symbols.c. C++ and both manglings of Rust are read by libiberty, or C++ alone by
 * libstdc++ where the command was built without it.
 */
#ifndef QN_DEMANGLE_H
#define QN_DEMANGLE_H

#include "base/compiler.h"

/**
 * qn_demangle() - the name of a function for people
 * @name:	from a symbol table
 *
 * Parameters are left out, and template arguments that the standard library fills in
 * itself; so are the compiler's marks of clones and a version. Other names stay.
 *
 * Return: a string, the caller's to free.
 */
char *qn_demangle(const char *name);

/* The same name without what stands in <> of templates; may be @to == @name */
void qn_demangle_brief(const char *name, char *to, size_t room);

#endif /* QN_DEMANGLE_H */
