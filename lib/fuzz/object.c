/* SPDX-License-Identifier: Apache-2.0 */
#include "object.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "images.h"

#define MAX_CHANGES 64

struct change {
	uint64_t offset;
	uint64_t value;
	uint32_t turns; /* until it is due; 0: it was made */
	uint8_t width;
	uint8_t kind;
};

static char name[40];
static char path[64];
static int object = -1;
static uint8_t *shadow; /* the object once more, for those who change it */
static uint64_t size;
static struct geometry geometry; /* of the image that it began as */
static struct change changes[MAX_CHANGES];
static _Atomic uint32_t change_count; /* those before it are complete: the racer makes them too */
static uint32_t due_count;
static pthread_t racer;
static _Atomic bool racing;

void fuzz_turn(void);

uint64_t input_take(struct input *input, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned at = 0; at < bytes && input->size > 0; at++, input->size--)
		value |= (uint64_t)*input->data++ << (8 * at);
	return value;
}

const char *object_name(void)
{
	return name;
}

static void remove_at_exit(void)
{
	(void)unlink(path);
}

void object_prepare(void)
{
	(void)snprintf(name, sizeof(name), "/vshm_fuzz_%d", (int)getpid());
	(void)snprintf(path, sizeof(path), "/dev/shm%s", name);
	(void)atexit(remove_at_exit);
	images_make(name, path);
}

static void put(const uint8_t *bytes, uint64_t length)
{
	if (pwrite(object, bytes, length, 0) != (ssize_t)length)
		abort();
}

/* Zeros stay a hole: of version 1's 15 MB next to nothing is written. */
static void put_image(const struct image *image)
{
	for (uint64_t at = 0; at < image->size; at += IMAGE_PAGE) {
		const uint64_t left = image->size - at;

		if (image->used[at / IMAGE_PAGE] &&
			pwrite(object, image->bytes + at, left < IMAGE_PAGE ? left : IMAGE_PAGE, (off_t)at) < 0)
			abort();
	}
}

static void set_size(uint64_t bytes)
{
	if (shadow != NULL)
		(void)munmap(shadow, size);
	size = bytes;
	if (ftruncate(object, (off_t)size) != 0)
		abort();
	shadow = size != 0 ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, object, 0) : NULL;
	if (shadow == MAP_FAILED)
		abort();
}

/* Mostly small rings, for they are quick; sometimes version 1's, or just bytes. */
void object_make(struct input *input)
{
	const uint8_t kind = (uint8_t)input_take(input, 1) % 64;
	const struct image *image = &images[kind == 63   ? IMAGE_V1_EXTENDED
										: kind == 62 ? IMAGE_V1_PLAIN
													 : IMAGE_SMALL];

	object = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (object < 0)
		abort();
	change_count = due_count = 0;
	geometry = image->geometry;
	if (kind == 60 || kind == 61) {
		const uint64_t length = input_take(input, 2) % 512;

		set_size(kind == 60 ? length : image->size);
		put(input->data, length < input->size ? (length < size ? length : size) : 0);
		return;
	}
	set_size(image->size);
	put_image(image);
}

void object_remove(void)
{
	set_size(0);
	(void)close(object);
	(void)unlink(path);
	object = -1;
	change_count = due_count = 0;
}

void object_resize(struct input *input)
{
	const uint64_t to = input_take(input, 2);

	set_size(to % 4 == 0 ? size + to : to % 4 == 1 ? to : size - (to < size ? to : size));
}

/* ---- changes ---- */

static uint64_t take_place(struct input *input, uint8_t *width)
{
	const uint8_t region = (uint8_t)input_take(input, 1) % 6;
	const uint64_t index = input_take(input, 1);
	const uint32_t slot = (uint32_t)(index / 32) % geometry.slots;

	*width = region == 2 || region == 3 ? 8 : 4;
	switch (region) {
	case 0:
		return index % 16 * 4;
	case 1:
		return geometry.extension_offset + index % 64 * 4;
	case 2:
		return geometry.extension_offset + index % 32 * 8;
	case 3:
		return geometry.line_offset + slot * sizeof(struct layout_line) + index % 8 * 8;
	case 4:
		return geometry.slot_offset + slot * geometry.slot_stride + index % 8 * 4;
	default:
		return (index << 16 | input_take(input, 2)) % (size + 1);
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
	change->value = input_take(input, change->kind == 0 ? 8 : 1);
	if (change->kind == 1)
		change->value = telling[change->value % (sizeof(telling) / sizeof(telling[0]))];
}

static void make(const struct change *change)
{
	uint64_t value = 0;

	if (shadow == NULL || change->offset + change->width > size)
		return;
	memcpy(&value, shadow + change->offset, change->width);
	if (change->kind == 2)
		value += (uint64_t)(int64_t)(int8_t)change->value;
	else if (change->kind == 3)
		value ^= UINT64_C(1) << change->value % 64;
	else
		value = change->value;
	memcpy(shadow + change->offset, &value, change->width);
}

void object_change(struct input *input, uint32_t turns)
{
	struct change change = {.turns = turns};

	take_change(input, &change);
	if (turns == 0)
		make(&change);
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
			make(&changes[at]);
		}
	}
}

static void *race(void *argument)
{
	while (atomic_load_explicit(&racing, memory_order_relaxed)) {
		for (uint32_t at = 0; at < change_count; at++)
			make(&changes[at]);
		(void)sched_yield();
	}
	return argument;
}

void object_race(bool begin)
{
	if (begin == racing)
		return;
	racing = begin;
	if (!begin)
		(void)pthread_join(racer, NULL);
	else if (pthread_create(&racer, NULL, race, NULL) != 0)
		racing = false;
}
