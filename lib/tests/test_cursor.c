/* SPDX-License-Identifier: Apache-2.0 */
/* cursor.c: where readers start, and what becomes of frames they could not read. */
#include "check.h"
#include "plain_ring.h"

#define SLOTS 8

static struct plain_ring plain;
static struct cursor cursor;
static struct ring_look look;

static int64_t first_from(uint32_t at)
{
	plain_start(&cursor, &plain, at, VIDEO_SHM_POLICY_EVERY, false);
	return plain_next(&cursor, &plain);
}

/* ---- starts ---- */

static void a_start_in_an_empty_ring_waits_for_its_first_frame(void)
{
	for (uint32_t at = VIDEO_SHM_START_NEXT; at <= VIDEO_SHM_START_KEYFRAME; at++) {
		plain_make(&plain, SLOTS, 3);
		plain_start(&cursor, &plain, at, VIDEO_SHM_POLICY_EVERY, false);
		CHECK_EQ(plain_next(&cursor, &plain), -1);
		plain_publish(&plain, true, 0);
		CHECK_EQ(plain_next(&cursor, &plain), 3);
		CHECK_EQ(cursor.span, 1);
	}
}

static void each_start_finds_its_frame(void)
{
	plain_make(&plain, SLOTS, 0);
	for (int frame = 0; frame < 20; frame++)
		plain_publish(&plain, frame % 5 == 0, 0);
	CHECK_EQ(first_from(VIDEO_SHM_START_NEXT), -1);
	CHECK_EQ(first_from(VIDEO_SHM_START_NEWEST), 19);
	CHECK_EQ(first_from(VIDEO_SHM_START_OLDEST), 12);
	CHECK_EQ(first_from(VIDEO_SHM_START_KEYFRAME), 15);
	CHECK_EQ(plain_next(&cursor, &plain), 16);
	CHECK_EQ(cursor.span, 2);
	(void)ring_begin(&plain.ring, &plain.counts); /* the writer is at the slot of frame 12 */
	CHECK_EQ(first_from(VIDEO_SHM_START_OLDEST), 13);
	CHECK_EQ(cursor.missed, 0);
	plain_start(&cursor, &plain, VIDEO_SHM_START_NEXT, VIDEO_SHM_POLICY_EVERY, false);
	plain_publish(&plain, false, 0);
	CHECK_EQ(plain_next(&cursor, &plain), 20);
}

/* A ring made anew at a high number does not hold what came before it. */
static void the_oldest_is_never_older_than_the_ring(void)
{
	plain_make(&plain, SLOTS, 100);
	plain_publish_many(&plain, 2);
	CHECK_EQ(first_from(VIDEO_SHM_START_OLDEST), 100);
	CHECK_EQ(first_from(VIDEO_SHM_START_NEWEST), 101);
	CHECK_EQ(first_from(VIDEO_SHM_START_KEYFRAME), -1);
}

/* A decoder that began in the middle would show rubbish. */
static void a_start_at_a_keyframe_waits_for_one_where_the_ring_holds_none(void)
{
	plain_make(&plain, SLOTS, 0);
	plain_publish_many(&plain, 3);
	CHECK_EQ(first_from(VIDEO_SHM_START_KEYFRAME), -1);
	plain_publish_many(&plain, 2);
	CHECK_EQ(plain_next(&cursor, &plain), -1);
	plain_publish(&plain, true, 0);
	plain_publish(&plain, false, 0);
	CHECK_EQ(plain_next(&cursor, &plain), 5);
	CHECK_EQ(plain_next(&cursor, &plain), 6);
	CHECK_EQ(cursor.skipped, 2);
	CHECK_EQ(cursor.missed, 0);
}

/* Wherever it begins, and whatever it passes over until then. */
static void each_start_of_a_resyncing_reader_waits_for_a_keyframe(void)
{
	static const struct {
		uint32_t at, policy;
		int64_t first;
		uint64_t skipped;
	} cases[] = {
		{VIDEO_SHM_START_NEXT, VIDEO_SHM_POLICY_EVERY, 25, 5},
		{VIDEO_SHM_START_NEWEST, VIDEO_SHM_POLICY_EVERY, 25, 6},
		{VIDEO_SHM_START_NEWEST, VIDEO_SHM_POLICY_NEWEST, 25, 6},
		{VIDEO_SHM_START_OLDEST, VIDEO_SHM_POLICY_EVERY, 15, 3},
		{VIDEO_SHM_START_KEYFRAME, VIDEO_SHM_POLICY_EVERY, 15, 0},
	};

	for (size_t which = 0; which < sizeof(cases) / sizeof(cases[0]); which++) {
		plain_make(&plain, SLOTS, 0);
		for (int frame = 0; frame < 20; frame++)
			plain_publish(&plain, frame % 5 == 0, 0);
		plain_start(&cursor, &plain, cases[which].at, cases[which].policy, true);
		if (cases[which].first > 20) {
			plain_publish_many(&plain, 5);
			CHECK_EQ(plain_next(&cursor, &plain), -1);
			plain_publish(&plain, true, 0);
		}
		CHECK_EQ(plain_next(&cursor, &plain), cases[which].first);
		CHECK_EQ(cursor.skipped, cases[which].skipped);
		CHECK_EQ(cursor.missed, 0);
		CHECK_EQ(plain_next(&cursor, &plain), cases[which].first == 15 ? 16 : -1);
	}
}

static void frames_lost_before_the_first_keyframe_are_missed(void)
{
	plain_make(&plain, SLOTS, 0);
	plain_publish_many(&plain, 2);
	plain_start(&cursor, &plain, VIDEO_SHM_START_OLDEST, VIDEO_SHM_POLICY_EVERY, true);
	plain_publish_many(&plain, SLOTS);
	CHECK_EQ(plain_next(&cursor, &plain), -1);
	plain_publish(&plain, true, 0);
	CHECK_EQ(plain_next(&cursor, &plain), SLOTS + 2);
	CHECK(cursor.missed == 2 && cursor.skipped == SLOTS);
}

/* The keyframe that it began at was overwritten before it could be read. */
static void a_start_at_a_keyframe_that_is_lost_waits_for_the_next(void)
{
	plain_make(&plain, SLOTS, 0);
	plain_publish(&plain, true, 0);
	plain_start(&cursor, &plain, VIDEO_SHM_START_KEYFRAME, VIDEO_SHM_POLICY_EVERY, false);
	plain_publish_many(&plain, SLOTS);
	CHECK_EQ(plain_next(&cursor, &plain), -1);
	plain_publish(&plain, true, 0);
	CHECK_EQ(plain_next(&cursor, &plain), SLOTS + 1);
	CHECK(cursor.missed == 1 && cursor.skipped == SLOTS);
}

/* ---- torn copies ---- */

/* A reader whose copies all fail at the end of the ring must leave it, or it never gets a frame again. */
static void a_writer_that_laps_every_copy_can_not_starve_a_reader(void)
{
	const uint32_t slots = 30;

	for (uint32_t pace = 1; pace <= slots - 2; pace++) {
		uint64_t last = 0;

		plain_make(&plain, slots, 0);
		plain_publish_many(&plain, 3 * slots);
		plain_start(&cursor, &plain, VIDEO_SHM_START_OLDEST, VIDEO_SHM_POLICY_EVERY, false);
		for (uint32_t copy = 0; copy < 10 * slots; copy++) {
			CHECK(cursor_find(&cursor, &plain.ring, &look));
			CHECK(look.frame > last);
			last = look.frame;
			plain_publish_many(&plain, pace);
			cursor_take(&cursor, &look, ring_still_whole(&plain.ring, &look));
			CHECK_EQ(cursor.received + cursor.missed + cursor.skipped, cursor.span);
		}
		if (cursor.received < 10)
			check_failed(__FILE__, __LINE__, "the reader gets on", "%llu frames of %u copies at pace %u",
						 (unsigned long long)cursor.received, 10 * slots, pace);
	}
}

static void a_torn_copy_counts_as_missed_and_its_frame_never_comes_again(void)
{
	plain_make(&plain, SLOTS, 0);
	plain_publish(&plain, true, 0);
	plain_publish_many(&plain, 4);
	plain_start(&cursor, &plain, VIDEO_SHM_START_OLDEST, VIDEO_SHM_POLICY_EVERY, true);
	CHECK_EQ(plain_next(&cursor, &plain), 0);
	CHECK(cursor_find(&cursor, &plain.ring, &look));
	CHECK_EQ(look.frame, 1);
	cursor_take(&cursor, &look, false);
	CHECK(cursor.received == 1 && cursor.missed == 1 && cursor.span == 2);
	CHECK(cursor.awaiting_keyframe); /* it asked for resync, and this is a gap */
	CHECK_EQ(plain_next(&cursor, &plain), -1);
	CHECK_EQ(cursor.skipped, 3);
}

/* Somebody with the right to write says that the ring never held what the reader is looking for. */
static void a_first_frame_beyond_the_count_keeps_no_reader_searching(void)
{
	for (uint32_t policy = VIDEO_SHM_POLICY_EVERY; policy <= VIDEO_SHM_POLICY_KEYFRAMES; policy++) {
		plain_make(&plain, SLOTS, 0);
		for (int frame = 0; frame < 5; frame++)
			plain_publish(&plain, true, 0);
		plain_start(&cursor, &plain, VIDEO_SHM_START_OLDEST, policy, false);
		CHECK(cursor_find(&cursor, &plain.ring, &look));
		cursor_take(&cursor, &look, false);
		plain.ring.extension->frames = ++plain.counts.frames; /* one that a crash has emptied */
		plain.ring.extension->first_frame = 100;
		CHECK_EQ(plain_next(&cursor, &plain), -1); /* or the watchdog says so */
		CHECK_EQ(cursor.next, 6);
		plain.ring.extension->first_frame = 0;
		plain_publish(&plain, true, 0);
		CHECK_EQ(plain_next(&cursor, &plain), 6);
	}
}

/* ---- keyframes ---- */

/* Joined before the first frame: that there were no keyframes is known. */
static void a_keyframe_reader_misses_keyframes_only(void)
{
	plain_make(&plain, SLOTS, 0);
	plain_start(&cursor, &plain, VIDEO_SHM_START_NEXT, VIDEO_SHM_POLICY_KEYFRAMES, false);
	for (int frame = 0; frame < 40; frame++)
		plain_publish(&plain, frame % 5 == 0, 0);
	CHECK_EQ(plain_next(&cursor, &plain), 35);
	CHECK_EQ(cursor.missed, 7);
	CHECK_EQ(cursor.skipped, 35 - 7);
	CHECK_EQ(plain_next(&cursor, &plain), -1);
	CHECK_EQ(cursor.span, 40);
}

/* Nothing before the oldest frame is left to tell: the frame itself does. */
static void a_keyframe_reader_that_starts_at_the_end_of_a_full_ring_knows_its_losses(void)
{
	plain_make(&plain, SLOTS, 0);
	for (int frame = 0; frame < 20; frame++)
		plain_publish(&plain, frame % 2 == 1, 0);
	(void)ring_begin(&plain.ring, &plain.counts); /* the writer is at the slot of frame 12 */
	plain_start(&cursor, &plain, VIDEO_SHM_START_OLDEST, VIDEO_SHM_POLICY_KEYFRAMES, false);
	for (int frame = 20; frame < 41; frame++)
		plain_publish(&plain, frame % 2 == 1, 0);
	CHECK_EQ(plain_next(&cursor, &plain), 33);
	CHECK_EQ(cursor.missed, 10); /* 13, 15 ... 31 */
	CHECK_EQ(cursor.skipped, 10);
}

static void what_was_lost_in_a_ring_that_ended_is_accounted_for(void)
{
	plain_make(&plain, SLOTS, 0);
	plain_publish(&plain, true, 0);
	plain_start(&cursor, &plain, VIDEO_SHM_START_OLDEST, VIDEO_SHM_POLICY_KEYFRAMES, false);
	CHECK_EQ(plain_next(&cursor, &plain), 0);
	plain.counts.frames = 4; /* three that a crash has emptied */
	plain.ring.extension->frames = 4;
	CHECK_EQ(plain_next(&cursor, &plain), -1);
	plain_make(&plain, SLOTS, 0);
	cursor_move(&cursor, &plain.ring);
	plain_publish(&plain, true, 0);
	CHECK_EQ(plain_next(&cursor, &plain), 0);
	CHECK_EQ(cursor.received, 2);
	CHECK_EQ(cursor.missed, 3); /* nobody knows any more what they were */
	CHECK_EQ(cursor.span, 5);
}

TEST_MAIN(60, TEST(a_start_in_an_empty_ring_waits_for_its_first_frame), TEST(each_start_finds_its_frame),
		  TEST(the_oldest_is_never_older_than_the_ring),
		  TEST(a_start_at_a_keyframe_waits_for_one_where_the_ring_holds_none),
		  TEST(each_start_of_a_resyncing_reader_waits_for_a_keyframe),
		  TEST(frames_lost_before_the_first_keyframe_are_missed),
		  TEST(a_start_at_a_keyframe_that_is_lost_waits_for_the_next),
		  TEST(a_writer_that_laps_every_copy_can_not_starve_a_reader),
		  TEST(a_torn_copy_counts_as_missed_and_its_frame_never_comes_again),
		  TEST(a_first_frame_beyond_the_count_keeps_no_reader_searching),
		  TEST(a_keyframe_reader_misses_keyframes_only),
		  TEST(a_keyframe_reader_that_starts_at_the_end_of_a_full_ring_knows_its_losses),
		  TEST(what_was_lost_in_a_ring_that_ended_is_accounted_for))
