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
	unsigned mappings;
	struct memory_file *file; /* NULL: a text */
	char text[DESCRIPTOR_TEXT_MAX];
	int flags;
};

/* A descriptor of the file, or of the text; the lowest that is free. */
int fd_make(struct memory_file *file, const char *text, int flags);
/* The description of an open descriptor, or NULL. */
struct description *fd_find(int fd);
/* One more descriptor of the same description, not below least. */
int fd_again(int fd, int least);
/* Ends the program unless the library may close it. */
void fd_close(int fd);
/* What is mapped there keeps the description, too. Once nothing does, it lets go of its locks. */
void fd_map(int fd, const void *base);
void fd_unmap(const void *base);

/* The library's file. Ends the program where the descriptor is none of the library's. */
struct memory_file *fd_file(int fd);

enum fd_owner { FD_OURS, FD_STRANGERS, FD_NOBODYS };

/* Whose it is by now. Ends the program where the library can't have had it. */
enum fd_owner fd_owner(int fd);
/* The program closes all descriptors; those whose bits are set in taken are some file's of its own, then. */
void fds_lose(uint32_t taken);

/* Ends the program where one is kept in the place of a standard stream. */
void fds_spare_streams(void);
/* Ends the program unless all are closed. */
void fds_must_be_closed(void);

#endif
