/* SPDX-License-Identifier: Apache-2.0 */
/* Files in memory, and windows that map them, between guards that fault. */
#ifndef VSHM_FUZZ_MEMORY_H
#define VSHM_FUZZ_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#define MEMORY_CAPACITY ((uint64_t)16 << 20) /* a file is no larger */
#define MEMORY_NAME_MAX 256
#define MEMORY_WINDOWS 6
#define MEMORY_SPOTS 64

/* Unlike assert, never compiled out. */
#define MUST(claim)                                                                                          \
	do {                                                                                                     \
		if (!(claim)) {                                                                                      \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #claim);                                      \
			abort();                                                                                         \
		}                                                                                                    \
	} while (0)

struct memory_window {
	uint8_t *arena; /* NULL: not made yet */
	size_t mapped;  /* bytes; 0: it is free */
	bool writable;
	bool replaced;   /* empty memory lies in its place */
	size_t poisoned; /* from here on */
};

/* A part of a file that was written to. */
struct memory_spot {
	uint8_t *at;
	size_t size;
};

struct memory_file {
	bool exists;
	char name[MEMORY_NAME_MAX]; /* a path; "": it has none */
	unsigned opens;             /* descriptions, and semaphores */
	bool kept;                  /* whatever becomes of its name */
	bool told;                  /* what kind of file it is */
	uint64_t inode;
	uint64_t size;
	uint64_t touchable; /* at least the size: what was cut off under somebody, as the kernel has no seal
						   against it */
	uint8_t *data;      /* for whoever is not under test; it ends where the file's arena does */
	mode_t mode;        /* with the kind of file */
	uid_t owner;
	int holder;  /* description that has the lock; 0: none */
	int claimer; /* likewise */
	int fd;      /* the kernel's: what is mapped */
	uint8_t *arena;
	struct memory_window windows[MEMORY_WINDOWS];
	struct memory_spot spots[MEMORY_SPOTS]; /* all that was written to, unless there are more */
	unsigned spot_count;
};

/* Returns the file of that path, or NULL. */
struct memory_file *memory_find(const char *path);
/* Returns the file whose data lies there. */
struct memory_file *memory_of(const uint8_t *data);
/* Returns a new empty file without a name. */
struct memory_file *memory_make(mode_t mode, uid_t owner);
/* Writes bytes on behalf of a program that is not under test. */
void memory_write(struct memory_file *file, uint64_t offset, const void *bytes, size_t size);
/*
 * Resizes a file. Unlike in the kernel, an open or mapped one can only shrink, and what was cut off can
 * still be touched.
 */
void memory_resize(struct memory_file *file, uint64_t size);
/* Frees the file if it is neither open nor mapped nor named nor kept. */
void memory_forget(struct memory_file *file);
/* Ends the program if anything is mapped, or any file is left. */
void memory_must_be_empty(void);

void *memory_map(struct memory_file *file, size_t size, bool writable);
/* Replaces all that is mapped there by empty memory. */
void memory_replace(void *base, size_t size);
void memory_unmap(void *base, size_t size);

#endif
