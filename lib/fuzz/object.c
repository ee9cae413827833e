/* SPDX-License-Identifier: Apache-2.0 */
#include "object.h"

#include <semaphore.h>
#include <string.h>
#include <sys/stat.h>

#include "changes.h"
#include "host.h"
#include "images.h"
#include "memory.h"

#define CHANNEL 7
/* The second has semaphores, and the last one looks as if it had. */
static const char *const names[] = {"/vshm_fuzz", "/video_stream_ch7", "/video_stream_7"};
static const char *const semaphores[] = {"/dev/shm/sem.video_sem_write_ch7",
										 "/dev/shm/sem.video_sem_read_ch7"};

static const char *name;
static char path[MEMORY_NAME_MAX];
static struct memory_file *object; /* what lay under the name first */
static struct geometry geometry;   /* of the image that it began as */

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

int object_channel(void)
{
	return name == names[1] ? CHANNEL : -1;
}

static void choose_name(unsigned which)
{
	name = names[which];
	(void)snprintf(path, sizeof(path), "/dev/shm%s", name);
}

void object_prepare(void)
{
	choose_name(0);
	host_begin(HOST_PLAIN, 0);
	images_make(name, path);
}

static void put(const uint8_t *bytes, uint64_t length)
{
	memory_write(object, 0, bytes, length < object->size ? length : object->size);
}

/* Zeros stay a hole: of version 1's 15 MB next to nothing is written. */
static void put_image(const struct image *image)
{
	for (uint32_t number = 0; number < image->used_count; number++) {
		const uint64_t at = (uint64_t)image->used[number] * IMAGE_PAGE, left = image->size - at;

		memory_write(object, at, image->bytes + at, left < IMAGE_PAGE ? left : IMAGE_PAGE);
	}
}

static void lay(mode_t mode, uid_t owner, uint64_t size)
{
	object = memory_make(mode, owner);
	object->kept = true;
	(void)strcpy(object->name, path);
	memory_resize(object, size);
}

/* Mostly small rings, for they are quick; sometimes version 1's, or just bytes, or none. */
void object_make(struct input *input)
{
	const uint8_t byte = (uint8_t)input_take(input, 1), kind = byte % 64;
	const struct image *image = &images[kind == 63   ? IMAGE_V1_EXTENDED
										: kind == 62 ? IMAGE_V1_PLAIN
													 : IMAGE_SMALL];

	choose_name(byte >= 192 ? 1 : byte >= 160 ? 2 : 0);
	changes_forget();
	geometry = image->geometry;
	if (kind == 60) {
		lay(S_IFREG | 0600, HOST_USER, input_take(input, 2) % 512);
		put(input->data, input->size);
		return;
	}
	lay((kind == 59 ? S_IFIFO : S_IFREG) | 0600, kind == 58 ? HOST_STRANGER : HOST_USER, image->size);
	if (kind == 61) {
		(void)input_take(input, 2);
		put(input->data, input->size);
	} else {
		put_image(image);
	}
	if (kind == 57)
		object->name[0] = '\0';
}

static void remove_named(const char *which)
{
	struct memory_file *file = memory_find(which);

	if (file == NULL)
		return;
	file->name[0] = '\0';
	memory_forget(file);
}

void object_remove(void)
{
	host_begin(HOST_PLAIN, 0);
	object->kept = false;
	memory_forget(object);
	remove_named(path);
	for (int at = 0; at < 2; at++)
		remove_named(semaphores[at]);
	object = NULL;
	changes_forget();
}

static void resize(uint64_t to)
{
	const uint64_t size = object->size;

	memory_resize(object, to % 4 == 0 ? size + to : to % 4 == 1 ? to : size - (to < size ? to : size));
}

/* The name goes or leads elsewhere, the object has another size, or somebody has a lock on it. */
void object_disturb(uint32_t word)
{
	struct memory_file *now = memory_find(path);

	switch (word % 8) {
	case 0:
		remove_named(path);
		return;
	case 1: /* back again */
		if (now == NULL) {
			(void)strcpy(object->name, path);
			object->told = false; /* not of what is there now */
		}
		return;
	case 2: /* somebody else's bytes */
		remove_named(path);
		now = memory_make(S_IFREG | 0600, HOST_USER);
		memory_resize(now, word / 8);
		(void)strcpy(now->name, path);
		return;
	case 3:
		object->holder = word / 8 % 2 == 0 ? -1 : 0;
		return;
	case 4:
		object->claimer = word / 8 % 2 == 0 ? -1 : 0;
		return;
	default:
		resize(word / 8);
	}
}

void object_scribble(struct input *input)
{
	const uint32_t word = (uint32_t)input_take(input, 2), tokens = word / 8;
	const char *which = semaphores[word % 2];
	struct memory_file *file = memory_find(which);

	switch (word / 2 % 4) {
	case 0:
		remove_named(which);
		return;
	case 1:
		if (file != NULL && file->size >= sizeof(tokens))
			memcpy(file->data, &tokens, sizeof(tokens));
		return;
	default: /* truncated, or somebody else's */
		if (file != NULL)
			return;
		file = memory_make(S_IFREG | 0600, word / 2 % 4 == 2 ? HOST_USER : HOST_STRANGER);
		memory_resize(file, tokens % 2 == 0 ? tokens % sizeof(sem_t) : sizeof(sem_t));
		(void)strcpy(file->name, which);
	}
}

struct memory_file *object_now(void)
{
	struct memory_file *file = memory_find(path);

	return file != NULL ? file : object;
}

struct memory_file *object_first(void)
{
	return object;
}

const struct geometry *object_geometry(void)
{
	return &geometry;
}
