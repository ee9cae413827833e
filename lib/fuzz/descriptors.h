/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of files in memory, and of texts. */
#ifndef VSHM_FUZZ_DESCRIPTORS_H
#define VSHM_FUZZ_DESCRIPTORS_H

#include "memory.h"

#define DESCRIPTOR_TEXT_MAX 128

/* An open file description, as the kernel calls it, to which locks belong. */
struct description {
	int number; /* from 1 */
	unsigned descriptors;
	unsigned mappings;
	struct memory_file *file; /* NULL: a text */
	char text[DESCRIPTOR_TEXT_MAX];
	int flags;
};

/* Opens the file, or the text. Returns the lowest free descriptor. */
int fd_make(struct memory_file *file, const char *text, int flags);
/* Returns the description of an open descriptor, or NULL. */
struct description *fd_find(int fd);
/* Duplicates a descriptor. Returns the lowest free one from least on. */
int fd_again(int fd, int least);
/* Closes a descriptor. Ends the program if the library may not close it. */
void fd_close(int fd);
/* A mapping keeps the description open, too. Once nothing does, its locks are released. */
void fd_map(int fd, const void *base);
void fd_unmap(const void *base);

/* Returns the file of a descriptor. Ends the program if the descriptor is not the library's. */
struct memory_file *fd_file(int fd);

enum fd_owner { FD_OURS, FD_STRANGERS, FD_NOBODYS };

/* Returns whose descriptor it is now. Ends the program if it was never the library's. */
enum fd_owner fd_owner(int fd);
/* Closes all descriptors, as a program may; those whose bits are set in taken become its own files'. */
void fds_lose(uint32_t taken);

/* Ends the program if a descriptor is kept in the place of a standard stream. */
void fds_spare_streams(void);
/* Ends the program unless all descriptors are closed. */
void fds_must_be_closed(void);

#endif
