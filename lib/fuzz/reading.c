/* SPDX-License-Identifier: Apache-2.0 */
#include "reading.h"

#include <errno.h>
#include <string.h>

#include "descriptors.h"
#include "video_shm.h"

static video_shm_consumer_t readers[READERS];
static video_shm_view_t views[READERS];

void check_error(int result)
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

void reading_inspect(struct input *input)
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

void reading_open(struct input *input, uint32_t which)
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
}

void reading_check_books(uint32_t which)
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

/* Waits for all readers that are open, and receives from the one that is ready. */
static int receive_any(uint8_t *data, uint32_t capacity, video_frame_meta_t *meta, uint32_t timeout_ms)
{
	video_shm_consumer_t *all[READERS];
	uint32_t at = 0;
	int ready;

	for (uint32_t which = 0; which < READERS; which++)
		all[which] =
			video_shm_consumer_stats(&readers[which], NULL, NULL, NULL) == 0 ? &readers[which] : NULL;
	ready = video_shm_consumer_wait_any(all, READERS, timeout_ms, &at);
	MUST(at < READERS);
	return ready == 1 ? video_shm_consumer_receive(all[at], data, capacity, meta, VIDEO_SHM_NO_WAIT) : ready;
}

/* Asks where the planes of a raw picture lie by what a stranger wrote of it: never beyond its end. */
static void lay_out(video_frame_meta_t meta)
{
	video_shm_picture_t picture = {.struct_size = sizeof(picture)};
	uint64_t end = 0;

	MUST(video_shm_picture_layout(&meta, &picture) == 0 || errno == EINVAL || errno == EBADMSG);
	meta.size = 0; /* so that the size is that of the planes */
	if (video_shm_picture_layout(&meta, &picture) != 0) {
		MUST(errno == EINVAL);
		return;
	}
	for (uint32_t plane = 0; plane < picture.planes; plane++) {
		MUST(picture.offset[plane] == end);
		end += (uint64_t)picture.stride[plane] * picture.rows[plane];
	}
	MUST(end == picture.size);
	MUST(video_shm_picture_describe(&meta, &picture) == 0 || picture.range > VIDEO_SHM_RANGE_FULL);
}

void reading_receive(struct input *input, uint32_t which)
{
	static const uint32_t capacities[] = {1, 100, OBJECT_SLOT_SIZE, VIDEO_SHM_MAX_FRAME_SIZE};
	const uint32_t word = (uint32_t)input_take(input, 1), capacity = capacities[word % 4];
	uint8_t *data = malloc(capacity); /* not a byte more, so that one too many is seen */
	video_frame_meta_t meta;
	int size;

	MUST(data != NULL);
	if (word == 255) /* as the original has it: without a capacity */
		size = video_shm_consumer_wait(&readers[which], data, &meta, take_timeout(input));
	else if (word >= 224 && word < 248)
		size = receive_any(data, capacity, &meta, take_timeout(input));
	else if (word == 251)
		size = video_shm_consumer_read(&readers[which], data, &meta);
	else
		size = video_shm_consumer_receive(&readers[which], data, capacity, &meta, take_timeout(input));
	check_error(size);
	MUST(size <= 0 || ((uint32_t)size <= capacity && (uint32_t)size == meta.size));
	if (size > 0)
		lay_out(meta);
	free(data);
}

void reading_acquire(struct input *input, uint32_t which)
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

void reading_release(uint32_t which)
{
	const int result = video_shm_consumer_release(&readers[which], &views[which]);

	check_error(result);
	MUST(result <= 1);
}

void reading_begin(void)
{
	memset(views, 0, sizeof(views));
}

void reading_ask_descriptors(void)
{
	for (int at = 0; at < READERS; at++) {
		const int fd = video_shm_consumer_descriptor(&readers[at]);

		check_error(fd);
		if (fd >= 0)
			(void)fd_file(fd);
	}
}

void reading_interrupt(uint32_t which)
{
	video_shm_consumer_interrupt(&readers[which]);
}

void reading_end(void)
{
	for (uint32_t which = 0; which < READERS; which++) {
		reading_check_books(which);
		if (views[which].data != NULL)
			reading_release(which);
		video_shm_consumer_destroy(&readers[which]);
	}
}
