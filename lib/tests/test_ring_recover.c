/* SPDX-License-Identifier: Apache-2.0 */
/* ring.c: what a writer that died leaves behind, and where the next one goes on. */
#include "check.h"
#include "plain_ring.h"

#define SLOTS 4

static struct plain_ring plain;

static void recover(void)
{
	memset(&plain.counts, 0xee, sizeof(plain.counts));
	ring_recover(&plain.ring, &plain.counts);
}

/* Died while it wrote: the old frame is lost, the new one never was. */
static void the_slot_that_it_was_writing_is_emptied(void)
{
	plain_make(&plain, SLOTS, 0);
	for (int frame = 0; frame < SLOTS + 2; frame++)
		plain_publish(&plain, frame == 0, 0);
	memset(ring_begin(&plain.ring, &plain.counts), 0xee, 30);
	recover();
	CHECK_EQ(plain.counts.frames, 6);
	CHECK_EQ(plain.counts.keyframes, 1);
	CHECK_EQ(plain.counts.bytes, 6 * PLAIN_FRAME_SIZE);
	CHECK(!plain_holds(&plain, 2) && !plain_holds(&plain, 6));
	CHECK(plain_holds(&plain, 3) && plain_holds(&plain, 4) && plain_holds(&plain, 5));
	CHECK_EQ(plain.ring.lines[6 % SLOTS].frame,
			 LAYOUT_NO_FRAME); /* and says so, not that it is being written */
	CHECK_EQ(plain.ring.lines[6 % SLOTS].stamp, LAYOUT_EMPTY_STAMP);
}

/* Died between stamp and count: the next frame of that number is another one, and a reader must not see both.
 */
static void a_whole_frame_that_was_not_counted_is_emptied(void)
{
	plain_make(&plain, SLOTS, 0);
	plain_publish(&plain, true, 0);
	plain_publish(&plain, true, 0);
	plain.ring.extension->frames = 1; /* and the keyframe was counted already */
	plain.ring.header->frame_count = plain.ring.header->write_idx = 1;
	recover();
	CHECK_EQ(plain.counts.frames, 1);
	CHECK_EQ(plain.counts.keyframes, 1);
	CHECK_EQ(plain.ring.extension->keyframes, 1);
	CHECK(plain_holds(&plain, 0) && !plain_holds(&plain, 1));
	plain_publish(&plain, false, 0);
	CHECK(plain_holds(&plain, 1));
}

/* One number given to two frames would show a reader of the other version a repeat. */
static void numbering_goes_on_at_the_larger_count(void)
{
	plain_make(&plain, SLOTS, 0);
	for (int frame = 0; frame < 5; frame++)
		plain_publish(&plain, false, 0);
	plain.ring.header->frame_count = 7;
	recover();
	CHECK_EQ(plain.counts.frames, 7);
	CHECK_EQ(plain.ring.extension->frames, 7);
	plain.ring.header->frame_count = 6; /* died between the two plain.counts */
	plain.ring.header->write_idx = 6;
	recover();
	CHECK_EQ(plain.counts.frames, 7);
	CHECK(plain.ring.header->frame_count == 7 && plain.ring.header->write_idx == 7);
	plain.ring.header->frame_count = 7 + 1000; /* scribbled on: no ring is that long */
	recover();
	CHECK_EQ(plain.counts.frames, 7);
	CHECK_EQ(plain.ring.header->frame_count, 7);
}

static void the_larger_count_is_found_across_2_to_the_32(void)
{
	plain_make(&plain, SLOTS, (UINT64_C(1) << 32) - 1);
	plain_publish(&plain, false, 0);
	CHECK_EQ(plain.ring.header->frame_count, 0);
	plain.ring.header->frame_count = 2;
	recover();
	CHECK_EQ(plain.counts.frames, (UINT64_C(1) << 32) + 2);
	CHECK_EQ(plain.ring.header->write_idx, 2);
}

TEST_MAIN(20, TEST(the_slot_that_it_was_writing_is_emptied),
		  TEST(a_whole_frame_that_was_not_counted_is_emptied), TEST(numbering_goes_on_at_the_larger_count),
		  TEST(the_larger_count_is_found_across_2_to_the_32))
