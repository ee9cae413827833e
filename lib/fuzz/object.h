/* SPDX-License-Identifier: Apache-2.0 */
/* The hostile object under a ring's name, and what is around it. */
#ifndef VSHM_FUZZ_OBJECT_H
#define VSHM_FUZZ_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OBJECT_SLOTS 4u
#define OBJECT_SLOT_SIZE 256u

/* The input, taken byte by byte; zeros once it has been used up. */
struct input {
	const uint8_t *data;
	size_t size;
};

uint64_t input_take(struct input *input, unsigned bytes);

/* Returns the name of the object. */
const char *object_name(void);

/* Returns its channel's number, or -1 if it is no channel's. */
int object_channel(void);

/* Prepares everything. To be called first, and once. */
void object_prepare(void);

/* Puts an object under the name, as the input says. */
void object_make(struct input *input);
/* Removes the object, with all changes that are still due. */
void object_remove(void);

/* Removes the name, leads it elsewhere, resizes the object, or locks it. */
void object_disturb(uint32_t word);
/* Changes a semaphore, removes it, or gives it to somebody else. */
void object_scribble(struct input *input);

/* Returns what the name leads to, since the writer may have replaced the ring, or else the first object. */
struct memory_file *object_now(void);
/* Returns the first object that had the name. */
struct memory_file *object_first(void);
/* Returns the geometry of the image that the object began as. */
const struct geometry *object_geometry(void);

#endif
