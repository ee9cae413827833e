/* SPDX-License-Identifier: Apache-2.0 */
/* The hostile object under a ring's name, and what is around it. */
#ifndef VSHM_FUZZ_OBJECT_H
#define VSHM_FUZZ_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OBJECT_SLOTS 4u
#define OBJECT_SLOT_SIZE 256u

/* The input, byte for byte; zeros once it has been used up. */
struct input {
	const uint8_t *data;
	size_t size;
};

uint64_t input_take(struct input *input, unsigned bytes);

/* The name under which the object lies. */
const char *object_name(void);

/* Its channel's number; -1: it is no channel's. */
int object_channel(void);

/* Before anything else, once. */
void object_prepare(void);

/* Puts an object under the name, as the input says. */
void object_make(struct input *input);
/* Takes it away, with all changes that are still due. */
void object_remove(void);

/* The name goes or leads elsewhere, the object has another size, or somebody has a lock on it. */
void object_disturb(uint32_t word);
/* One of the semaphores changes, goes, or is somebody else's. */
void object_scribble(struct input *input);

/* What the name leads to, for the writer may have replaced the ring; the first one where it leads nowhere. */
struct memory_file *object_now(void);
/* What lay under the name first. */
struct memory_file *object_first(void);
/* Of the image that it began as. */
const struct geometry *object_geometry(void);

#endif
