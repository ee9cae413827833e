/* SPDX-License-Identifier: Apache-2.0 */
/* writer.c and producer_write.c: whom the writer wakes, when, and how often. A reader that is not woken looks
 * for itself twice a second, and so gets its frames all the same. */
#include "check.h"
#include "frames.h"
#include "producer.h"

static video_shm_producer_t producer;
static struct writer *writer;
static unsigned wakes;
static uint32_t woken, signal_then;
static uint64_t frames_then;

static void record_wake(const _Atomic uint32_t *word, uint32_t bits)
{
	CHECK(word == &writer->ring.extension->signal);
	wakes++;
	woken = bits;
	signal_then = atomic_load(word);
	frames_then = atomic_load(&writer->ring.extension->frames);
}

static struct wait_ops recording;

static void open_recorded(void)
{
	open_producer(&producer, fresh_name());
	writer = producer_writer(&producer);
	recording = wait_system;
	recording.wake = record_wake;
	writer->ops = &recording;
}

static void write_one(bool keyframe, uint8_t codec)
{
	const video_frame_meta_t meta = {.is_keyframe = keyframe, .codec = codec};
	const uint8_t byte = 1;

	wakes = 0;
	CHECK_EQ(video_shm_producer_write(&producer, &byte, 1, &meta), 0);
	CHECK_EQ(wakes, 1);
}

static void each_frame_wakes_those_who_wait_for_its_kind(void)
{
	open_recorded();
	write_one(false, VIDEO_SHM_CODEC_H264);
	CHECK_EQ(woken, LAYOUT_WAKE_FRAME);
	write_one(true, VIDEO_SHM_CODEC_H264);
	CHECK_EQ(woken, LAYOUT_WAKE_FRAME | LAYOUT_WAKE_KEYFRAME);
	write_one(false, VIDEO_SHM_CODEC_JPEG); /* a keyframe that does not say so */
	CHECK_EQ(woken, LAYOUT_WAKE_FRAME | LAYOUT_WAKE_KEYFRAME);
	video_shm_producer_destroy(&producer);
}

/* Woken too early, a reader would find nothing and go back to sleep over the frame. */
static void a_frame_is_counted_and_signalled_before_anybody_is_woken(void)
{
	uint32_t before = 0;

	open_recorded();
	for (uint64_t frame = 0; frame < 3; frame++) {
		write_one(true, VIDEO_SHM_CODEC_H264);
		CHECK_EQ(frames_then, frame + 1);
		CHECK(signal_then != before);
		before = signal_then;
	}
	video_shm_producer_destroy(&producer);
}

static void the_end_wakes_all(void)
{
	open_recorded();
	wakes = 0;
	video_shm_producer_destroy(&producer);
	CHECK_EQ(wakes, 1);
	CHECK_EQ(woken, LAYOUT_WAKE_ALL);
}

static void what_is_dropped_or_given_back_wakes_nobody(void)
{
	uint32_t capacity;
	uint8_t *slot;

	open_recorded();
	CHECK_EQ(video_shm_producer_reserve(&producer, &slot, &capacity), 0);
	CHECK_EQ(write_pattern(&producer, 0, 10, true), 1);
	video_shm_producer_abort(&producer);
	CHECK_FAILS(write_pattern(&producer, 0, VIDEO_SHM_MAX_FRAME_SIZE + 1, true), EMSGSIZE);
	CHECK_EQ(wakes, 0);
	video_shm_producer_destroy(&producer);
}

TEST_MAIN(20, TEST(each_frame_wakes_those_who_wait_for_its_kind),
		  TEST(a_frame_is_counted_and_signalled_before_anybody_is_woken), TEST(the_end_wakes_all),
		  TEST(what_is_dropped_or_given_back_wakes_nobody))
