/* SPDX-License-Identifier: MIT */
/*
 * image.h - the measuring image's own memory, apart from .data and .bss.
 *
 * A run of a heap may leave traces in static data: a C library's malloc keeps
 * its state there. So .data and .bss are saved once and put back before each
 * run, and whatever has to survive that lies in memory handed out here.
 */
#ifndef IMAGE_H
#define IMAGE_H

#include "base/compiler.h"

/**
 * struct image - what is left of RAM
 * @next, @end:	not yet handed out
 * @saved:	.data and .bss as they were, or NULL
 */
struct image {
	u8 *next;
	u8 *end;
	u8 *saved;
};

void image_init(struct image *image);

/**
 * image_get() - memory for good, cleared
 * @image:	the image
 * @size:	bytes
 *
 * Ends the run with a message if there is not enough.
 *
 * Return: memory at a multiple of 4096, so that what is measured there does not
 * depend on what was handed out before.
 */
void *image_get(struct image *image, size_t size);

/* The same from the other end, not cleared: for what is soon given up */
void *image_get_last(struct image *image, size_t size);

/* What is left for image_get() */
size_t image_left(const struct image *image);

void image_save(struct image *image);
void image_restore(const struct image *image);

#endif /* IMAGE_H */
