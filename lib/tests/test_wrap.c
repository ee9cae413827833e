/* SPDX-License-Identifier: Apache-2.0 */
/* Counters that run over 2^32: version 1 counts in 32 bits, and a slot is found from there. */
#include <signal.h>

#include "channels.h"
#include "check.h"
#include "frames.h"
#include "object_bytes.h"
#include "v1/v1.h"

#define BEFORE 40u /* frames before the counters come round */
#define TOP (UINT64_C(1) << 32)

static uint8_t data[V1_CAPACITY];

static void write_a_few_and_die(void *argument)
{
	video_shm_producer_t producer;

	open_channel_producer(&producer, *(const int *)argument);
	for (uint64_t frame = 0; frame < 5; frame++)
		CHECK_EQ(write_pattern(&producer, frame, 100, true), 0);
	(void)raise(SIGKILL);
}

/* A ring as it looks after four years at 30 fps: its writer died, and the next one goes on in place. */
static void grow_old(video_shm_producer_t *producer, int channel, uint64_t frames)
{
	(void)await_child(start_child(write_a_few_and_die, &channel));
	poke64(channel_ring(channel), V1_OBJECT_SIZE + EXTENSION_FRAMES, frames);
	poke32(channel_ring(channel), AT_FRAME_COUNT, (uint32_t)frames);
	poke32(channel_ring(channel), AT_WRITE_IDX, (uint32_t)frames);
	open_channel_producer(producer, channel);
}

static void write_v1_pattern(video_shm_producer_t *producer, uint64_t frame)
{
	static uint8_t payload[1000];
	const video_frame_meta_t meta = {.is_keyframe = 1};

	v1_fill(payload, sizeof(payload), (uint32_t)frame);
	CHECK_EQ(video_shm_producer_write(producer, payload, sizeof(payload), &meta), 0);
}

static void readers_of_both_versions_get_every_frame_where_the_counters_come_round(void)
{
	const int channel = fresh_channel();
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	video_shm_view_t view = {.struct_size = sizeof(view)};
	struct v1_reader reader;
	struct v1_meta meta;

	grow_old(&producer, channel, TOP - BEFORE);
	open_channel_consumer(&consumer, channel);
	CHECK_EQ(info_of(&consumer).next_frame, TOP - BEFORE);
	CHECK_EQ(v1_reader_init(&reader, channel), 0);
	for (uint64_t frame = TOP - BEFORE; frame < TOP + 100; frame++) {
		write_v1_pattern(&producer, frame);
		CHECK_EQ(video_shm_consumer_acquire(&consumer, &view, 1000), 1000);
		CHECK_EQ(view.frame, frame);
		CHECK_EQ(view.meta.sequence, (uint32_t)frame);
		CHECK(v1_check(view.data, 1000, (uint32_t)frame));
		CHECK_EQ(video_shm_consumer_release(&consumer, &view), 0);
		CHECK_EQ(v1_reader_wait(&reader, data, &meta, 1000), 1000);
		CHECK_EQ(meta.sequence, (uint32_t)frame);
		CHECK(v1_check(data, 1000, (uint32_t)frame));
	}
	CHECK_EQ(info_of(&consumer).frames, TOP + 100);
	CHECK_EQ(info_of(&consumer).missed, 0);
	CHECK_EQ(peek32(channel_ring(channel), AT_FRAME_COUNT), 100);
	v1_reader_destroy(&reader);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

/* 2^32 is no multiple of 30: slots are used again before their turn, which must be a miss and never a wrong
 * frame. */
static void slow_readers_lose_at_most_what_they_count(void)
{
	for (unsigned burst = 1; burst < 40; burst += 7) {
		const int channel = fresh_channel();
		video_shm_producer_t producer;
		video_shm_consumer_t consumer;
		video_frame_meta_t meta;
		uint64_t frame = TOP - BEFORE, next = frame;

		grow_old(&producer, channel, frame);
		open_channel_consumer(&consumer, channel);
		while (frame < TOP + BEFORE) {
			for (unsigned at = 0; at < burst; at++)
				write_v1_pattern(&producer, frame++);
			while (video_shm_consumer_read(&consumer, data, &meta) > 0) {
				CHECK((int32_t)(meta.sequence - (uint32_t)next) >= 0);
				CHECK(v1_check(data, 1000, meta.sequence));
				next += (uint64_t)(meta.sequence - (uint32_t)next) + 1;
			}
			CHECK_EQ(next, frame); /* the newest is always there */
		}
		const video_shm_info_t info = info_of(&consumer);

		CHECK_EQ(info.span, frame - (TOP - BEFORE));
		CHECK_EQ(info.received + info.missed, info.span);
		CHECK(burst > 14 || info.missed == 0);
		video_shm_consumer_destroy(&consumer);
		video_shm_producer_destroy(&producer);
	}
}

static uint64_t read_to_the_end(int channel, uint32_t start, uint64_t frames)
{
	const video_shm_consumer_options_t options = {
		.struct_size = sizeof(options), .start = start, .name = channel_ring(channel)};
	video_shm_consumer_t consumer;
	video_shm_view_t view = {.struct_size = sizeof(view)};
	uint64_t first = frames, next = 0;

	CHECK_EQ(video_shm_consumer_open(&consumer, &options), 0);
	while (video_shm_consumer_acquire(&consumer, &view, VIDEO_SHM_NO_WAIT) > 0) {
		first = view.frame < first ? view.frame : first;
		CHECK(view.frame >= next && view.frame < frames);
		CHECK(v1_check(view.data, 1000, (uint32_t)view.frame));
		next = view.frame + 1;
		CHECK_EQ(video_shm_consumer_release(&consumer, &view), 0);
	}
	CHECK_EQ(next, frames);
	video_shm_consumer_destroy(&consumer);
	return first;
}

/* Those who join look back over the edge. */
static void readers_that_join_just_behind_it_find_their_place(void)
{
	const int channel = fresh_channel();
	video_shm_producer_t producer;

	grow_old(&producer, channel, TOP - BEFORE);
	for (uint64_t frame = TOP - BEFORE; frame < TOP + 35; frame++) {
		write_v1_pattern(&producer, frame);
		CHECK_EQ(read_to_the_end(channel, VIDEO_SHM_START_NEWEST, frame + 1), frame);
		CHECK_EQ(read_to_the_end(channel, VIDEO_SHM_START_KEYFRAME, frame + 1), frame);
		(void)read_to_the_end(channel, VIDEO_SHM_START_OLDEST, frame + 1);
	}
	/* Well behind it a whole lap is there again, but for the slot that the writer may be in. */
	CHECK(read_to_the_end(channel, VIDEO_SHM_START_OLDEST, TOP + 35) <= TOP + 35 - 29);
	video_shm_producer_destroy(&producer);
}

/* The stamp has 31 bits of the frame's number: at 2^31 it is that of an empty slot. */
static void the_stamp_comes_round_too(void)
{
	const uint64_t half = UINT64_C(1) << 31;
	const int channel = fresh_channel();
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	video_frame_meta_t meta;

	grow_old(&producer, channel, half - BEFORE);
	open_channel_consumer(&consumer, channel);
	for (uint64_t frame = half - BEFORE; frame < half + 10; frame++) {
		write_v1_pattern(&producer, frame);
		CHECK_EQ(video_shm_consumer_wait(&consumer, data, &meta, 1000), 1000);
		CHECK_EQ(meta.sequence, frame);
	}
	CHECK_EQ(info_of(&consumer).missed, 0);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

/* After 2^32 frames slot and stamp are the same again: only the frame's own number tells. */
static void a_frame_of_2_to_the_32_ago_is_not_taken_for_a_new_one(void)
{
	const int channel = fresh_channel();
	const video_shm_consumer_options_t options = {
		.struct_size = sizeof(options), .start = VIDEO_SHM_START_OLDEST, .name = channel_ring(channel)};
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	video_frame_meta_t meta;

	grow_old(&producer, channel, TOP + 3); /* frames 0 to 4 are still in their slots */
	CHECK_EQ(video_shm_consumer_open(&consumer, &options), 0);
	CHECK_EQ(video_shm_consumer_read(&consumer, data, &meta), 0);
	write_v1_pattern(&producer, TOP + 3);
	CHECK_EQ(video_shm_consumer_read(&consumer, data, &meta), 1000);
	CHECK_EQ(meta.sequence, 3);
	CHECK(v1_check(data, 1000, 3));
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

TEST_MAIN(60, TEST(readers_of_both_versions_get_every_frame_where_the_counters_come_round),
		  TEST(slow_readers_lose_at_most_what_they_count),
		  TEST(readers_that_join_just_behind_it_find_their_place), TEST(the_stamp_comes_round_too),
		  TEST(a_frame_of_2_to_the_32_ago_is_not_taken_for_a_new_one))
