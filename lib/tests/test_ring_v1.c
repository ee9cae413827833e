/* SPDX-License-Identifier: Apache-2.0 */
/* ring.c beside version 1: its counters, its slots, its writer, and numbers beyond 32 bits. */
#include "check.h"
#include "frames.h"
#include "ring.h"

#define SLOTS VIDEO_SHM_RING_SIZE
#define ROLLOVER (UINT64_C(1) << 32)

static struct ring ring;
static struct ring_counts counts;

/* Version 1's own ring, without the extension. */
static void make_v1(uint32_t count)
{
	struct geometry geometry;
	void *base;

	CHECK_EQ(geometry_plan(&geometry, SLOTS, VIDEO_SHM_MAX_FRAME_SIZE, 0), 0);
	geometry.extension_offset = geometry.line_offset = 0;
	geometry.object_size = LAYOUT_V1_SIZE;
	free(ring.base);
	base = aligned_alloc(64, LAYOUT_V1_SIZE);
	CHECK(base != NULL);
	memset(base, 0, LAYOUT_V1_SIZE);
	ring_place(&ring, base, &geometry);
	ring.header->write_idx = ring.header->frame_count = count;
}

static void store_v1(uint32_t slot, uint32_t sequence, uint32_t size)
{
	const video_frame_meta_t meta = {.size = size, .sequence = sequence};
	uint8_t *at = ring.base + 64 + slot * LAYOUT_V1_STRIDE;

	fill_pattern(at + 32, 40, sequence);
	memcpy(at, &meta, sizeof(meta));
}

/* Writes as version 1 does, with a write_idx that runs freely or is kept modulo the slots. */
static void write_v1(bool modulo)
{
	const uint32_t count = ring.header->frame_count, next = ring.header->write_idx;

	store_v1(next % SLOTS, count, 40);
	ring.header->write_idx = modulo ? (next + 1) % SLOTS : next + 1;
	ring.header->frame_count = count + 1;
}

static bool is_there(uint64_t frame)
{
	struct ring_look look;

	return ring_look(&ring, frame, &look) && has_pattern(look.data, 40, (uint32_t)frame) &&
		   look.meta.sequence == (uint32_t)frame && ring_still_whole(&ring, &look);
}

/* All 29 frames behind the slot that the writer may be at, and not one more, although its bytes are there. */
static void holds_the_last_29(uint64_t frames)
{
	for (uint64_t back = 1; back < SLOTS && back <= frames; back++)
		if (!is_there(frames - back))
			check_failed(__FILE__, __LINE__, "the frame is there", "%u back of %llu", (unsigned)back,
						 (unsigned long long)frames);
	CHECK(!is_there(frames));
	CHECK(frames < SLOTS || !is_there(frames - SLOTS));
	CHECK(frames <= SLOTS || !is_there(frames - SLOTS - 1));
}

static void a_free_running_write_idx_leads_to_the_slots(void)
{
	make_v1(0);
	for (uint64_t frames = 1; frames <= 100; frames++) {
		write_v1(false);
		holds_the_last_29(frames);
	}
}

static void a_write_idx_modulo_the_slots_leads_to_the_slots(void)
{
	make_v1(0);
	for (uint64_t frames = 1; frames <= 100; frames++) {
		write_v1(true);
		holds_the_last_29(frames);
	}
}

/*
 * A v1 writer steps write_idx on first: for that moment every slot seems to be one further back, and the
 * oldest is the next one to be written.
 */
static void frames_are_found_between_write_idx_and_frame_count(void)
{
	for (int modulo = 0; modulo < 2; modulo++) {
		make_v1(0);
		for (uint32_t frames = 1; frames <= 70; frames++) {
			write_v1(modulo);
			const uint32_t next = ring.header->write_idx;

			store_v1(next % SLOTS, frames, 40);
			ring.header->write_idx = modulo ? (next + 1) % SLOTS : next + 1;
			for (uint32_t back = 1; back < SLOTS - 1 && back <= frames; back++)
				CHECK(is_there(frames - back));
			ring.header->write_idx = next;
		}
	}
}

/* The writer tells nobody when it begins with the slot at write_idx: 29 back is the last that it can't be at.
 */
static void a_copy_is_trusted_up_to_29_frames_later(void)
{
	struct ring_look look;

	make_v1(0);
	write_v1(false);
	CHECK(ring_look(&ring, 0, &look));
	for (int frame = 1; frame < SLOTS; frame++) {
		CHECK(ring_still_whole(&ring, &look));
		write_v1(false);
	}
	CHECK(!ring_still_whole(&ring, &look));
	store_v1(0, 0, 40); /* nor later, though another processor's bytes may not be seen yet */
	for (uint32_t count = SLOTS; count < 2 * SLOTS; count++) {
		ring.header->write_idx = ring.header->frame_count = count;
		CHECK(!ring_still_whole(&ring, &look));
	}
}

/* A writer that took the slot without a count, as one that began anew, must not pass for the old one. */
static void a_copy_is_not_trusted_once_its_slot_has_another_sequence(void)
{
	struct ring_look look;

	make_v1(0);
	write_v1(false);
	CHECK(ring_look(&ring, 0, &look));
	CHECK_EQ(look.publish_ns, 0);
	CHECK_EQ(look.flags, 0);
	store_v1(0, 30, 40);
	CHECK(!ring_still_whole(&ring, &look));
}

static void a_v1_slot_with_a_size_beyond_it_is_no_frame(void)
{
	static const uint32_t sizes[] = {0, VIDEO_SHM_MAX_FRAME_SIZE + 1, UINT32_MAX};
	struct ring_look look;

	make_v1(0);
	write_v1(false);
	for (size_t at = 0; at < 3; at++) {
		store_v1(0, 0, sizes[at]);
		CHECK(!ring_look(&ring, 0, &look));
	}
	store_v1(0, 0, VIDEO_SHM_MAX_FRAME_SIZE);
	CHECK(ring_look(&ring, 0, &look));
}

/* 2^32 is no multiple of 30: a slot taken from the frame number would be the wrong one from there on. */
static void v1_counters_run_over(void)
{
	make_v1(0u - 40u);
	for (uint64_t frames = ROLLOVER - 39; frames <= ROLLOVER + 100; frames++) {
		write_v1(false);
		CHECK_EQ(ring_frames(&ring, frames - 1), frames);
		for (uint64_t back = 1; back < SLOTS && frames - back >= ROLLOVER - 40; back++) {
			/* At the rollover version 1 itself begins anew at slot 0, over frames that are 16 back. */
			const uint64_t frame = frames - back;
			const bool kept =
				frame >= ROLLOVER || frames < ROLLOVER || (uint32_t)frame % SLOTS > (uint32_t)frames;

			CHECK_EQ(is_there(frame), kept);
		}
	}
}

/* ---- 32 bits of a number that has 64 ---- */

static void a_v1_count_goes_on_from_the_number_near_it(void)
{
	make_v1(7);
	CHECK_EQ(ring_frames(&ring, 7), 7);
	CHECK_EQ(ring_frames(&ring, 3), 7);
	CHECK_EQ(ring_frames(&ring, 9), 7);
	CHECK_EQ(ring_frames(&ring, ROLLOVER - 5), ROLLOVER + 7);
	CHECK_EQ(ring_frames(&ring, 3 * ROLLOVER + 100), 3 * ROLLOVER + 7);
	CHECK_EQ(ring_frames(&ring, 3 * ROLLOVER + INT32_MAX), 3 * ROLLOVER + 7);
	CHECK_EQ(ring_first_frame(&ring), 0);
}

static void make_ours(uint32_t slots, uint32_t slot_size, uint64_t first)
{
	struct geometry geometry;
	void *base;

	CHECK_EQ(geometry_plan(&geometry, slots, slot_size, 0), 0);
	free(ring.base);
	base = aligned_alloc(64, (size_t)((geometry.object_size + 63) / 64 * 64));
	CHECK(base != NULL);
	memset(base, 0, (size_t)geometry.object_size);
	ring_place(&ring, base, &geometry);
	counts = (struct ring_counts){.frames = first};
	ring_format(&ring, &counts);
}

static void publish_ours(void)
{
	const video_frame_meta_t meta = {.size = 40};
	const struct ring_stamp stamp = {0};

	fill_pattern(ring_begin(&ring, &counts), 40, (uint32_t)counts.frames);
	ring_publish(&ring, &counts, &meta, &stamp);
}

/* The extension counts in 64 bits, the v1 words in 32, and both must lead to the same slot. */
static void our_numbering_runs_over(uint32_t slots, uint32_t slot_size)
{
	uint64_t holds[64] = {0};

	make_ours(slots, slot_size, ROLLOVER - 40);
	for (uint64_t frame = ROLLOVER - 40; frame < ROLLOVER + 80; frame++) {
		CHECK_EQ(ring.header->write_idx, (uint32_t)frame);
		publish_ours();
		holds[(uint32_t)frame % slots] = frame;
		CHECK_EQ(ring_frames(&ring, 0), frame + 1);
		CHECK_EQ(ring.header->frame_count, (uint32_t)(frame + 1));
		for (uint64_t other = frame - slots - 5; other <= frame + 5; other++)
			CHECK_EQ(is_there(other), holds[(uint32_t)other % slots] == other);
	}
}

static void our_v1_ring_runs_over(void)
{
	our_numbering_runs_over(30, VIDEO_SHM_MAX_FRAME_SIZE);
}

static void our_rings_of_other_geometries_run_over(void)
{
	our_numbering_runs_over(7, 100);
	our_numbering_runs_over(64, 100);
}

/* What a version 1 reader does: it knows nothing of stamps, and goes by write_idx and the slots alone. */
static void a_v1_reader_finds_our_newest_frame_at_the_slot_before_write_idx(void)
{
	make_ours(30, VIDEO_SHM_MAX_FRAME_SIZE, ROLLOVER - 40);
	for (int frame = 0; frame < 80; frame++) {
		publish_ours();
		const uint32_t newest = ring.header->write_idx - 1;
		const uint8_t *slot = ring.base + 64 + newest % 30 * LAYOUT_V1_STRIDE;
		uint32_t sequence;

		memcpy(&sequence, slot + 12, sizeof(sequence));
		CHECK_EQ(sequence, newest);
		CHECK(has_pattern(slot + 32, 40, newest));
	}
}

static void a_jpeg_counts_as_a_keyframe_whatever_it_says(void)
{
	const video_frame_meta_t meta = {.size = 1, .codec = VIDEO_SHM_CODEC_JPEG};
	const video_frame_meta_t other = {.size = 1, .codec = VIDEO_SHM_CODEC_H265};
	const struct ring_stamp stamp = {0};
	struct ring_look look;

	make_ours(4, 100, 0);
	(void)ring_begin(&ring, &counts);
	ring_publish(&ring, &counts, &meta, &stamp);
	(void)ring_begin(&ring, &counts);
	ring_publish(&ring, &counts, &other, &stamp);
	CHECK(ring_look(&ring, 0, &look));
	CHECK_EQ(look.flags, VIDEO_SHM_FLAG_KEYFRAME);
	CHECK(ring_is_keyframe(&look.meta));
	CHECK(ring_look(&ring, 1, &look));
	CHECK_EQ(look.flags, 0);
	CHECK_EQ(look.keyframes, 1);
	CHECK_EQ(counts.keyframes, 1);
}

TEST_MAIN(60, TEST(a_free_running_write_idx_leads_to_the_slots),
		  TEST(a_write_idx_modulo_the_slots_leads_to_the_slots),
		  TEST(frames_are_found_between_write_idx_and_frame_count),
		  TEST(a_copy_is_trusted_up_to_29_frames_later),
		  TEST(a_copy_is_not_trusted_once_its_slot_has_another_sequence),
		  TEST(a_v1_slot_with_a_size_beyond_it_is_no_frame), TEST(v1_counters_run_over),
		  TEST(a_v1_count_goes_on_from_the_number_near_it), TEST(our_v1_ring_runs_over),
		  TEST(our_rings_of_other_geometries_run_over),
		  TEST(a_v1_reader_finds_our_newest_frame_at_the_slot_before_write_idx),
		  TEST(a_jpeg_counts_as_a_keyframe_whatever_it_says))
