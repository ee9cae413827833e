/* SPDX-License-Identifier: Apache-2.0 */
/* One thread that waits for rings of version 1, which wake nobody, and for ours beside them. */
#include <pthread.h>

#include "channels.h"
#include "check.h"
#include "frames.h"
#include "v1/v1.h"

#define FRAMES 50u
#define SIZE 1000u

static struct v1_writer v1[2];
static video_shm_producer_t ours;
static video_shm_consumer_t readers[3];
static video_shm_consumer_t *const consumers[] = {&readers[0], &readers[1], &readers[2]};

static void open_all(void)
{
	const char *name = fresh_name();

	for (int which = 0; which < 2; which++) {
		const int channel = fresh_channel();

		CHECK_EQ(v1_writer_init(&v1[which], channel, 0), 0);
		open_channel_consumer(&readers[which], channel);
	}
	open_producer(&ours, name);
	open_consumer(&readers[2], name);
}

static void write_v1(struct v1_writer *writer)
{
	const struct v1_meta meta = {.is_keyframe = 1};
	uint8_t payload[SIZE];

	v1_fill(payload, SIZE, writer->sequence);
	CHECK_EQ(v1_writer_write(writer, payload, SIZE, &meta), 0);
}

static void *write_all(void *unused)
{
	(void)unused;
	for (uint32_t frame = 0; frame < FRAMES; frame++) {
		write_v1(&v1[0]);
		sleep_ms(3);
		write_v1(&v1[1]);
		CHECK_EQ(write_pattern(&ours, frame, SIZE, true), 0);
		sleep_ms(7);
	}
	return NULL;
}

static void frames_of_both_kinds_come_in_order_each_once(void)
{
	static uint8_t data[V1_CAPACITY];
	uint32_t next[3] = {0}, at = 0;
	video_frame_meta_t meta;
	pthread_t thread;

	open_all();
	CHECK_EQ(pthread_create(&thread, NULL, write_all, NULL), 0);
	for (uint32_t got = 0; got < 3 * FRAMES; got++) {
		CHECK_EQ(video_shm_consumer_wait_any(consumers, 3, 0, &at), 1);
		CHECK_EQ(video_shm_consumer_read(consumers[at], data, &meta), SIZE);
		CHECK_EQ(meta.sequence, next[at]++);
		CHECK(at == 2 ? has_pattern(data, SIZE, meta.sequence) : v1_check(data, SIZE, meta.sequence) == 1);
	}
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(next[0], FRAMES);
}

/* Nothing but its own looks wakes such a reader: the time must be kept all the same. */
static void a_wait_for_version_1_rings_alone_is_never_early(void)
{
	uint32_t at = 0;

	open_all();
	for (uint32_t length_ms = 1; length_ms <= 700; length_ms += 233) {
		const uint64_t begin = now_ns();

		CHECK_EQ(video_shm_consumer_wait_any(consumers, 2, length_ms, &at), 0);
		CHECK(now_ns() - begin >= length_ms * UINT64_C(1000000));
	}
	write_v1(&v1[1]);
	CHECK_EQ(video_shm_consumer_wait_any(consumers, 2, 0, &at), 1);
	CHECK_EQ(at, 1);
}

static void *interrupt_soon(void *unused)
{
	(void)unused;
	sleep_ms(50);
	video_shm_consumer_interrupt(&readers[1]);
	return NULL;
}

static void an_interrupt_ends_a_wait_for_version_1_rings(void)
{
	pthread_t thread;
	uint32_t at = 0;

	open_all();
	CHECK_EQ(pthread_create(&thread, NULL, interrupt_soon, NULL), 0);
	CHECK_FAILS(video_shm_consumer_wait_any(consumers, 2, 0, &at), EINTR);
	CHECK_EQ(at, 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

TEST_MAIN(60, TEST(frames_of_both_kinds_come_in_order_each_once),
		  TEST(a_wait_for_version_1_rings_alone_is_never_early),
		  TEST(an_interrupt_ends_a_wait_for_version_1_rings))
