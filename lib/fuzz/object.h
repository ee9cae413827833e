/* SPDX-License-Identifier: Apache-2.0 */
/* The hostile object under a ring's name, and the changes that come over it. */
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

/* The name under which the object lies, "/vshm_fuzz_PID". */
const char *object_name(void);

/* Before anything else, once. */
void object_prepare(void);

/* Puts an object under the name, as the input says. */
void object_make(struct input *input);
/* Takes it away, with all changes that are still due. */
void object_remove(void);

/* Reads a change from the input and makes it now, or in so many turns; turns 0: now. */
void object_change(struct input *input, uint32_t turns);
/* Makes all changes of this input over and over, from another thread, until it is told to stop. */
void object_race(bool begin);
/* Another size; only while nobody has it mapped: a shrunk mapping faults, and nothing can be done about that.
 */
void object_resize(struct input *input);
/* Lets the library's clock go forward. */
void object_time_passes(uint32_t ms);

#endif
