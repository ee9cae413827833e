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
#include "reading.h"
#include "video_shm.h"

#define MAX_STEPS 256

#ifndef RACES /* not in the build for the bulk of inputs, which is to be quick */
#define RACES true
#endif

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static video_shm_producer_t writer;
static uint32_t slot_size; /* of the writer */
static uint8_t *reserved;
static bool mapped; /* something may have the object mapped */

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
	const video_frame_meta_t meta = {
		.is_keyframe = word & 1,
		.codec = (uint8_t)((word >> 13 & 1) * VIDEO_SHM_CODEC_NV12 + (word >> 14)), /* raw pictures, too */
		.width = (uint16_t)(word >> 4),
		.height = (uint16_t)(word << 5),
		.reserved = {(uint8_t)word, 0, (uint8_t)(word >> 3), (uint8_t)(word >> 5), (uint8_t)(word >> 7)},
	};
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
		int result = video_shm_producer_write_timed(&writer, data, size, &meta, &timing);

		if (result == -1 && errno == EINVAL) /* of its flags, perhaps */
			result = video_shm_producer_write(&writer, data, size, &meta);

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
		MUST(offset + OBJECT_SLOT_SIZE <= fd_file(fd)->touchable);
	reading_ask_descriptors();
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
		reading_inspect(input);
		break;
	case 6:
		reading_open(input, which);
		mapped = true;
		break;
	case 7:
	case 8:
		reading_receive(input, which);
		break;
	case 9:
		reading_acquire(input, which);
		break;
	case 10:
		reading_release(which);
		break;
	case 11:
		open_writer(input);
		break;
	case 12:
		write_frame(input);
		break;
	case 13:
		if (byte == 125)
			fds_lose((uint32_t)input_take(input, 1));
		else if (which == 0)
			host_time_passes(1000);
		else
			object_scribble(input);
		break;
	case 14:
		if (which != 0)
			ask_descriptors();
		reading_interrupt(which);
		check_error(video_shm_producer_info(&writer, &info));
		break;
	default:
		reading_check_books(which);
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

/* Takes the kind of host from the first byte. Races are rare, because no other input takes as long. */
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
	reading_begin();
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
		fds_spare_streams();
	}
	reading_end();
	video_shm_producer_destroy(&writer);
	changes_race(false);
	fds_must_be_closed();
	object_remove();
	memory_must_be_empty();
	return 0;
}
