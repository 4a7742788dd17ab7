/* SPDX-License-Identifier: MIT */
/*
 * hint-file.h - the hint records of an ELF file: an object, a program, a library, an image of
 * firmware, of either word size.
 *
 * The file may be damaged: each number in it is checked before it is followed.
 */
#ifndef QN_HINT_FILE_H
#define QN_HINT_FILE_H

#include "command/base/elf.h"
#include "quern-hint.h"

/**
 * struct qn_hint_entry - records that are equal but for how often they run
 * @hint:	one of them; its freq is not used
 * @nr:		how many
 * @weight:	sum of their freq
 * @name:	of the type, or of the function where no type is known; NULL: the file does
 *		not tell. It lies in the file's map.
 */
struct qn_hint_entry {
	struct qn_hint hint;
	u32 nr;
	u64 weight;
	const char *name;
};

/**
 * struct qn_hint_file - what a file says
 * @elf:	the file; mapped until qn_hint_file_close()
 * @at, @nr:	its entries, by size
 * @nr_records:	sum of their @nr
 * @ptr_bits:	of the target
 * @nr_other:	notes of versions that this command does not know
 * @nr_bad:	notes and records that cannot be right
 * @is_damaged:	headers of the file cannot be right, or @nr_bad is not 0
 */
struct qn_hint_file {
	struct qn_elf elf;
	struct qn_hint_entry *at;
	u32 nr;
	u32 nr_records;
	u32 ptr_bits;
	u32 nr_other;
	u32 nr_bad;
	bool is_damaged;
};

/**
 * qn_hint_file_read() - read a file that is mapped
 * @f:		the map and its size are set in @f->elf, all else is 0
 *
 * Return: 0, with or without entries; -EBADMSG: damaged, and there are none; -ENOTSUP: it is of
 * the other byte order.
 */
int qn_hint_file_read(struct qn_hint_file *f);

/**
 * qn_hint_file_open() - map a file and read it
 * @path:	its name, for messages as well
 *
 * Return: 0, with or without entries, or -errno, with a message.
 */
int qn_hint_file_open(struct qn_hint_file *f, const char *path);
void qn_hint_file_close(struct qn_hint_file *f);

#endif /* QN_HINT_FILE_H */
