/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles as the original's programs have them: smaller than ours, and perhaps copied, closed twice or never
 * opened. Built against original/video_shm.h.
 */
#include <signal.h>
#include <unistd.h>

#include "check.h"

#define EDGE 2048u
#define MARK 0xA5
#define FRAME_BYTES 1000u

/* What lies around a handle is somebody else's. */
struct guarded_consumer {
	uint8_t before[EDGE];
	video_shm_consumer_t handle;
	uint8_t after[EDGE];
};

struct guarded_producer {
	uint8_t before[EDGE];
	video_shm_producer_t handle;
	uint8_t after[EDGE];
};

static struct guarded_consumer reader;
static struct guarded_producer writer;
static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];

static void is_untouched(const uint8_t *edge)
{
	for (uint32_t at = 0; at < EDGE; at++)
		CHECK_EQ(edge[at], MARK);
}

static void neighbours_are_untouched(void)
{
	is_untouched(reader.before);
	is_untouched(reader.after);
	is_untouched(writer.before);
	is_untouched(writer.after);
}

/* Fills the handle as on a stack, where nothing is zero. */
static void set_marks(void)
{
	memset(&reader, MARK, sizeof(reader));
	memset(&writer, MARK, sizeof(writer));
}

static int open_both(void)
{
	const int channel = fresh_channel();

	set_marks();
	CHECK_EQ(video_shm_producer_init_channel(&writer.handle, channel), 0);
	CHECK_EQ(video_shm_consumer_init_channel(&reader.handle, channel), 0);
	return channel;
}

static void write_frame(void)
{
	const video_frame_meta_t meta = {.is_keyframe = 1, .width = 640, .height = 480, .fps = 30};
	static const uint8_t frame[FRAME_BYTES];

	CHECK_EQ(video_shm_producer_write(&writer.handle, frame, sizeof(frame), &meta), 0);
}

static void takes(video_shm_consumer_t *consumer, uint32_t sequence)
{
	video_frame_meta_t meta;

	CHECK_EQ(video_shm_consumer_wait(consumer, data, &meta, 1000), FRAME_BYTES);
	CHECK_EQ(meta.sequence, sequence);
}

static void is_not_open(video_shm_consumer_t *consumer)
{
	video_frame_meta_t meta;

	CHECK_FAILS(video_shm_consumer_wait(consumer, data, &meta, 10), EBADF);
	CHECK_FAILS(video_shm_consumer_read(consumer, data, &meta), EBADF);
	CHECK_FAILS(video_shm_consumer_stats(consumer, NULL, NULL, NULL), EBADF);
	video_shm_consumer_destroy(consumer);
}

static void no_call_writes_beside_a_handle(void)
{
	uint32_t total, dropped, missed;
	video_frame_meta_t meta;

	(void)open_both();
	neighbours_are_untouched();
	CHECK_EQ(video_shm_consumer_read(&reader.handle, data, &meta), 0);
	for (uint32_t frame = 0; frame < 40; frame++)
		write_frame();
	takes(&reader.handle, 10);
	CHECK_EQ(video_shm_consumer_read(&reader.handle, data, &meta), FRAME_BYTES);
	CHECK_EQ(video_shm_consumer_stats(&reader.handle, &total, &dropped, &missed), 0);
	CHECK_EQ(total, 40);
	CHECK_EQ(missed, 10);
	neighbours_are_untouched();
	video_shm_consumer_destroy(&reader.handle);
	video_shm_producer_destroy(&writer.handle);
	neighbours_are_untouched();
}

static void nor_does_one_that_fails(void)
{
	set_marks();
	CHECK_FAILS(video_shm_consumer_init_channel(&reader.handle, fresh_channel()), ENOENT);
	is_not_open(&reader.handle);
	CHECK_FAILS(video_shm_consumer_init_channel(&reader.handle, -1), EINVAL);
	is_not_open(&reader.handle);
	CHECK_FAILS(video_shm_producer_init_channel(&writer.handle, -1), EINVAL);
	video_shm_producer_destroy(&writer.handle);
	neighbours_are_untouched();
}

static void one_that_is_zero_is_not_open(void)
{
	static const video_frame_meta_t meta = {.is_keyframe = 1};

	set_marks();
	memset(&reader.handle, 0, sizeof(reader.handle));
	memset(&writer.handle, 0, sizeof(writer.handle));
	is_not_open(&reader.handle);
	CHECK_FAILS(video_shm_producer_write(&writer.handle, data, 1, &meta), EBADF);
	video_shm_producer_destroy(&writer.handle);
	neighbours_are_untouched();
}

static void one_that_was_moved_works_where_it_is(void)
{
	video_shm_consumer_t moved;

	(void)open_both();
	write_frame();
	memcpy(&moved, &reader.handle, sizeof(moved));
	memset(&reader.handle, 0, sizeof(reader.handle));
	takes(&moved, 0);
	write_frame();
	takes(&moved, 1);
	video_shm_consumer_destroy(&moved);
	is_not_open(&moved);
	video_shm_producer_destroy(&writer.handle);
}

/* Its memory goes to the next one that is opened: the copy must not read there, nor close it. */
static void a_copy_of_one_that_was_closed_is_closed(void)
{
	video_shm_consumer_t copy, next;
	const int channel = open_both();

	memcpy(&copy, &reader.handle, sizeof(copy));
	video_shm_consumer_destroy(&reader.handle);
	is_not_open(&copy);
	CHECK_EQ(video_shm_consumer_init_channel(&next, channel), 0);
	write_frame();
	is_not_open(&copy);
	takes(&next, 0);
	video_shm_consumer_destroy(&reader.handle);
	video_shm_consumer_destroy(&copy);
	write_frame();
	takes(&next, 1);
	video_shm_consumer_destroy(&next);
	video_shm_producer_destroy(&writer.handle);
}

static void a_copy_of_a_writers_is_closed_with_it(void)
{
	static const video_frame_meta_t meta = {.is_keyframe = 1};
	video_shm_producer_t copy;
	const int channel = open_both();

	memcpy(&copy, &writer.handle, sizeof(copy));
	video_shm_consumer_destroy(&reader.handle);
	video_shm_producer_destroy(&writer.handle);
	CHECK_FAILS(video_shm_producer_write(&copy, data, 1, &meta), EBADF);
	CHECK_EQ(video_shm_producer_init_channel(&writer.handle, channel), 0);
	CHECK_FAILS(video_shm_producer_write(&copy, data, 1, &meta), EBADF);
	video_shm_producer_destroy(&copy);
	CHECK_EQ(video_shm_consumer_init_channel(&reader.handle, channel), 0);
	write_frame();
	takes(&reader.handle, 0);
	video_shm_consumer_destroy(&reader.handle);
	video_shm_producer_destroy(&writer.handle);
}

/* Programs do so when something went wrong, and the original gives them a new ring. */
static void init_again_makes_the_ring_anew(void)
{
	const int channel = open_both();

	write_frame();
	takes(&reader.handle, 0);
	for (unsigned turn = 0; turn < 3; turn++) {
		CHECK_EQ(video_shm_producer_init_channel(&writer.handle, channel), 0);
		write_frame();
		takes(&reader.handle, 0);
	}
	neighbours_are_untouched();
	video_shm_consumer_destroy(&reader.handle);
	video_shm_producer_destroy(&writer.handle);
	CHECK_FAILS(video_shm_consumer_init_channel(&reader.handle, channel), ENOENT);
}

/* Another handle's ring is somebody else's, though it is the same process; and a handle's copy goes on. */
static void init_again_takes_no_ring_of_another_handle(void)
{
	static const video_frame_meta_t meta = {.is_keyframe = 1};
	video_shm_producer_t moved, other;
	const int channel = open_both();

	memset(&other, MARK, sizeof(other));
	CHECK_FAILS(video_shm_producer_init_channel(&other, channel), EBUSY);
	CHECK_EQ(video_shm_producer_write(&writer.handle, data, FRAME_BYTES, &meta), 0);
	memcpy(&moved, &writer.handle, sizeof(moved));
	CHECK_EQ(video_shm_producer_init_channel(&writer.handle, fresh_channel()), 0);
	CHECK_EQ(video_shm_producer_write(&moved, data, FRAME_BYTES, &meta), 0);
	takes(&reader.handle, 0);
	takes(&reader.handle, 1);
	video_shm_consumer_destroy(&reader.handle);
	video_shm_producer_destroy(&moved);
	video_shm_producer_destroy(&writer.handle);
}

static void a_child_that_closes_its_own_leaves_its_parents_open(void)
{
	const int channel = open_both();
	video_shm_consumer_t second;
	pid_t pid;

	write_frame();
	pid = fork();
	if (pid == 0) {
		takes(&reader.handle, 0);
		video_shm_consumer_destroy(&reader.handle);
		CHECK_EQ(video_shm_consumer_init_channel(&second, channel), 0);
		video_shm_consumer_destroy(&second);
		_exit(0);
	}
	child_succeeds(pid);
	takes(&reader.handle, 0);
	write_frame();
	takes(&reader.handle, 1);
	video_shm_consumer_destroy(&reader.handle);
	video_shm_producer_destroy(&writer.handle);
}

static void close_it(int number)
{
	(void)number;
	video_shm_consumer_destroy(&reader.handle);
}

/* A handler can't free memory, so what it gives back is kept for the next. */
static void one_that_a_handler_closes_can_be_opened_again(void)
{
	const struct sigaction action = {.sa_handler = close_it};
	const int channel = open_both();

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	for (uint32_t turn = 0; turn < 200; turn++) {
		CHECK_EQ(raise(SIGUSR1), 0);
		is_not_open(&reader.handle);
		CHECK_EQ(video_shm_consumer_init_channel(&reader.handle, channel), 0);
		write_frame();
		takes(&reader.handle, turn);
	}
	CHECK_EQ(raise(SIGUSR1), 0);
	video_shm_producer_destroy(&writer.handle);
	neighbours_are_untouched();
}

TEST_MAIN(60, TEST(no_call_writes_beside_a_handle), TEST(nor_does_one_that_fails),
		  TEST(one_that_is_zero_is_not_open), TEST(one_that_was_moved_works_where_it_is),
		  TEST(a_copy_of_one_that_was_closed_is_closed), TEST(a_copy_of_a_writers_is_closed_with_it),
		  TEST(init_again_makes_the_ring_anew), TEST(init_again_takes_no_ring_of_another_handle),
		  TEST(a_child_that_closes_its_own_leaves_its_parents_open),
		  TEST(one_that_a_handler_closes_can_be_opened_again))
