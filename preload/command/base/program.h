/* SPDX-License-Identifier: MIT */
/*
 * program.h - the file behind a program's name, and what a preloaded library can
 * do with it.
 */
#ifndef QN_PROGRAM_H
#define QN_PROGRAM_H

#include "base/compiler.h"
#include "fail.h"

/**
 * qn_program_find() - look a program up as a shell does
 * @name:	with a slash: a path; without: looked for along PATH
 * @path:	the file, the caller's to free; NULL on error
 *
 * Says on stderr what is wrong if anything is.
 *
 * Return: 0, QN_EXIT_NOT_FOUND or QN_EXIT_NOT_EXECUTABLE.
 */
int qn_program_find(const char *name, char **path);

/**
 * qn_program_refuse() - say that a program could not be started
 * @err:	-errno of qn_launch()
 *
 * Return: QN_EXIT_NOT_EXECUTABLE.
 */
int qn_program_refuse(const char *path, int err);

/**
 * qn_program_obstacle() - why does this program not load a preloaded library
 * @path:	the file; a script stands for its interpreter
 *
 * Return: one or two sentences, static. Where nothing about the file explains it,
 * they say what else may.
 */
const char *qn_program_obstacle(const char *path);

/* The same, NULL where nothing about the file explains it */
const char *qn_program_known_obstacle(const char *path);

/**
 * qn_program_image() - the ELF file that a program runs as
 * @path:	its file; of a script the interpreter is it, also behind env(1)
 *
 * Return: its path, the caller's to free.
 */
char *qn_program_image(const char *path);

/**
 * qn_program_malloc() - whose malloc a program calls, in this environment
 *
 * The first file that has one, in the order in which the loader searches: the program, what
 * LD_PRELOAD names, what it is linked with. The loader lists them; nothing of the program runs.
 *
 * Return: the file, the caller's to free; NULL if that cannot be told.
 */
char *qn_program_malloc(const char *path);

/* Does an ELF file define malloc; @is_dynamic: so that others see it */
bool qn_program_has_malloc(const char *file, bool is_dynamic);

/* Would a library that is preloaded keep it from starting at all */
bool qn_program_is_for_musl(const char *path);

#endif /* QN_PROGRAM_H */
