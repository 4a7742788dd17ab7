// SPDX-License-Identifier: MIT
/*
 * image.c - memory behind .bss, handed out once; .data and .bss put back.
 */
#include <string.h>

#include "board.h"
#include "image.h"
#include "print.h"
#include "semihost.h"

#define IMAGE_ALIGN 4096

/* What is short of memory is the image as built: no fault of the heap's */
#define IMAGE_STATUS 72

extern u8 __data_start[], __bss_end[];

void image_init(struct image *image)
{
	struct board_memory ram = board_sram();

	image->next = (u8 *)round_up((uintptr_t)ram.start, IMAGE_ALIGN);
	image->end = (u8 *)ram.start + ram.size;
	image->saved = NULL;
}

size_t image_left(const struct image *image)
{
	return (size_t)(image->end - image->next);
}

/* Return: @size rounded up, which there is */
static size_t need(const struct image *image, size_t size)
{
	size = round_up(size, IMAGE_ALIGN);
	if (size <= image_left(image))
		return size;
	print_error("%u bytes of RAM wanted, %u left: this board is too small "
		    "for the measurement\n",
		    size, image_left(image));
	semihost_exit(IMAGE_STATUS);
}

void *image_get(struct image *image, size_t size)
{
	u8 *p = image->next;

	size = need(image, size);
	image->next += size;
	return memset(p, 0, size);
}

void *image_get_last(struct image *image, size_t size)
{
	image->end -= need(image, size);
	return image->end;
}

static size_t static_size(void)
{
	return (size_t)(__bss_end - __data_start);
}

void image_save(struct image *image)
{
	image->saved = image_get(image, static_size());
	memcpy(image->saved, __data_start, static_size());
}

void image_restore(const struct image *image)
{
	memcpy(__data_start, image->saved, static_size());
}
