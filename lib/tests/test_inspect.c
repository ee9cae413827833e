/* SPDX-License-Identifier: Apache-2.0 */
/* inspect.c: the slot table shows what a reader would be handed, and nothing that only looks like it. */
#include <sys/stat.h>

#include "check.h"
#include "frames.h"
#include "layout.h"
#include "object_bytes.h"

#define SLOTS 4u

static video_shm_slot_t slots[SLOTS];
static video_shm_producer_t producer;
static const char *name;

static void make_ring(void)
{
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = SLOTS, .slot_size = 1000, .name = fresh_name()};

	name = options.name;
	CHECK_EQ(video_shm_producer_open(&producer, &options), 0);
	for (uint64_t frame = 0; frame < 6; frame++)
		CHECK_EQ(write_pattern(&producer, frame, 100 + (uint32_t)frame, frame == 4), 0);
}

static void look(void)
{
	memset(slots, 0, sizeof(slots));
	slots[0].struct_size = sizeof(slots[0]);
	CHECK_EQ(video_shm_inspect_slots(name, slots, SLOTS), SLOTS);
}

static uint64_t extension_at(void)
{
	return (uint64_t)peek32(name, AT_EXTENSION) * LAYOUT_UNIT;
}

/* The lines follow the extension. */
static uint64_t in_line(uint32_t index, uint64_t offset)
{
	return extension_at() + sizeof(struct layout_extension) + index * sizeof(struct layout_line) + offset;
}

static void each_slot_shows_its_frame(void)
{
	static const uint64_t frames[SLOTS] = {4, 5, 2, 3};

	make_ring();
	look();
	for (uint32_t index = 0; index < SLOTS; index++) {
		CHECK_EQ(slots[index].whole, 1);
		CHECK_EQ(slots[index].frame, frames[index]);
		CHECK_EQ(slots[index].meta.size, 100 + frames[index]);
		CHECK_EQ(slots[index].flags & VIDEO_SHM_FLAG_KEYFRAME, frames[index] == 4);
		CHECK(slots[index].publish_ns > 0 && slots[index].capture_ns <= slots[index].publish_ns);
	}
	video_shm_producer_destroy(&producer);
}

/* A writer that died between stamp and counter. */
static void a_frame_that_was_never_counted_is_none(void)
{
	make_ring();
	poke64(name, extension_at() + EXTENSION_FRAMES, 5);
	look();
	CHECK(slots[0].whole == 1 && slots[1].whole == 0 && slots[2].whole == 1 && slots[3].whole == 1);
	CHECK_EQ(slots[1].meta.size, 0);
	video_shm_producer_destroy(&producer);
}

static void a_frame_in_anothers_slot_is_none(void)
{
	make_ring();
	poke64(name, in_line(1, offsetof(struct layout_line, frame)), 4);
	poke32(name, in_line(1, offsetof(struct layout_line, stamp)), layout_stamp(4));
	look();
	CHECK(slots[0].whole == 1 && slots[1].whole == 0);
	video_shm_producer_destroy(&producer);
}

static void a_slot_that_is_being_written_is_none(void)
{
	uint32_t capacity;
	uint8_t *data;

	make_ring();
	CHECK_EQ(video_shm_producer_reserve(&producer, &data, &capacity), 0);
	look();
	CHECK(slots[1].whole == 1 && slots[2].whole == 0);
	video_shm_producer_destroy(&producer);
}

/* The device is that of stat(), because inodes alone do not tell the rings of two mounts apart. */
static void it_is_told_which_object_it_is(void)
{
	video_shm_info_t seen = {.struct_size = sizeof(seen)};
	struct stat status;

	make_ring();
	CHECK_EQ(stat(shm_path(name), &status), 0);
	CHECK_EQ(video_shm_inspect(name, &seen), 0);
	CHECK(seen.device == status.st_dev && seen.inode == status.st_ino);
	video_shm_producer_destroy(&producer);
}

TEST_MAIN(20, TEST(it_is_told_which_object_it_is), TEST(each_slot_shows_its_frame),
		  TEST(a_frame_that_was_never_counted_is_none), TEST(a_frame_in_anothers_slot_is_none),
		  TEST(a_slot_that_is_being_written_is_none))
