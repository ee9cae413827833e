/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arbitrary bytes as a ring, and everything that the library does with a ring, while the bytes change. The
 * input is a base (a sound ring, or bytes), then steps: a change now, a change in so many turns, a call.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"
#include "video_shm.h"

#define MAX_STEPS 256
#define READERS 2

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Unlike assert, never compiled out. */
#define MUST(claim)                                                                                          \
	do {                                                                                                     \
		if (!(claim)) {                                                                                      \
			fprintf(stderr, "%s:%d: %s; errno %d\n", __FILE__, __LINE__, #claim, errno);                     \
			abort();                                                                                         \
		}                                                                                                    \
	} while (0)

static video_shm_consumer_t readers[READERS];
static video_shm_view_t views[READERS];
static video_shm_producer_t writer;
static uint8_t *reserved;
static bool mapped; /* something may have the object mapped */

/* -1 comes with an errno that the header knows. */
static void check_error(int result)
{
	static const int known[] = {EINVAL,   EBADF,  ENOENT, EAGAIN, EPROTO,     EACCES, EBUSY,
								EMSGSIZE, ENOSPC, ESTALE, EPIPE,  EOWNERDEAD, EINTR,  ENOMEM};

	if (result >= 0)
		return;
	for (size_t at = 0; at < sizeof(known) / sizeof(known[0]); at++)
		if (errno == known[at])
			return;
	fprintf(stderr, "the header does not name errno %d (%s)\n", errno, strerror(errno));
	abort();
}

static void inspect(struct input *input)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};
	const uint32_t capacity = 1 + (uint32_t)input_take(input, 1);
	video_shm_slot_t *slots = malloc(capacity * sizeof(*slots));
	int count;

	MUST(slots != NULL);
	slots[0].struct_size = sizeof(slots[0]);
	check_error(video_shm_inspect(object_name(), &info));
	count = video_shm_inspect_slots(object_name(), slots, capacity);
	check_error(count);
	MUST(count <= (int)capacity);
	for (int at = 0; at < count; at++)
		MUST(slots[at].whole <= 1 && (slots[at].whole == 0 || slots[at].meta.size != 0));
	free(slots);
}

static void open_reader(struct input *input, uint32_t which)
{
	const uint32_t word = (uint32_t)input_take(input, 2);
	const video_shm_consumer_options_t options = {
		.struct_size = sizeof(options),
		.start = word % 4,
		.policy = word / 4 % 3,
		.resync = word / 16 % 2,
		.reconnect = word / 32 % 2,
		.max_slot_size = word / 64 % 2 ? VIDEO_SHM_MAX_FRAME_SIZE : 0,
		.name = object_name(),
	};

	if (views[which].data != NULL)
		(void)video_shm_consumer_release(&readers[which], &views[which]);
	video_shm_consumer_destroy(&readers[which]);
	check_error(video_shm_consumer_open(&readers[which], &options));
	mapped = true;
}

static void check_books(uint32_t which)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};
	uint32_t total, dropped, missed;

	check_error(video_shm_consumer_stats(&readers[which], &total, &dropped, &missed));
	if (video_shm_consumer_info(&readers[which], &info) == 0)
		MUST(info.received + info.missed + info.skipped == info.span);
}

static uint32_t take_timeout(struct input *input)
{
	const uint32_t timeout = (uint32_t)input_take(input, 1);

	return timeout < 128 ? VIDEO_SHM_NO_WAIT : timeout * 10;
}

static void receive(struct input *input, uint32_t which)
{
	static const uint32_t capacities[] = {1, 100, OBJECT_SLOT_SIZE, VIDEO_SHM_MAX_FRAME_SIZE};
	const uint32_t capacity = capacities[input_take(input, 1) % 4];
	uint8_t *data = malloc(capacity); /* not a byte more, so that one too many is seen */
	video_frame_meta_t meta;
	int size;

	MUST(data != NULL);
	size = video_shm_consumer_receive(&readers[which], data, capacity, &meta, take_timeout(input));
	check_error(size);
	MUST(size <= 0 || ((uint32_t)size <= capacity && (uint32_t)size == meta.size));
	free(data);
}

static void acquire(struct input *input, uint32_t which)
{
	video_shm_view_t view = {.struct_size = sizeof(view)};
	const int size = video_shm_consumer_acquire(&readers[which], &view, take_timeout(input));
	volatile uint8_t sum = 0;

	check_error(size);
	if (size <= 0)
		return;
	MUST((uint32_t)size == view.meta.size);
	for (int at = 0; at < size; at++)
		sum = (uint8_t)(sum ^ ((const volatile uint8_t *)view.data)[at]);
	views[which] = view;
}

static void release(uint32_t which)
{
	const int result = video_shm_consumer_release(&readers[which], &views[which]);

	check_error(result);
	MUST(result <= 1);
}

/* ---- the writer ---- */

static void open_writer(struct input *input)
{
	const uint32_t word = (uint32_t)input_take(input, 1);
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options),
		.slots = word == 255 ? 0 : OBJECT_SLOTS + (word % 8 == 7),
		.slot_size = word == 255 ? 0 : OBJECT_SLOT_SIZE,
		.name = object_name(),
	};

	video_shm_producer_destroy(&writer);
	reserved = NULL;
	check_error(video_shm_producer_open(&writer, &options));
	mapped = true;
}

static void write_frame(struct input *input)
{
	static uint8_t data[OBJECT_SLOT_SIZE * 2];
	const uint32_t word = (uint32_t)input_take(input, 2);
	const video_frame_meta_t meta = {.is_keyframe = word & 1, .codec = (uint8_t)(word >> 14)};
	const uint32_t size = word / 2 % sizeof(data);
	uint32_t capacity;

	if (reserved != NULL) {
		memset(reserved, 7, OBJECT_SLOT_SIZE);
		if (word % 5 == 0)
			video_shm_producer_abort(&writer);
		else if (video_shm_producer_commit(&writer, size, &meta, NULL) != 0)
			return;
		reserved = NULL;
	} else if (word % 3 == 0) {
		check_error(video_shm_producer_reserve(&writer, &reserved, &capacity));
	} else {
		check_error(video_shm_producer_write(&writer, data, size, &meta));
	}
}

static void step(struct input *input)
{
	const uint8_t byte = (uint8_t)input_take(input, 1);
	const uint32_t which = byte / 128;
	video_shm_info_t info = {.struct_size = sizeof(info)};

	switch (byte % 16) {
	case 0:
	case 1:
		object_change(input, 0);
		break;
	case 2:
	case 3:
	case 4:
		object_change(input, 1 + (uint32_t)input_take(input, 1));
		break;
	case 5:
		inspect(input);
		break;
	case 6:
		open_reader(input, which);
		break;
	case 7:
	case 8:
		receive(input, which);
		break;
	case 9:
		acquire(input, which);
		break;
	case 10:
		release(which);
		break;
	case 11:
		open_writer(input);
		break;
	case 12:
		write_frame(input);
		break;
	case 13:
		object_time_passes(1000);
		break;
	case 14:
		if (which != 0 && !mapped)
			object_resize(input);
		video_shm_consumer_interrupt(&readers[which]);
		check_error(video_shm_producer_info(&writer, &info));
		break;
	default:
		check_books(which);
		break;
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	object_prepare();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	const bool race = input_take(&input, 1) % 64 == 63;

	mapped = false;
	reserved = NULL;
	memset(views, 0, sizeof(views));
	object_make(&input);
	for (int count = 0; count < MAX_STEPS && input.size > 0; count++) {
		/* From the first reader or writer on: the changes are known by then. */
		object_race(race && mapped);
		step(&input);
	}
	for (uint32_t which = 0; which < READERS; which++) {
		check_books(which);
		if (views[which].data != NULL)
			release(which);
		video_shm_consumer_destroy(&readers[which]);
	}
	video_shm_producer_destroy(&writer);
	object_race(false);
	object_remove();
	return 0;
}
