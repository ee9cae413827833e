/* SPDX-License-Identifier: Apache-2.0 */
/* reader_figures.c: what a reader says of its ring and of itself, over all that may become of the ring. */
#include <unistd.h>

#include "channels.h"
#include "check.h"
#include "frames.h"
#include "object_bytes.h"
#include "v1/v1.h"

#define SLOTS 8u
#define TOO_LARGE (VIDEO_SHM_MAX_FRAME_SIZE + 1)

static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
static video_shm_producer_t producer;
static video_shm_consumer_t consumer;
static video_frame_meta_t meta;

/* Every fifth frame is a keyframe. */
static void write_on(uint64_t from, uint64_t to)
{
	for (uint64_t frame = from; frame < to; frame++)
		CHECK_EQ(write_pattern(&producer, frame, 100, frame % 5 == 0), 0);
}

static void drop_one(void)
{
	CHECK_FAILS(write_pattern(&producer, 0, TOO_LARGE, true), EMSGSIZE);
}

/* Takes all there is; the number of frames. */
static unsigned drain(void)
{
	unsigned count = 0;

	while (video_shm_consumer_read(&consumer, data, &meta) > 0)
		count++;
	return count;
}

/* total, dropped, missed. */
static void stats_are(uint32_t total, uint32_t dropped, uint32_t missed)
{
	uint32_t got_total, got_dropped, got_missed;

	CHECK_EQ(video_shm_consumer_stats(&consumer, &got_total, &got_dropped, &got_missed), 0);
	CHECK_EQ(got_total, total);
	CHECK_EQ(got_dropped, dropped);
	CHECK_EQ(got_missed, missed);
}

/* ---- one ring ---- */

/* What was written and dropped before the reader came belongs to the writer's figures, not to its own. */
static void total_and_dropped_are_the_writers_and_missed_is_the_readers_own(void)
{
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = SLOTS, .slot_size = 1000, .name = fresh_name()};
	video_shm_info_t info;

	CHECK_EQ(video_shm_producer_open(&producer, &options), 0);
	write_on(0, 20);
	drop_one();
	drop_one();
	open_consumer(&consumer, options.name);
	stats_are(20, 2, 0);
	write_on(20, 23);
	CHECK_EQ(drain(), 3);
	stats_are(23, 2, 0);
	write_on(23, 23 + SLOTS + 4);
	drop_one();
	write_on(23 + SLOTS + 4, 23 + SLOTS + 5);
	CHECK_EQ(drain(), SLOTS);
	stats_are(23 + SLOTS + 5, 3, 5);
	info = info_of(&consumer);
	CHECK_EQ(info.frames, 36);
	CHECK_EQ(info.keyframes, 8); /* 0, 5 ... 35 */
	CHECK_EQ(info.bytes, 3600);
	CHECK(info.dropped == 3 && info.dropped_too_large == 3);
	CHECK(info.dropped_busy == 0 && info.dropped_no_space == 0);
	CHECK(info.received == 3 + SLOTS && info.missed == 5 && info.skipped == 0 && info.span == 3 + SLOTS + 5);
	CHECK_EQ(info.next_frame, 36);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

/* ---- many rings ---- */

static video_shm_info_t last;

/* Returns the reader's figures, and checks that none went back since the last call. */
static video_shm_info_t look(void)
{
	const video_shm_info_t now = info_of(&consumer);

	CHECK(now.frames >= last.frames && now.keyframes >= last.keyframes && now.bytes >= last.bytes);
	CHECK(now.dropped >= last.dropped && now.dropped_busy >= last.dropped_busy);
	CHECK(now.dropped_too_large >= last.dropped_too_large && now.dropped_no_space >= last.dropped_no_space);
	CHECK(now.remade >= last.remade && now.rearmed >= last.rearmed);
	CHECK(now.received >= last.received && now.missed >= last.missed && now.skipped >= last.skipped);
	CHECK(now.span >= last.span && now.reattached >= last.reattached);
	CHECK_EQ(now.received + now.missed + now.skipped, now.span);
	last = now;
	return now;
}

/* The reader goes over to the ring that has the name now, which holds a frame that is new to it. */
static void goes_over(uint64_t reattached)
{
	while (info_of(&consumer).reattached < reattached) {
		(void)video_shm_consumer_wait(&consumer, data, &meta, 100);
		(void)look();
	}
	(void)drain();
}

static void write_as_v1(struct v1_writer *writer, int channel, unsigned frames)
{
	static const uint8_t payload[10];
	const struct v1_meta v1 = {.is_keyframe = 1};

	CHECK_EQ(v1_writer_init(writer, channel, 0), 0);
	for (unsigned frame = 0; frame < frames; frame++)
		CHECK_EQ(v1_writer_write(writer, payload, sizeof(payload), &v1), 0);
}

static void no_figure_goes_back_and_frames_of_all_rings_are_added_up(void)
{
	const int channel = fresh_channel();
	struct v1_writer old;

	open_channel_producer(&producer, channel);
	open_channel_consumer(&consumer, channel);
	drop_one();
	write_on(0, 6);
	CHECK_EQ(drain(), 6);
	video_shm_producer_destroy(&producer);
	open_channel_producer(&producer, channel);
	write_on(0, 3);
	while (video_shm_consumer_wait(&consumer, data, &meta, 100) <= 0) {
	} /* nobody has asked for a figure so far */
	goes_over(1);
	CHECK_EQ(look().frames, 6 + 3);
	CHECK_EQ(look().bytes, 900);
	CHECK_EQ(look().dropped_too_large, 1);
	write_on(3, 5);
	video_shm_producer_destroy(&producer);
	CHECK_EQ(drain(), 2);
	write_as_v1(&old, channel, 4);
	goes_over(2);
	CHECK_EQ(look().frames, 6 + 5 + 4);
	CHECK_EQ(look().bytes, 1100); /* version 1 does not count them */
	CHECK_EQ(look().extended, 0);
	v1_writer_destroy(&old);
	open_channel_producer(&producer, channel);
	drop_one();
	write_on(0, 2);
	goes_over(3);
	CHECK_EQ(look().frames, 6 + 5 + 4 + 2);
	CHECK_EQ(look().bytes, 1300);
	CHECK_EQ(look().dropped_too_large, 2);
	CHECK_EQ(look().keyframes, 2 + 1 + 1);
	stats_are(6 + 5 + 4 + 2, 2, 0);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

/* Its count alone would let it pass for the same ring that goes on. */
static void a_successor_that_has_come_further_is_added_too(void)
{
	const int channel = fresh_channel();

	open_channel_producer(&producer, channel);
	open_channel_consumer(&consumer, channel);
	write_on(0, 4);
	CHECK_EQ(drain(), 4);
	CHECK_EQ(look().frames, 4);
	video_shm_producer_destroy(&producer);
	open_channel_producer(&producer, channel);
	write_on(0, 7);
	goes_over(1);
	CHECK_EQ(look().frames, 4 + 7);
	CHECK_EQ(look().bytes, 1100);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

/* A ring of another geometry goes on at the old count: what it has of that must not be added once more. */
static void a_successor_that_counts_on_is_not_added(void)
{
	const int channel = fresh_channel();
	const video_shm_producer_options_t larger = {
		.struct_size = sizeof(larger), .slots = 40, .name = channel_ring(channel)};
	struct v1_writer old;

	write_as_v1(&old, channel, 7); /* which our writer replaces, and counts on */
	open_channel_consumer(&consumer, channel);
	CHECK_EQ(look().frames, 7);
	CHECK_EQ(video_shm_producer_open(&producer, &larger), 0);
	write_on(7, 9);
	goes_over(1);
	CHECK_EQ(look().frames, 9);
	stats_are(9, 0, 0);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
	v1_writer_destroy(&old);
}

/* Somebody with the right to write sets the counters back, and cuts the ring to nothing. */
static void a_ring_that_is_spoilt_takes_no_figure_with_it(void)
{
	const int channel = fresh_channel();
	const char *name = channel_ring(channel);

	open_channel_producer(&producer, channel);
	open_channel_consumer(&consumer, channel);
	write_on(0, 10);
	CHECK_EQ(drain(), 10);
	CHECK_EQ(look().frames, 10);
	poke64(name, V1_OBJECT_SIZE + EXTENSION_FRAMES, 3);
	poke64(name, V1_OBJECT_SIZE + EXTENSION_FRAMES + 16, 0); /* bytes */
	CHECK_EQ(look().frames, 10);
	CHECK_EQ(look().bytes, 1000);
	stats_are(10, 0, 0);
	CHECK_EQ(truncate(shm_path(name), V1_OBJECT_SIZE), 0);
	CHECK_EQ(video_shm_consumer_wait(&consumer, data, &meta, 1000), 0);
	CHECK_EQ(look().frames, 10);
	CHECK_EQ(look().keyframes, 2);
	CHECK_EQ(unlink(shm_path(name)), 0);
	video_shm_consumer_destroy(&consumer);
}

TEST_MAIN(60, TEST(total_and_dropped_are_the_writers_and_missed_is_the_readers_own),
		  TEST(no_figure_goes_back_and_frames_of_all_rings_are_added_up),
		  TEST(a_successor_that_has_come_further_is_added_too), TEST(a_successor_that_counts_on_is_not_added),
		  TEST(a_ring_that_is_spoilt_takes_no_figure_with_it))
