/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One side of a ring that two programs share, which may be programs of different architectures.
 *     cross_peer write RING FRAMES   makes the ring, prints "ready", writes once a line comes on standard
 * input cross_peer read RING FRAMES    joins, prints "ready", reads; exit status 0: all of them, whole, in
 * order, and woken for them
 */
#include "video_shm.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOTS 200 /* a stalled machine may fall behind by two seconds; 300 frames still go round */
#define SLOT_SIZE 8192u
#define PERIOD_NS 10000000
#define TIMEOUT_MS 10000u
#define CAPTURE_NS UINT64_C(0x123456789ab) /* of frame 0: more than 32 bits */

static uint32_t size_of(uint64_t frame)
{
	return 1000 + (uint32_t)(frame * 37 % 7000);
}

static uint8_t byte_of(uint64_t frame, uint32_t at)
{
	return (uint8_t)(frame * 31 + at * 7 + (at >> 8));
}

static int fail(const char *what, uint64_t frame)
{
	fprintf(stderr, "cross_peer: frame %llu: %s\n", (unsigned long long)frame, what);
	return 1;
}

static video_frame_meta_t meta_of(uint64_t frame)
{
	return (video_frame_meta_t){.timestamp_ms = CAPTURE_NS + frame,
								.size = size_of(frame),
								.sequence = (uint32_t)frame,
								.is_keyframe = frame % 30 == 0,
								.codec = VIDEO_SHM_CODEC_H265,
								.width = (uint16_t)(1920 + frame),
								.height = 1080,
								.fps = 100};
}

static int write_frames(const char *name, uint64_t frames)
{
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = SLOTS, .slot_size = SLOT_SIZE, .name = name};
	const struct timespec period = {.tv_nsec = PERIOD_NS};
	video_shm_producer_t producer;

	if (video_shm_producer_open(&producer, &options) < 0)
		return fail(strerror(errno), 0);
	puts("ready");
	fflush(stdout);
	if (getchar() == EOF)
		return fail("nobody said when to begin", 0);

	int status = 0;

	for (uint64_t frame = 0; frame < frames && status == 0; frame++) {
		const video_frame_meta_t meta = meta_of(frame);
		const video_frame_timing_t timing = {.capture_ns = CAPTURE_NS + frame,
											 .flags = VIDEO_SHM_FLAG_CAPTURE_DRIVER};
		uint8_t *data;
		uint32_t capacity;

		nanosleep(&period, NULL);
		if (video_shm_producer_reserve(&producer, &data, &capacity) < 0) {
			status = fail(strerror(errno), frame);
			break;
		}
		for (uint32_t at = 0; at < meta.size; at++)
			data[at] = byte_of(frame, at);
		if (video_shm_producer_commit(&producer, meta.size, &meta, &timing) != 0)
			status = fail("was not published", frame);
	}
	video_shm_producer_destroy(&producer);
	return status;
}

/* Returns what is wrong with the frame, or NULL. */
static const char *judge(const video_shm_view_t *view, uint64_t frame)
{
	const video_frame_meta_t meta = meta_of(frame);

	if (view->frame != frame)
		return "not the one that was due";
	if (memcmp(&view->meta, &meta, offsetof(video_frame_meta_t, reserved)) != 0)
		return "metadata differ";
	if (view->capture_ns != CAPTURE_NS + frame || !(view->flags & VIDEO_SHM_FLAG_CAPTURE_DRIVER))
		return "capture time differs";
	if (!(view->flags & VIDEO_SHM_FLAG_KEYFRAME) != !meta.is_keyframe)
		return "flags differ";
	for (uint32_t at = 0; at < meta.size; at++)
		if (view->data[at] != byte_of(frame, at))
			return "bytes differ";
	return NULL;
}

static int read_frames(const char *name, uint64_t frames)
{
	const video_shm_consumer_options_t options = {
		.struct_size = sizeof(options), .start = VIDEO_SHM_START_OLDEST, .name = name};
	video_shm_consumer_t consumer;
	uint64_t sleeps = 0;

	if (video_shm_consumer_open(&consumer, &options) < 0)
		return fail(strerror(errno), 0);
	puts("ready");
	fflush(stdout);

	for (uint64_t frame = 0; frame < frames; frame++) {
		video_shm_view_t view = {.struct_size = sizeof(view)};
		int size = video_shm_consumer_acquire(&consumer, &view, VIDEO_SHM_NO_WAIT);

		if (size == 0) {
			sleeps++;
			size = video_shm_consumer_acquire(&consumer, &view, TIMEOUT_MS);
		}
		if (size <= 0)
			return fail(size == 0 ? "did not come" : strerror(errno), frame);

		const char *wrong = judge(&view, frame);

		if (video_shm_consumer_release(&consumer, &view) != 0)
			wrong = "was overwritten";
		if (wrong)
			return fail(wrong, frame);
	}

	video_shm_info_t info = {.struct_size = sizeof(info)};

	if (video_shm_consumer_info(&consumer, &info) < 0 || !info.extended || info.missed != 0 ||
		info.skipped != 0 || info.received != frames || info.keyframes != (frames + 29) / 30)
		return fail("counters are wrong", frames);
	video_shm_consumer_destroy(&consumer);
	/* A reader that the writer can't wake looks for itself twice a second, and finds 50 frames each time. */
	return sleeps >= frames / 4 ? 0 : fail("came without a wake-up", sleeps);
}

int main(int argc, char **argv)
{
	const uint64_t frames = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;

	if (frames != 0 && strcmp(argv[1], "write") == 0)
		return write_frames(argv[2], frames);
	if (frames != 0 && strcmp(argv[1], "read") == 0)
		return read_frames(argv[2], frames);
	fprintf(stderr, "usage: %s write|read RING FRAMES\n", argv[0]);
	return 2;
}
