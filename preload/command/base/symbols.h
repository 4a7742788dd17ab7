/* SPDX-License-Identifier: MIT */
/*
 * symbols.h - names of functions and source lines for addresses in programs and
 * libraries.
 *
 * Above demangle.h and dwarf.h. Done by the command when the program has ended, from the
 * symbol tables and the debug information of the ELF files as they are then. A file may be
 * gone, stripped, another one or no ELF at all: then an address stays module+offset.
 */
#ifndef QN_SYMBOLS_H
#define QN_SYMBOLS_H

#include "base/compiler.h"

/* Functions at one address at most: those inlined into one another */
#define QN_SYMBOLS_INLINED 48u

struct qn_symbols_image;

/**
 * struct qn_symbols_frame - a function at an address
 * @function:	demangled; "file+0x1234" where no symbol is near
 * @module:	the file's name without its folder and without the tag that tells a Python
 *		module's machine; "" of no file
 * @file, @line: of the source; NULL and 0: not known
 * @is_named:	a symbol was near
 * @is_inlined:	into the next one
 *
 * Texts are printable, and stay until qn_symbols_exit().
 */
struct qn_symbols_frame {
	const char *function;
	const char *module;
	const char *file;
	u32 line;
	bool is_named;
	bool is_inlined;
};

/**
 * struct qn_symbols_known - an address that was looked up
 * @offset, @image: which; @image is a number + 1, 0: the place is free
 * @first, @nr:	its frames
 */
struct qn_symbols_known {
	u64 offset;
	u32 image;
	u32 first;
	u32 nr;
};

/**
 * struct qn_symbols - the files that were looked into
 * @program:	file of the module ""
 * @images, @nr: each once, also what could not be read
 * @known, @nr_known, @room_known: addresses, hashed
 * @frames, @nr_frames: of all of them
 * @texts, @nr_texts: that these point to
 */
struct qn_symbols {
	char *program;
	struct qn_symbols_image *images;
	u32 nr;
	struct qn_symbols_known *known;
	u32 nr_known;
	u32 room_known;
	struct qn_symbols_frame *frames;
	u32 nr_frames;
	char **texts;
	u32 nr_texts;
};

/* @program: a name of @size bytes; copied */
void qn_symbols_init(struct qn_symbols *s, const char *program, size_t size);
void qn_symbols_exit(struct qn_symbols *s);

/**
 * enum qn_symbols_form - how a return address is told
 * @QN_SYMBOLS_LONG: "function+0x12 (file)"
 * @QN_SYMBOLS_SHORT: "function"
 *
 * Either is "file+0x1234" where no symbol is near. The short form leaves out the tag of a
 * Python module: "_json.so", not "_json.cpython-311-x86_64-linux-gnu.so".
 */
enum qn_symbols_form {
	QN_SYMBOLS_LONG,
	QN_SYMBOLS_SHORT,
};

/**
 * qn_symbols_text() - a return address for people
 * @module:	a file, "" for the program, NULL for none
 * @offset:	into the module as the linker laid it out
 * @to, @room:	terminated, cut short if it does not fit
 */
void qn_symbols_text(struct qn_symbols *s, const char *module, u64 offset,
		     enum qn_symbols_form form, char *to, size_t room);

/**
 * qn_symbols_find() - the functions at a return address
 * @module, @offset: as above
 * @frames:	QN_SYMBOLS_INLINED of them, filled in, the innermost first
 *
 * An address is looked up once.
 *
 * Return: how many, at least 1.
 */
u32 qn_symbols_find(struct qn_symbols *s, const char *module, u64 offset,
		    struct qn_symbols_frame *frames);

#endif /* QN_SYMBOLS_H */
