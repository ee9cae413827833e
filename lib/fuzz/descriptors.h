/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of files in memory, and of texts. */
#ifndef VSHM_FUZZ_DESCRIPTORS_H
#define VSHM_FUZZ_DESCRIPTORS_H

#include "memory.h"

#define DESCRIPTOR_TEXT_MAX 128

/* What the kernel calls an open file description: a lock belongs to it. */
struct description {
	int number; /* from 1 */
	unsigned descriptors;
	struct memory_file *file; /* NULL: a text */
	char text[DESCRIPTOR_TEXT_MAX];
	int flags;
};

/* A descriptor of the file, or of the text; the lowest that is free. */
int descriptor_make(struct memory_file *file, const char *text, int flags);
/* The description of an open descriptor, or NULL. */
struct description *descriptor_find(int fd);
/* One more descriptor of the same description, not below least. */
int descriptor_again(int fd, int least);
/* The last one of a description lets go of its locks. */
void descriptor_close(int fd);
/* Ends the program where one is kept in the place of a standard stream. */
void descriptors_spare_streams(void);
/* Ends the program unless all are closed. */
void descriptors_must_be_closed(void);

#endif
