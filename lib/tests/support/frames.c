/* SPDX-License-Identifier: Apache-2.0 */
#include "frames.h"

#include "check.h"

/* ---- patterns ---- */

static uint64_t mix(uint64_t value)
{
	value ^= value >> 33;
	value *= UINT64_C(0xff51afd7ed558ccd);
	value ^= value >> 33;
	return value;
}

/* Every word depends on frame and place: bytes of two frames, or out of place, never pass. */
static uint64_t pattern_word(uint64_t frame, uint32_t at)
{
	return mix(frame * UINT64_C(0x9e3779b97f4a7c15) + at);
}

void fill_pattern(uint8_t *data, uint32_t size, uint64_t frame)
{
	for (uint32_t at = 0; at < size; at += 8) {
		const uint64_t word = pattern_word(frame, at);

		memcpy(data + at, &word, size - at < 8 ? size - at : 8);
	}
}

bool has_pattern(const uint8_t *data, uint32_t size, uint64_t frame)
{
	for (uint32_t at = 0; at < size; at += 8) {
		const uint64_t word = pattern_word(frame, at);

		if (memcmp(data + at, &word, size - at < 8 ? size - at : 8) != 0)
			return false;
	}
	return true;
}

/* ---- handles ---- */

void open_producer(video_shm_producer_t *producer, const char *name)
{
	const video_shm_producer_options_t options = {.struct_size = sizeof(options), .name = name};

	CHECK_EQ(video_shm_producer_open(producer, &options), 0);
}

int open_small_producer(video_shm_producer_t *producer, const char *name)
{
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = 4, .slot_size = 4096, .name = name};

	return video_shm_producer_open(producer, &options);
}

void open_consumer(video_shm_consumer_t *consumer, const char *name)
{
	const video_shm_consumer_options_t options = {.struct_size = sizeof(options), .name = name};

	CHECK_EQ(video_shm_consumer_open(consumer, &options), 0);
}

int write_pattern(video_shm_producer_t *producer, uint64_t frame, uint32_t size, bool keyframe)
{
	static uint8_t data[4 << 20];
	const video_frame_meta_t meta = {.is_keyframe = keyframe, .width = 640, .height = 360, .fps = 30};

	CHECK(size <= sizeof(data));
	fill_pattern(data, size, frame);
	return video_shm_producer_write(producer, data, size, &meta);
}

void write_patterns(video_shm_producer_t *producer, uint64_t from, uint64_t to, uint32_t size,
					unsigned keyframe_every)
{
	for (uint64_t frame = from; frame < to; frame++)
		CHECK_EQ(write_pattern(producer, frame, size, frame % keyframe_every == 0), 0);
}

video_shm_info_t info_of(video_shm_consumer_t *consumer)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	CHECK_EQ(video_shm_consumer_info(consumer, &info), 0);
	return info;
}

/* ---- patterns that tell something more ---- */

void join_ring(video_shm_consumer_t *consumer, const video_shm_consumer_options_t *options)
{
	while (video_shm_consumer_open(consumer, options) != 0) {
		CHECK_EQ(errno, ENOENT);
		sleep_ms(1);
	}
}

uint64_t pattern_key(uint64_t frame, uint32_t salt)
{
	return frame + ((uint64_t)salt << 40);
}

int write_salted(video_shm_producer_t *producer, uint64_t frame, uint32_t salt, uint32_t size, bool keyframe)
{
	static uint8_t data[1 << 20];
	const video_frame_meta_t meta = {
		.is_keyframe = keyframe, .width = (uint16_t)salt, .height = 360, .fps = 30};

	CHECK(size <= sizeof(data));
	fill_pattern(data, size, pattern_key(frame, salt & 0xffff));
	return video_shm_producer_write(producer, data, size, &meta);
}

bool is_salted(const uint8_t *data, const video_frame_meta_t *meta)
{
	return has_pattern(data, meta->size, pattern_key(meta->sequence, meta->width));
}
