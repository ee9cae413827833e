/* SPDX-License-Identifier: Apache-2.0 */
/* Our reader on a writer of version 1: no stamps, no futex, a semaphore that is not ours to take from. */
#include <limits.h>
#include <signal.h>

#include "channels.h"
#include "check.h"
#include "frames.h"
#include "object_bytes.h"
#include "v1/v1.h"

#define REACH (V1_SLOTS - 1) /* the slot that the writer may be in is never read */

static uint8_t data[V1_CAPACITY];

static void write_v1(struct v1_writer *writer, unsigned count, uint32_t size)
{
	static uint8_t payload[V1_CAPACITY];
	const struct v1_meta meta = {.is_keyframe = 1, .width = 640, .height = 360, .fps = 30};

	for (unsigned at = 0; at < count; at++) {
		v1_fill(payload, size, writer->sequence);
		CHECK_EQ(v1_writer_write(writer, payload, size, &meta), 0);
	}
}

static void start_v1(struct v1_writer *writer, int channel, uint32_t start_count)
{
	CHECK_EQ(v1_writer_init(writer, channel, start_count), 0);
}

static void next_is(video_shm_consumer_t *consumer, uint32_t sequence)
{
	video_frame_meta_t meta;
	const int size = video_shm_consumer_wait(consumer, data, &meta, 5000);

	CHECK(size > 0);
	CHECK_EQ(meta.sequence, sequence);
	CHECK(v1_check(data, (uint32_t)size, sequence));
}

static void nothing_new(video_shm_consumer_t *consumer)
{
	video_frame_meta_t meta;

	CHECK_EQ(video_shm_consumer_read(consumer, data, &meta), 0);
}

static void the_books_balance(video_shm_consumer_t *consumer)
{
	const video_shm_info_t info = info_of(consumer);

	CHECK_EQ(info.received + info.missed + info.skipped, info.span);
}

static void frames_come_in_order_each_once(void)
{
	const int channel = fresh_channel();
	struct v1_writer writer;
	video_shm_consumer_t consumer;

	start_v1(&writer, channel, 0);
	open_channel_consumer(&consumer, channel);
	for (uint32_t frame = 0; frame < 100; frame += 4) {
		write_v1(&writer, 4, 1000 + frame);
		for (uint32_t step = 0; step < 4; step++)
			next_is(&consumer, frame + step);
		nothing_new(&consumer);
	}
	CHECK_EQ(info_of(&consumer).received, 100);
	CHECK_EQ(info_of(&consumer).missed, 0);
	the_books_balance(&consumer);
	video_shm_consumer_destroy(&consumer);
	v1_writer_destroy(&writer);
}

static void liveness_is_said_to_be_unknown(void)
{
	video_shm_info_t seen = {.struct_size = sizeof(seen)};
	const int channel = fresh_channel();
	struct v1_writer writer;
	video_shm_consumer_t consumer;

	start_v1(&writer, channel, 0);
	open_channel_consumer(&consumer, channel);
	write_v1(&writer, 3, 100);
	CHECK_EQ(video_shm_inspect(channel_ring(channel), &seen), 0);
	CHECK_EQ(seen.state, VIDEO_SHM_STATE_UNKNOWN);
	CHECK_EQ(info_of(&consumer).state, VIDEO_SHM_STATE_UNKNOWN);
	CHECK_EQ(seen.extended, 0);
	CHECK_EQ(seen.version, 1);
	CHECK_EQ(seen.frames, 3);
	CHECK_EQ(seen.object_bytes, V1_OBJECT_SIZE);
	CHECK_EQ(seen.writer_pid, 0);
	video_shm_consumer_destroy(&consumer);
	v1_writer_destroy(&writer);
}

/* 30 would be one too many: at any time the writer may be in the oldest slot. */
static void a_slow_reader_gets_the_last_29_frames_and_knows_what_it_missed(void)
{
	const int channel = fresh_channel();
	struct v1_writer writer;
	video_shm_consumer_t consumer;

	start_v1(&writer, channel, 0);
	open_channel_consumer(&consumer, channel);
	write_v1(&writer, 1, 100);
	next_is(&consumer, 0);
	write_v1(&writer, 100, 100);
	for (uint32_t frame = 101 - REACH; frame < 101; frame++)
		next_is(&consumer, frame);
	nothing_new(&consumer);
	CHECK_EQ(info_of(&consumer).missed, 100 - REACH);
	CHECK_EQ(info_of(&consumer).received, 1 + REACH);
	the_books_balance(&consumer);
	video_shm_consumer_destroy(&consumer);
	v1_writer_destroy(&writer);
}

#define FAST_SIZE 200000u

/* All bytes of a frame are the same, and others than those of its neighbours. */
static void write_at_full_speed(void *argument)
{
	static uint8_t payload[FAST_SIZE];
	const struct v1_meta meta = {.is_keyframe = 1};
	struct v1_writer *writer = argument;

	for (;;) {
		memset(payload, (int)(writer->sequence & 0xff), FAST_SIZE);
		CHECK_EQ(v1_writer_write(writer, payload, FAST_SIZE, &meta), 0);
	}
}

/* A reader that was lapped begins with the frame that is overwritten next. One that trusts a copy before it
 * has looked at the count again hands out torn frames here. */
static void no_frame_is_torn_at_full_speed(void)
{
	const int channel = fresh_channel();
	struct v1_writer writer;
	video_shm_consumer_t consumer;
	video_frame_meta_t meta;
	uint64_t until_ns;
	uint32_t next = 0;
	pid_t child;

	start_v1(&writer, channel, 0);
	open_channel_consumer(&consumer, channel);
	child = start_child(write_at_full_speed, &writer);
	until_ns = now_ns() + 2000000000u;
	do {
		while (atomic_load(&writer.ring->frame_count) < next + 2 * V1_SLOTS) {
		}
		for (unsigned at = 0; at < 4; at++) {
			CHECK_EQ(video_shm_consumer_wait(&consumer, data, &meta, 5000), FAST_SIZE);
			CHECK(meta.sequence >= next);
			CHECK_EQ(data[0], meta.sequence & 0xff);
			CHECK(memcmp(data, data + 1, FAST_SIZE - 1) == 0);
			next = meta.sequence + 1;
		}
	} while (now_ns() < until_ns);
	kill_child(child);
	CHECK(info_of(&consumer).received > 0);
	CHECK(info_of(&consumer).missed > 0);
	CHECK_EQ(info_of(&consumer).span, next);
	the_books_balance(&consumer);
	video_shm_consumer_destroy(&consumer);
	v1_writer_destroy(&writer);
}

/* There is no stamp: from the moment that the writer may be in the slot nothing in it is to be believed,
 * though its bytes still look as they did. */
static void a_view_is_good_until_the_writer_may_be_in_its_slot(void)
{
	const int channel = fresh_channel();
	video_shm_view_t view = {.struct_size = sizeof(view)};
	struct v1_writer writer;
	video_shm_consumer_t consumer;

	start_v1(&writer, channel, 0);
	open_channel_consumer(&consumer, channel);
	write_v1(&writer, 1, 100);
	CHECK_EQ(video_shm_consumer_acquire(&consumer, &view, 5000), 100);
	write_v1(&writer, REACH - 1, 100);
	CHECK_EQ(video_shm_consumer_release(&consumer, &view), 0);
	CHECK_EQ(video_shm_consumer_acquire(&consumer, &view, 5000), 100);
	CHECK_EQ(view.frame, 1);
	write_v1(&writer, 2, 100);
	CHECK(v1_check(view.data, 100, 1));
	CHECK_EQ(video_shm_consumer_release(&consumer, &view), 1);
	CHECK_EQ(info_of(&consumer).missed, 1);
	video_shm_consumer_destroy(&consumer);
	v1_writer_destroy(&writer);
}

/* A token that we take is a frame that a version 1 reader never wakes up for. */
static void the_semaphore_of_version_1_readers_is_left_alone(void)
{
	const int channel = fresh_channel();
	struct v1_writer writer;
	video_shm_consumer_t consumer;
	video_frame_meta_t meta;
	int tokens = 0;

	start_v1(&writer, channel, 0);
	open_channel_consumer(&consumer, channel);
	for (uint32_t frame = 0; frame < 50; frame++) {
		write_v1(&writer, 1, 100);
		next_is(&consumer, frame);
		CHECK_EQ(video_shm_consumer_wait(&consumer, data, &meta, 5), 0);
	}
	CHECK_EQ(sem_getvalue(writer.read, &tokens), 0);
	CHECK_EQ(tokens, 50);
	CHECK_EQ(sem_getvalue(writer.write, &tokens), 0);
	CHECK_EQ(tokens, 1);
	CHECK_EQ(atomic_load(&writer.ring->active_readers), 0);
	video_shm_consumer_destroy(&consumer);
	v1_writer_destroy(&writer);
}

/* Version 1 counts in 32 bits: a reader that joins late must neither take the count for a negative number nor
 * lose its place where it comes round. */
static void runs_over(uint32_t start_count, unsigned frames)
{
	const int channel = fresh_channel();
	struct v1_writer writer;
	video_shm_consumer_t consumer;

	start_v1(&writer, channel, start_count);
	open_channel_consumer(&consumer, channel);
	CHECK_EQ(info_of(&consumer).frames, start_count);
	for (unsigned frame = 0; frame < frames; frame++) {
		write_v1(&writer, 1, 100);
		next_is(&consumer, start_count + frame);
		CHECK_EQ(info_of(&consumer).frames, (uint64_t)start_count + frame + 1);
		CHECK_EQ(info_of(&consumer).next_frame, (uint64_t)start_count + frame + 1);
	}
	CHECK_EQ(info_of(&consumer).received, frames);
	CHECK_EQ(info_of(&consumer).missed, 0);
	video_shm_consumer_destroy(&consumer);
	v1_writer_destroy(&writer);
}

static void counters_run_over_2_to_the_32(void)
{
	runs_over(UINT32_MAX - 40, 100);
}

static void counters_pass_2_to_the_31(void)
{
	runs_over((uint32_t)INT32_MAX - 5, 20);
	runs_over(UINT32_C(0x80000005), 20);
}

/* Where write_idx comes round a slot is used again before its turn: frames are missed then, and counted. */
static void a_slow_reader_is_right_where_the_counters_come_round(void)
{
	const int channel = fresh_channel();
	struct v1_writer writer;
	video_shm_consumer_t consumer;
	video_frame_meta_t meta;
	uint32_t next = UINT32_MAX - 9;

	start_v1(&writer, channel, UINT32_MAX - 9);
	open_channel_consumer(&consumer, channel);
	for (unsigned round = 0; round < 10; round++) {
		write_v1(&writer, 25, 100);
		while (video_shm_consumer_read(&consumer, data, &meta) > 0) {
			CHECK((int32_t)(meta.sequence - next) >= 0);
			CHECK(v1_check(data, meta.size, meta.sequence));
			next = meta.sequence + 1;
		}
		CHECK_EQ(next, writer.sequence);
	}
	CHECK_EQ(info_of(&consumer).span, 250);
	CHECK(info_of(&consumer).missed < 30);
	the_books_balance(&consumer);
	video_shm_consumer_destroy(&consumer);
	v1_writer_destroy(&writer);
}

TEST_MAIN(60, TEST(frames_come_in_order_each_once), TEST(liveness_is_said_to_be_unknown),
		  TEST(a_slow_reader_gets_the_last_29_frames_and_knows_what_it_missed),
		  TEST(no_frame_is_torn_at_full_speed), TEST(a_view_is_good_until_the_writer_may_be_in_its_slot),
		  TEST(the_semaphore_of_version_1_readers_is_left_alone), TEST(counters_run_over_2_to_the_32),
		  TEST(counters_pass_2_to_the_31), TEST(a_slow_reader_is_right_where_the_counters_come_round))
