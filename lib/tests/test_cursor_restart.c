/* SPDX-License-Identifier: Apache-2.0 */
/* cursor.c: how readers go on after a restart, in another ring, and in one of version 1. */
#include <pthread.h>
#include <sched.h>

#include "check.h"
#include "plain_ring.h"

#define SLOTS 8
#define ROLLOVER (UINT64_C(1) << 32)

static struct plain_ring plain;
static struct cursor cursor;
static struct ring_look look;

static void a_restart_shows_as_a_discontinuity_until_a_frame_was_received(void)
{
	plain_make(&plain, SLOTS, 0);
	plain_publish_many(&plain, 3);
	plain_start(&cursor, &plain, VIDEO_SHM_START_OLDEST, VIDEO_SHM_POLICY_EVERY, false);
	CHECK_EQ(plain_next(&cursor, &plain), 0);
	CHECK(!cursor.discontinuity);
	cursor_break(&cursor);
	CHECK(cursor_find(&cursor, &plain.ring, &look) && cursor.discontinuity);
	cursor_take(&cursor, &look, false);
	CHECK(cursor.discontinuity);
	CHECK_EQ(plain_next(&cursor, &plain), 2);
	CHECK(!cursor.discontinuity);
}

static void after_a_restart_a_resyncing_reader_waits_for_a_keyframe(void)
{
	for (int resync = 0; resync < 2; resync++) {
		plain_make(&plain, SLOTS, 0);
		plain_start(&cursor, &plain, VIDEO_SHM_START_NEXT, VIDEO_SHM_POLICY_EVERY, resync);
		cursor_break(&cursor);
		plain_publish_many(&plain, 2);
		plain_publish(&plain, true, 0);
		CHECK_EQ(plain_next(&cursor, &plain), resync ? 2 : 0);
		CHECK_EQ(cursor.skipped, resync ? 2 : 0);
	}
}

/* JPEG pictures and audio lean on nothing before them. */
static void resync_holds_back_only_what_leans_on_earlier_frames(void)
{
	static const uint8_t codecs[] = {VIDEO_SHM_CODEC_JPEG, VIDEO_SHM_CODEC_PCM_S16LE, VIDEO_SHM_CODEC_OPUS};

	for (size_t at = 0; at < sizeof(codecs); at++) {
		plain_make(&plain, SLOTS, 0);
		plain_start(&cursor, &plain, VIDEO_SHM_START_NEXT, VIDEO_SHM_POLICY_EVERY, true);
		cursor_break(&cursor);
		plain_publish(&plain, false, VIDEO_SHM_CODEC_H265);
		plain_publish(&plain, false, codecs[at]);
		CHECK_EQ(plain_next(&cursor, &plain), 1);
	}
}

static void in_a_ring_that_counts_on_the_reader_goes_on_where_it_was(void)
{
	plain_make(&plain, SLOTS, 0);
	plain_publish_many(&plain, 5);
	plain_start(&cursor, &plain, VIDEO_SHM_START_OLDEST, VIDEO_SHM_POLICY_EVERY, false);
	for (int frame = 0; frame < 3; frame++)
		CHECK_EQ(plain_next(&cursor, &plain), frame);
	plain_make(&plain, SLOTS, 5); /* frames 3 and 4 went with the old one */
	cursor_move(&cursor, &plain.ring);
	CHECK(cursor.discontinuity);
	CHECK_EQ(plain_next(&cursor, &plain), -1);
	CHECK(cursor.missed == 2 || cursor.next == 3);
	plain_publish_many(&plain, 1);
	CHECK_EQ(plain_next(&cursor, &plain), 5);
	CHECK(cursor.received == 4 && cursor.missed == 2 && cursor.span == 6);
}

/* All its frames came since the reader's own ring ended, so that those which it holds no more were missed. */
static void in_a_ring_that_counts_anew_all_frames_are_new(void)
{
	plain_make(&plain, SLOTS, 0);
	plain_publish_many(&plain, 30);
	plain_start(&cursor, &plain, VIDEO_SHM_START_NEWEST, VIDEO_SHM_POLICY_EVERY, false);
	CHECK_EQ(plain_next(&cursor, &plain), 29);
	plain_make(&plain, SLOTS, 0);
	plain_publish_many(&plain, 12);
	cursor_move(&cursor, &plain.ring);
	CHECK(cursor.discontinuity);
	CHECK_EQ(plain_next(&cursor, &plain), 4);
	CHECK(cursor.received == 2 && cursor.missed == 4 && cursor.span == 6);
	plain_make(&plain, SLOTS, 0);
	plain_publish_many(&plain, 100); /* further than we came, but not from where we were */
	cursor_move(&cursor, &plain.ring);
	CHECK_EQ(plain_next(&cursor, &plain), 92);
	CHECK(cursor.received == 3 && cursor.missed == 96 && cursor.span == 99);
}

/* A foreign writer may reset the counter of a ring in place: no counter of ours may go back over it. */
static void a_count_that_jumps_back_takes_no_counter_with_it(void)
{
	plain_make(&plain, SLOTS, 0);
	plain_publish_many(&plain, 6);
	plain_start(&cursor, &plain, VIDEO_SHM_START_OLDEST, VIDEO_SHM_POLICY_EVERY, false);
	for (int frame = 0; frame < 6; frame++)
		CHECK_EQ(plain_next(&cursor, &plain), frame);
	plain.counts.frames = 2;
	plain.ring.extension->frames = 2;
	CHECK_EQ(plain_next(&cursor, &plain), -1);
	CHECK(cursor.received == 6 && cursor.span == 6);
	plain_publish_many(&plain, 1);
	CHECK(cursor_find(&cursor, &plain.ring, &look) && cursor.discontinuity);
	CHECK_EQ(look.frame, 2);
}

/* ---- version 1 ---- */

/* Its 32-bit count says nothing of its sign: a reader that took it for one would stumble at the rollover. */
static void a_v1_ring_is_read_over_2_to_the_32(void)
{
	plain_make_v1(&plain, 0u - 50u);
	plain_start(&cursor, &plain, VIDEO_SHM_START_NEXT, VIDEO_SHM_POLICY_EVERY, false);
	CHECK_EQ(cursor.next, ROLLOVER - 50);
	for (uint64_t frame = ROLLOVER - 50; frame < ROLLOVER + 50; frame++) {
		plain_publish_v1(&plain, false);
		CHECK_EQ(plain_next(&cursor, &plain), (int64_t)frame);
		CHECK(!cursor.discontinuity);
	}
	CHECK(cursor.received == 100 && cursor.missed == 0 && cursor.span == 100);
}

static void a_move_to_a_v1_ring_with_a_high_count_finds_its_frames(void)
{
	plain_make(&plain, SLOTS, 0);
	plain_start(&cursor, &plain, VIDEO_SHM_START_NEXT, VIDEO_SHM_POLICY_EVERY, false);
	plain_make_v1(&plain, 0u - 50u);
	cursor_move(&cursor, &plain.ring);
	for (int frame = 0; frame < 5; frame++)
		plain_publish_v1(&plain, false);
	CHECK_EQ(plain_next(&cursor, &plain), (int64_t)(ROLLOVER - 50));
}

static void a_lapped_reader_of_a_v1_ring_counts_its_losses(void)
{
	plain_make_v1(&plain, 0);
	plain_start(&cursor, &plain, VIDEO_SHM_START_NEXT, VIDEO_SHM_POLICY_EVERY, false);
	for (int frame = 0; frame < 100; frame++)
		plain_publish_v1(&plain, frame == 80);
	CHECK_EQ(plain_next(&cursor, &plain), 71);
	CHECK_EQ(cursor.missed, 71);
	plain_start(&cursor, &plain, VIDEO_SHM_START_KEYFRAME, VIDEO_SHM_POLICY_EVERY, false);
	CHECK_EQ(plain_next(&cursor, &plain), 80);
}

#define BURST 20u
#define STOP UINT32_MAX

/* Writes twenty frames whenever all before them were read, which is no more than the ring holds. */
static void *write_bursts(void *read_so_far)
{
	_Atomic uint32_t *frames = read_so_far;

	for (uint32_t written = 0; atomic_load(frames) != STOP;) {
		if (atomic_load(frames) != written) {
			(void)sched_yield();
			continue;
		}
		for (uint32_t frame = 0; frame < BURST; frame++)
			plain_publish_v1(&plain, false);
		written += BURST;
	}
	return NULL;
}

/* Its counters are two words: frames that come between a look at one and at the other must not hide any. */
static void a_reader_that_keeps_up_with_a_v1_writer_misses_nothing(void)
{
	const uint64_t end_ns = now_ns() + pick(3, 20) * UINT64_C(1000000000);
	_Atomic uint32_t frames = 0;
	pthread_t writer;

	plain_make_v1(&plain, 0);
	plain_start(&cursor, &plain, VIDEO_SHM_START_NEXT, VIDEO_SHM_POLICY_EVERY, false);
	CHECK_EQ(pthread_create(&writer, NULL, write_bursts, &frames), 0);
	while (now_ns() < end_ns || cursor.received == 0) {
		for (uint32_t turn = 0; turn < 10 * BURST; turn++)
			if (plain_next(&cursor, &plain) >= 0)
				atomic_store(&frames, (uint32_t)cursor.next);
		CHECK_EQ(cursor.missed, 0);
	}
	atomic_store(&frames, STOP);
	CHECK_EQ(pthread_join(writer, NULL), 0);
}

TEST_MAIN(60, TEST(a_restart_shows_as_a_discontinuity_until_a_frame_was_received),
		  TEST(after_a_restart_a_resyncing_reader_waits_for_a_keyframe),
		  TEST(resync_holds_back_only_what_leans_on_earlier_frames),
		  TEST(in_a_ring_that_counts_on_the_reader_goes_on_where_it_was),
		  TEST(in_a_ring_that_counts_anew_all_frames_are_new),
		  TEST(a_count_that_jumps_back_takes_no_counter_with_it), TEST(a_v1_ring_is_read_over_2_to_the_32),
		  TEST(a_move_to_a_v1_ring_with_a_high_count_finds_its_frames),
		  TEST(a_lapped_reader_of_a_v1_ring_counts_its_losses),
		  TEST(a_reader_that_keeps_up_with_a_v1_writer_misses_nothing))
