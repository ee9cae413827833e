/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arbitrary bytes as a ring, and everything that the library does with a ring, while the bytes change. The
 * input is a base (a sound ring, or bytes), then steps: a change now, a change in so many turns, a call.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "changes.h"
#include "descriptors.h"
#include "host.h"
#include "memory.h"
#include "object.h"
#include "video_shm.h"

#define MAX_STEPS 256
#define READERS 2

#ifndef RACES /* not in the build for the bulk of inputs, which is to be quick */
#define RACES true
#endif

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static video_shm_consumer_t readers[READERS];
static video_shm_view_t views[READERS];
static video_shm_producer_t writer;
static uint32_t slot_size; /* of the writer */
static uint8_t *reserved;
static bool mapped; /* something may have the object mapped */

/* -1 comes with an errno that the header knows. */
static void check_error(int result)
{
	static const int known[] = {EINVAL, EBADF,  ENOENT, EAGAIN,     EPROTO, EACCES, EBUSY,  EMSGSIZE,
								ENOSPC, ESTALE, EPIPE,  EOWNERDEAD, EINTR,  ENOMEM, ENOSYS, EFBIG};

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
		.max_slot_size = word / 2048 % 8 == 7 ? 100
						 : word / 64 % 2      ? VIDEO_SHM_MAX_FRAME_SIZE
											  : 0,
		.name = object_name(),
	};

	if (word / 16384 % 2) /* with a view out, which keeps the ring mapped */
		video_shm_consumer_destroy(&readers[which]);
	if (views[which].data != NULL)
		(void)video_shm_consumer_release(&readers[which], &views[which]);
	video_shm_consumer_destroy(&readers[which]);
	if (word / 1024 % 8 == 7 && object_channel() >= 0)
		check_error(video_shm_consumer_init_channel(&readers[which], object_channel()));
	else
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
	const uint32_t word = (uint32_t)input_take(input, 1), capacity = capacities[word % 4];
	uint8_t *data = malloc(capacity); /* not a byte more, so that one too many is seen */
	video_frame_meta_t meta;
	int size;

	MUST(data != NULL);
	if (word == 255) /* as the original has it: without a capacity */
		size = video_shm_consumer_wait(&readers[which], data, &meta, take_timeout(input));
	else if (word == 251)
		size = video_shm_consumer_read(&readers[which], data, &meta);
	else
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
	slot_size = word >= 254 ? VIDEO_SHM_MAX_FRAME_SIZE : OBJECT_SLOT_SIZE;
	if (word == 254 && object_channel() >= 0)
		check_error(video_shm_producer_init_channel(&writer, object_channel()));
	else
		check_error(video_shm_producer_open(&writer, &options));
	mapped = true;
}

static void write_frame(struct input *input)
{
	static uint8_t data[OBJECT_SLOT_SIZE * 2];
	const uint32_t word = (uint32_t)input_take(input, 2);
	const video_frame_meta_t meta = {.is_keyframe = word & 1, .codec = (uint8_t)(word >> 14)};
	const video_frame_timing_t timing = {.capture_ns = word, .flags = word / 64 % 32};
	const uint32_t size = word / 2 % sizeof(data);
	uint32_t capacity;

	if (reserved != NULL) {
		memset(reserved, 7, OBJECT_SLOT_SIZE);
		if (word % 7 == 0)
			MUST(video_shm_producer_reserve(&writer, &reserved, &capacity) == -1); /* and it stays as it is */
		if (word % 5 == 0)
			video_shm_producer_abort(&writer);
		else if (video_shm_producer_commit(&writer, size, &meta, word / 2 % 2 ? &timing : NULL) != 0)
			return;
		reserved = NULL;
	} else if (word % 3 == 0) {
		check_error(video_shm_producer_reserve(&writer, &reserved, &capacity));
	} else {
		const int result = video_shm_producer_write(&writer, data, size, &meta);

		check_error(result);
		MUST(result != 0 || (size > 0 && size <= slot_size));
	}
}

/* ---- all of it ---- */

/* What is handed out lies within the object. */
static void ask_descriptors(void)
{
	uint64_t offset = 0;
	const int fd = video_shm_producer_descriptor(&writer, &offset);

	check_error(fd);
	if (fd >= 0)
		MUST(offset + OBJECT_SLOT_SIZE <= descriptor_find(fd)->file->touchable);
	for (int at = 0; at < READERS; at++)
		check_error(video_shm_consumer_descriptor(&readers[at]));
}

static void step(struct input *input)
{
	const uint8_t byte = (uint8_t)input_take(input, 1);
	const uint32_t which = byte / 128;
	video_shm_info_t info = {.struct_size = sizeof(info)};

	switch (byte % 16) {
	case 0:
	case 1:
		changes_take(input, 0);
		break;
	case 2:
	case 3:
	case 4:
		changes_take(input, 1 + (uint32_t)input_take(input, 1));
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
		if (which == 0)
			host_time_passes(1000);
		else
			object_scribble(input);
		break;
	case 14:
		if (which != 0)
			ask_descriptors();
		video_shm_consumer_interrupt(&readers[which]);
		check_error(video_shm_producer_info(&writer, &info));
		break;
	default:
		check_books(which);
		break;
	}
}

static void check_line(int level, const char *text, void *unused)
{
	(void)unused;
	MUST((level == VIDEO_SHM_LOG_INFO || level == VIDEO_SHM_LOG_WARNING) && strlen(text) > 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	object_prepare();
	video_shm_set_log(check_line, NULL);
	return 0;
}

/* The first byte: what host it is. Races are rare, as no other input takes as long. */
static enum host_kind take_host(struct input *input)
{
	static const enum host_kind kinds[] = {HOST_REFUSES,       HOST_NO_FUTEX, HOST_NO_SHM,
										   HOST_NO_PROC,       HOST_ODD_PROC, HOST_TIME_NAMESPACE,
										   HOST_CLOSED_STREAMS};
	const uint32_t byte = (uint32_t)input_take(input, 1);

	if (byte == 255)
		return HOST_RACES;
	return byte % 64 < 56 || byte % 64 == 63 ? HOST_PLAIN : kinds[byte % 64 - 56];
}

static void begin(struct input *input)
{
	const enum host_kind kind = take_host(input);

	mapped = false;
	reserved = NULL;
	memset(views, 0, sizeof(views));
	object_make(input);
	host_begin(kind, kind == HOST_PLAIN || kind == HOST_RACES ? 0 : (uint8_t)input_take(input, 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};

	begin(&input);
	for (int count = 0; count < MAX_STEPS && input.size > 0; count++) {
		/* From the first reader or writer on: the changes are known by then. */
		changes_race(RACES && host_kind() == HOST_RACES && mapped);
		step(&input);
		descriptors_spare_streams();
	}
	for (uint32_t which = 0; which < READERS; which++) {
		check_books(which);
		if (views[which].data != NULL)
			release(which);
		video_shm_consumer_destroy(&readers[which]);
	}
	video_shm_producer_destroy(&writer);
	changes_race(false);
	descriptors_must_be_closed();
	object_remove();
	memory_must_be_empty();
	return 0;
}
