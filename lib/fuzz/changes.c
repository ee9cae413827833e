/* SPDX-License-Identifier: Apache-2.0 */
#include "changes.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "calls.h"
#include "geometry.h"
#include "memory.h"

#define MAX_CHANGES 64

struct change {
	uint64_t offset;
	uint64_t value;
	uint32_t turns; /* until it is due; 0: it was made */
	uint8_t width;
	uint8_t kind;
};

static struct change changes[MAX_CHANGES];
static _Atomic uint32_t change_count; /* those before it are complete: the racer makes them too */
static uint32_t due_count;
static pthread_t racer;
static _Atomic bool racing;

static uint64_t take_place(struct input *input, uint8_t *width)
{
	const uint8_t region = (uint8_t)input_take(input, 1) % 7;
	const uint64_t index = input_take(input, 1);
	const uint32_t slot = (uint32_t)(index / 32) % object_geometry()->slots;

	*width = region == 2 || region == 3 ? 8 : 4;
	switch (region) {
	case 0:
		return index % 16 * 4;
	case 1:
		return object_geometry()->extension_offset + index % 64 * 4;
	case 2:
		return object_geometry()->extension_offset + index % 32 * 8;
	case 3:
		return object_geometry()->line_offset + slot * sizeof(struct layout_line) + index % 8 * 8;
	case 6: /* what is around the object */
		*width = 0;
		return 0;
	case 4:
		return object_geometry()->slot_offset + slot * object_geometry()->slot_stride + index % 8 * 4;
	default:
		return (index << 16 | input_take(input, 2)) % (object_now()->size + 1);
	}
}

static void take_change(struct input *input, struct change *change)
{
	static const uint64_t telling[] = {0,
									   1,
									   2,
									   3,
									   7,
									   30,
									   4096,
									   4097,
									   65536,
									   INT32_MAX,
									   UINT64_C(1) << 31,
									   UINT32_MAX,
									   UINT64_C(1) << 32,
									   INT64_MAX,
									   UINT64_C(1) << 63,
									   UINT64_MAX - 1,
									   UINT64_MAX,
									   VIDEO_SHM_MAGIC,
									   LAYOUT_EXTENSION_MAGIC,
									   VIDEO_SHM_MAX_FRAME_SIZE,
									   VIDEO_SHM_MAX_FRAME_SIZE + 1};

	change->offset = take_place(input, &change->width);
	change->kind = (uint8_t)input_take(input, 1) % 4;
	change->value = input_take(input, change->width == 0 ? 2 : change->kind == 0 ? 8 : 1);
	if (change->kind == 1 && change->width != 0)
		change->value = telling[change->value % (sizeof(telling) / sizeof(telling[0]))];
}

static void make(struct memory_file *file, const struct change *change)
{
	uint64_t value = 0;

	if (change->width == 0) {
		if (!racing) /* the racer needs an object that stays as large as it is */
			object_disturb((uint32_t)change->value);
		return;
	}
	if (change->offset + change->width > file->size)
		return;
	memcpy(&value, file->data + change->offset, change->width);
	if (change->kind == 2)
		value += (uint64_t)(int64_t)(int8_t)change->value;
	else if (change->kind == 3)
		value ^= UINT64_C(1) << change->value % 64;
	else
		value = change->value;
	memory_write(file, change->offset, &value, change->width);
}

void changes_take(struct input *input, uint32_t turns)
{
	struct change change = {.turns = turns};

	changes_race(false);
	take_change(input, &change);
	if (turns == 0)
		make(object_now(), &change);
	if (change_count == MAX_CHANGES)
		return;
	changes[change_count] = change;
	due_count += turns != 0;
	change_count++;
}

void fuzz_turn(void)
{
	if (due_count == 0)
		return;
	for (uint32_t at = 0; at < change_count; at++) {
		if (changes[at].turns != 0 && --changes[at].turns == 0) {
			due_count--;
			make(object_now(), &changes[at]);
		}
	}
}

static void *race(void *argument)
{
	while (atomic_load_explicit(&racing, memory_order_relaxed)) {
		for (uint32_t at = 0; at < change_count; at++)
			if (changes[at].width != 0)
				make(object_first(), &changes[at]);
		(void)sched_yield();
	}
	return argument;
}

void changes_race(bool begin)
{
	if (begin == racing)
		return;
	racing = begin;
	if (!begin)
		(void)pthread_join(racer, NULL);
	else if (pthread_create(&racer, NULL, race, NULL) != 0)
		racing = false;
}

void changes_forget(void)
{
	change_count = due_count = 0;
}
