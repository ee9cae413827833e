/* SPDX-License-Identifier: Apache-2.0 */
/* ring.c on plain memory: stamps, and what publishing stores. */
#include "check.h"
#include "frames.h"
#include "ring.h"

#define SLOTS 4
#define SLOT_SIZE 1000

static struct ring ring;
static struct ring_counts counts;

static void make_ring(uint64_t first)
{
	struct geometry geometry;
	void *base;

	free(ring.base);
	CHECK_EQ(geometry_plan(&geometry, SLOTS, SLOT_SIZE, 0), 0);
	base = aligned_alloc(64, (size_t)geometry.object_size);
	CHECK(base != NULL);
	memset(base, 0, (size_t)geometry.object_size);
	ring_place(&ring, base, &geometry);
	counts = (struct ring_counts){.frames = first};
	ring_format(&ring, &counts);
}

static struct layout_line *line_of(uint64_t frame)
{
	return &ring.lines[(uint32_t)frame % SLOTS];
}

/* A frame full of its own pattern. */
static void publish(uint32_t size, bool keyframe)
{
	const video_frame_meta_t meta = {.size = size, .is_keyframe = keyframe};
	const struct ring_stamp stamp = {.capture_ns = counts.frames + 7};

	fill_pattern(ring_begin(&ring, &counts), size, counts.frames);
	ring_publish(&ring, &counts, &meta, &stamp);
}

/* Returns whether that frame can be read, and checks that it is whole. */
static bool is_there(uint64_t frame)
{
	struct ring_look look;

	if (!ring_look(&ring, frame, &look))
		return false;
	CHECK(look.frame == frame && has_pattern(look.data, look.meta.size, frame));
	return ring_still_whole(&ring, &look);
}

static void a_new_ring_holds_nothing(void)
{
	make_ring(0);
	CHECK_EQ(ring_frames(&ring, 0), 0);
	CHECK(ring.header->magic == VIDEO_SHM_MAGIC && ring.header->version == 2);
	CHECK(!is_there(0) && !is_there(1));
	make_ring(100);
	CHECK_EQ(ring_frames(&ring, 0), 100);
	CHECK_EQ(ring_first_frame(&ring), 100);
	CHECK(ring.header->write_idx == 100 && ring.header->frame_count == 100);
	CHECK(!is_there(99) && !is_there(100));
}

static void a_published_frame_is_found_with_all_that_belongs_to_it(void)
{
	const video_frame_meta_t meta = {.timestamp_ms = 12345678901,
									 .size = 999,
									 .sequence = 77,
									 .is_keyframe = 1,
									 .codec = 1,
									 .width = 1920,
									 .height = 1080,
									 .fps = 60};
	const struct ring_stamp stamp = {VIDEO_SHM_FLAG_CORRUPT, 11, 22};
	struct ring_look look;

	make_ring(5);
	fill_pattern(ring_begin(&ring, &counts), 999, 5);
	ring_publish(&ring, &counts, &meta, &stamp);
	CHECK(ring_look(&ring, 5, &look));
	CHECK(has_pattern(look.data, 999, 5));
	CHECK_EQ(look.offset, look.data - ring.base);
	CHECK_EQ(look.frame, 5);
	CHECK_EQ(look.flags, VIDEO_SHM_FLAG_CORRUPT | VIDEO_SHM_FLAG_KEYFRAME);
	CHECK(look.capture_ns == 11 && look.publish_ns == 22);
	CHECK_EQ(look.keyframes, 1);
	CHECK_EQ(look.meta.sequence, 5); /* the ring's number, not the caller's */
	CHECK(look.meta.timestamp_ms == meta.timestamp_ms && look.meta.size == 999 && look.meta.is_keyframe == 1);
	CHECK(look.meta.codec == 1 && look.meta.width == 1920 && look.meta.height == 1080 && look.meta.fps == 60);
	CHECK_EQ(counts.frames, 6);
	CHECK(counts.keyframes == 1 && counts.bytes == 999);
	CHECK_EQ(ring.extension->frames, 6);
	CHECK_EQ(ring.extension->keyframes, 1);
	CHECK_EQ(ring.extension->bytes, 999);
	CHECK_EQ(ring.header->write_idx, 6);
	CHECK_EQ(ring.header->frame_count, 6);
}

/* A reader would take bytes of the new frame for the old one's. */
static void begin_makes_the_old_frame_unreadable_and_no_other(void)
{
	struct ring_look old, other;

	make_ring(0);
	for (int frame = 0; frame < SLOTS; frame++)
		publish(100, false);
	CHECK(ring_look(&ring, 0, &old) && ring_look(&ring, 1, &other));
	CHECK(ring_still_whole(&ring, &old));
	CHECK_EQ(line_of(0)->stamp, layout_stamp(0));
	(void)ring_begin(&ring, &counts);
	CHECK_EQ(line_of(4)->stamp % 2, 1);
	CHECK(!ring_still_whole(&ring, &old));
	CHECK(!is_there(0) && !is_there(4));
	CHECK(ring_still_whole(&ring, &other));
	CHECK(is_there(1) && is_there(2) && is_there(3));
	publish(100, false);
	CHECK_EQ(line_of(4)->stamp, layout_stamp(4));
	CHECK(!ring_still_whole(&ring, &old));
	CHECK(is_there(4));
}

/* The old frame's stamp would hand out its ruins. */
static void a_cancelled_slot_is_empty_and_nothing_is_counted(void)
{
	make_ring(0);
	for (int frame = 0; frame < SLOTS + 1; frame++)
		publish(100, true);
	memset(ring_begin(&ring, &counts), 0xee, 50);
	ring_cancel(&ring, &counts);
	CHECK(!is_there(1) && !is_there(5));
	CHECK_EQ(ring_frames(&ring, 0), 5);
	CHECK_EQ(ring.extension->keyframes, 5);
	publish(10, false);
	CHECK(is_there(5));
}

static void a_size_that_does_not_fit_the_slot_is_no_frame(void)
{
	static const uint32_t sizes[] = {0, SLOT_SIZE + 1, UINT32_MAX};
	video_frame_meta_t meta;

	make_ring(0);
	publish(SLOT_SIZE, false);
	CHECK(is_there(0));
	for (size_t at = 0; at < 3; at++) {
		uint8_t *stored = ring.base + ring.geometry.slot_offset;
		struct ring_look look;

		memcpy(&meta, stored, sizeof(meta));
		meta.size = sizes[at];
		memcpy(stored, &meta, sizeof(meta));
		CHECK(!ring_look(&ring, 0, &look));
	}
}

/* The stamp comes round after 2^31 frames; a reader that stood still for so long must not be fooled. */
static void an_equal_stamp_of_another_frame_is_not_taken(void)
{
	struct ring_look look;

	make_ring(0);
	publish(10, false);
	CHECK(ring_look(&ring, 0, &look));
	CHECK(!ring_look(&ring, UINT64_C(1) << 31, &look));
	CHECK(!ring_look(&ring, UINT64_C(1) << 32, &look));
	make_ring(0); /* an unused line's stamp is what frame 2^31 - 1 would have */
	CHECK(!ring_look(&ring, (UINT64_C(1) << 31) - 1, &look));
	make_ring((UINT64_C(1) << 31) - 1);
	publish(10, false);
	CHECK(ring_look(&ring, counts.frames - 1, &look));
	counts.frames += SLOTS - 1;
	(void)ring_begin(&ring, &counts);
	ring_cancel(&ring, &counts);
	CHECK(!ring_still_whole(&ring, &look)); /* that reader was in the middle of it */
	CHECK(!ring_look(&ring, (UINT64_C(1) << 31) - 1, &look));
}

/* ---- what lies outside of a frame ---- */

/* Bytes of the caller's stack would be shown to all readers. */
static void reserved_bytes_are_the_callers_and_padding_stays_zero(void)
{
	video_frame_meta_t meta;
	const struct ring_stamp stamp = {0};

	make_ring(0);
	memset(&meta, 0xa5, sizeof(meta));
	meta.size = 1;
	(void)ring_begin(&ring, &counts);
	ring_publish(&ring, &counts, &meta, &stamp);
	const uint8_t *stored = ring.base + ring.geometry.slot_offset;

	for (size_t at = 16; at < 28; at++)
		CHECK_EQ(stored[at], 0xa5);
	for (size_t at = 28; at < 32; at++)
		CHECK_EQ(stored[at], 0);
}

static void a_frame_touches_no_byte_but_its_own(void)
{
	const size_t size = 333;

	make_ring(0);
	const size_t all = (size_t)ring.geometry.object_size, slot = (size_t)ring.geometry.slot_offset;

	memset(ring.base + slot, 0xcc, (size_t)(SLOTS * ring.geometry.slot_stride));
	uint8_t *before = malloc(all);

	CHECK(before != NULL);
	memcpy(before, ring.base, all);
	publish((uint32_t)size, false);
	/* header: write_idx and frame_count; extension: frames, bytes; line 0 */
	memset(before + 8, 0, 4);
	memset(before + 16, 0, 4);
	memcpy(before + slot, ring.base + slot, 32 + size);
	for (size_t at = 0; at < ring.geometry.extension_offset; at++)
		if (before[at] != ring.base[at] && at != 8 && at != 16)
			check_failed(__FILE__, __LINE__, "untouched", "byte %zu", at);
	CHECK(memcmp(before + ring.geometry.extension_offset, ring.extension, 128) == 0);
	CHECK(memcmp(before + ring.geometry.extension_offset + 152, (uint8_t *)ring.extension + 152, 104) == 0);
	CHECK(memcmp(before + ring.geometry.line_offset + 40, (uint8_t *)ring.lines + 40, 24) == 0);
	CHECK(memcmp(before + ring.geometry.line_offset + 64, ring.lines + 1, 64 * (SLOTS - 1)) == 0);
	free(before);
}

TEST_MAIN(20, TEST(a_new_ring_holds_nothing), TEST(a_published_frame_is_found_with_all_that_belongs_to_it),
		  TEST(begin_makes_the_old_frame_unreadable_and_no_other),
		  TEST(a_cancelled_slot_is_empty_and_nothing_is_counted),
		  TEST(a_size_that_does_not_fit_the_slot_is_no_frame),
		  TEST(an_equal_stamp_of_another_frame_is_not_taken),
		  TEST(reserved_bytes_are_the_callers_and_padding_stays_zero),
		  TEST(a_frame_touches_no_byte_but_its_own))
