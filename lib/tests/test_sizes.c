/* SPDX-License-Identifier: Apache-2.0 */
/* Frames and buffers of every size, and rings of other geometries. */
#include "channels.h"
#include "check.h"
#include "frames.h"

#define MIB (1u << 20)
#define GUARD 4096u

static uint8_t *data; /* a version 1 program's buffer, and guard bytes behind it */

static void guard(void)
{
	data = malloc(VIDEO_SHM_MAX_FRAME_SIZE + GUARD);
	CHECK(data != NULL);
	memset(data, 0x5a, VIDEO_SHM_MAX_FRAME_SIZE + GUARD);
}

static void the_guard_is_whole(void)
{
	for (uint32_t at = 0; at < GUARD; at++)
		CHECK_EQ(data[VIDEO_SHM_MAX_FRAME_SIZE + at], 0x5a);
}

static void open_sized(video_shm_producer_t *producer, const char *name, uint32_t slots, uint32_t slot_size)
{
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = slots, .slot_size = slot_size, .name = name};

	CHECK_EQ(video_shm_producer_open(producer, &options), 0);
}

static video_shm_info_t writers_info(video_shm_producer_t *producer)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	CHECK_EQ(video_shm_producer_info(producer, &info), 0);
	return info;
}

static void frames_of_1_byte_to_a_full_slot_arrive_whole(void)
{
	const uint32_t sizes[] = {
		1, 7, 8, 31, 4095, 4097, VIDEO_SHM_MAX_FRAME_SIZE - 1, VIDEO_SHM_MAX_FRAME_SIZE};
	const char *name = fresh_name();
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	video_frame_meta_t meta;

	guard();
	open_producer(&producer, name);
	open_consumer(&consumer, name);
	for (uint32_t at = 0; at < sizeof(sizes) / sizeof(sizes[0]); at++) {
		CHECK_EQ(write_pattern(&producer, at, sizes[at], true), 0);
		CHECK_EQ(video_shm_consumer_wait(&consumer, data, &meta, 1000), sizes[at]);
		CHECK_EQ(meta.size, sizes[at]);
		CHECK_EQ(meta.sequence, at);
		CHECK(has_pattern(data, meta.size, at));
		the_guard_is_whole();
	}
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

static void an_empty_frame_is_einval_and_no_drop(void)
{
	const char *name = fresh_name();
	const video_frame_meta_t meta = {.is_keyframe = 1};
	video_shm_producer_t producer;

	open_producer(&producer, name);
	CHECK_FAILS(video_shm_producer_write(&producer, (const uint8_t *)"", 0, &meta), EINVAL);
	CHECK_EQ(writers_info(&producer).dropped, 0);
	CHECK_EQ(writers_info(&producer).frames, 0);
	video_shm_producer_destroy(&producer);
}

static void a_frame_larger_than_the_slot_is_emsgsize_and_counted(void)
{
	const char *name = fresh_name();
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	uint32_t total, dropped, missed;

	guard();
	open_producer(&producer, name);
	open_consumer(&consumer, name);
	CHECK_FAILS(write_pattern(&producer, 0, VIDEO_SHM_MAX_FRAME_SIZE + 1, true), EMSGSIZE);
	CHECK_FAILS(write_pattern(&producer, 0, 4 * MIB, true), EMSGSIZE);
	CHECK_EQ(writers_info(&producer).dropped_too_large, 2);
	CHECK_EQ(info_of(&consumer).dropped_too_large, 2);
	CHECK_EQ(video_shm_consumer_stats(&consumer, &total, &dropped, &missed), 0);
	CHECK(total == 0 && dropped == 2 && missed == 0);
	CHECK_EQ(write_pattern(&producer, 0, 1000, true), 0);
	CHECK_EQ(video_shm_consumer_wait(&consumer, data, &(video_frame_meta_t){0}, 1000), 1000);
	CHECK_EQ(info_of(&consumer).missed, 0);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

/* The frame must still be there for the larger buffer, and the small one unharmed. */
static void a_small_buffer_is_told_the_real_size_and_loses_nothing(void)
{
	const char *name = fresh_name();
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;

	guard();
	open_producer(&producer, name);
	open_consumer(&consumer, name);
	CHECK_EQ(write_pattern(&producer, 0, 5000, true), 0);
	CHECK_EQ(write_pattern(&producer, 1, 10, true), 0);
	for (int again = 0; again < 3; again++) {
		video_frame_meta_t meta = {0};

		CHECK_FAILS(video_shm_consumer_receive(&consumer, data, 4999, &meta, 1000), EMSGSIZE);
		CHECK_EQ(meta.size, 5000);
		CHECK_EQ(meta.sequence, 0);
		CHECK_EQ(data[0], 0x5a);
		CHECK_EQ(info_of(&consumer).received, 0);
	}
	video_frame_meta_t meta;

	CHECK_EQ(video_shm_consumer_receive(&consumer, data, 5000, &meta, 1000), 5000);
	CHECK(has_pattern(data, 5000, 0));
	CHECK_EQ(video_shm_consumer_receive(&consumer, data, 10, &meta, 1000), 10);
	CHECK_EQ(meta.sequence, 1);
	CHECK_EQ(info_of(&consumer).received, 2);
	CHECK_EQ(info_of(&consumer).missed, 0);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

/* ---- a program of the first version, whose buffer is 512 KiB ---- */

static void a_ring_of_larger_slots_is_refused_to_it(void)
{
	const int channel = fresh_channel();
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;

	open_sized(&producer, channel_ring(channel), 0, MIB);
	CHECK_FAILS(video_shm_consumer_init_channel(&consumer, channel), EPROTO);
	video_shm_producer_destroy(&producer);
	open_sized(&producer, channel_ring(channel), 60, VIDEO_SHM_MAX_FRAME_SIZE);
	CHECK_EQ(video_shm_consumer_init_channel(&consumer, channel), 0); /* more slots do it no harm */
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

static void wait_and_read_never_write_beyond_its_buffer(void)
{
	const char *name = fresh_name();
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	video_frame_meta_t meta = {0};

	guard();
	open_sized(&producer, name, 0, MIB);
	open_consumer(&consumer, name);
	CHECK_EQ(write_pattern(&producer, 0, MIB, true), 0);
	CHECK_FAILS(video_shm_consumer_wait(&consumer, data, &meta, 1000), EMSGSIZE);
	CHECK_FAILS(video_shm_consumer_read(&consumer, data, &meta), EMSGSIZE);
	CHECK_EQ(meta.size, MIB);
	the_guard_is_whole();
	CHECK_EQ(data[0], 0x5a);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

/* A reader that joined when slots were small goes over to the next ring by itself, with the same limit. */
static void a_successor_of_larger_slots_is_refused_and_the_one_after_it_found(void)
{
	const int channel = fresh_channel();
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	video_frame_meta_t meta;

	guard();
	open_channel_producer(&producer, channel);
	open_channel_consumer(&consumer, channel);
	for (unsigned turn = 1; turn <= 2; turn++) {
		video_shm_producer_destroy(&producer);
		open_sized(&producer, channel_ring(channel), 0, MIB);
		CHECK_EQ(write_pattern(&producer, 0, MIB, true), 0);
		CHECK_FAILS(video_shm_consumer_wait(&consumer, data, &meta, 5000), EPROTO);
		CHECK_EQ(video_shm_consumer_wait(&consumer, data, &meta, 300), 0); /* reported once */
		the_guard_is_whole();
		video_shm_producer_destroy(&producer);
		open_channel_producer(&producer, channel);
		CHECK_EQ(write_pattern(&producer, turn, 1000, true), 0);
		CHECK_EQ(video_shm_consumer_wait(&consumer, data, &meta, 5000), 1000);
		CHECK(has_pattern(data, 1000, turn));
		CHECK_EQ(info_of(&consumer).reattached, turn);
	}
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

/* ---- geometries ---- */

static void one_lap_and_more(const char *name, video_shm_producer_t *producer, uint32_t slots,
							 uint32_t slot_size)
{
	uint8_t *copy = malloc(slot_size);
	video_shm_view_t view = {.struct_size = sizeof(view)};
	video_shm_consumer_t consumer;
	uint32_t capacity;
	uint8_t *slot;

	CHECK(copy != NULL);
	open_consumer(&consumer, name);
	CHECK_EQ(info_of(&consumer).slots, slots);
	CHECK_EQ(info_of(&consumer).slot_size, slot_size);
	for (uint64_t frame = 0; frame < slots + 3; frame += 2) {
		CHECK_EQ(write_pattern(producer, frame, slot_size, true), 0);
		CHECK_EQ(video_shm_consumer_receive(&consumer, copy, slot_size, &view.meta, 1000), slot_size);
		CHECK(has_pattern(copy, slot_size, frame));
		CHECK_EQ(video_shm_producer_reserve(producer, &slot, &capacity), 0);
		CHECK_EQ(capacity, slot_size);
		CHECK_EQ((uintptr_t)slot % 32, 0);
		fill_pattern(slot, slot_size, frame + 1);
		CHECK_EQ(
			video_shm_producer_commit(producer, slot_size, &(video_frame_meta_t){.is_keyframe = 1}, NULL), 0);
		CHECK_EQ(video_shm_consumer_acquire(&consumer, &view, 1000), slot_size);
		CHECK_EQ(view.frame, frame + 1);
		CHECK(view.offset + slot_size <= info_of(&consumer).object_bytes);
		CHECK(has_pattern(view.data, slot_size, frame + 1));
		CHECK_EQ(video_shm_consumer_release(&consumer, &view), 0);
	}
	video_shm_consumer_destroy(&consumer);
	free(copy);
}

static void rings_of_every_geometry_work_alike(void)
{
	const struct {
		uint32_t slots, slot_size;
	} geometries[] = {{2, 1}, {2, 64}, {3, 4095}, {4096, 64}, {60, MIB}, {4, 4 * MIB}, {30, 1000}};

	for (size_t at = 0; at < sizeof(geometries) / sizeof(geometries[0]); at++) {
		const char *name = fresh_name();
		video_shm_producer_t producer;

		open_sized(&producer, name, geometries[at].slots, geometries[at].slot_size);
		CHECK_EQ(writers_info(&producer).version, 2);
		one_lap_and_more(name, &producer, geometries[at].slots, geometries[at].slot_size);
		video_shm_producer_destroy(&producer);
	}
}

static void a_lapped_view_says_so_at_its_release(void)
{
	const char *name = fresh_name();
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	video_shm_view_t view = {.struct_size = sizeof(view)};

	open_sized(&producer, name, 2, 64);
	open_consumer(&consumer, name);
	CHECK_EQ(write_pattern(&producer, 0, 64, true), 0);
	CHECK_EQ(video_shm_consumer_acquire(&consumer, &view, 1000), 64);
	CHECK_EQ(write_pattern(&producer, 1, 64, true), 0);
	CHECK(has_pattern(view.data, 64, 0));
	CHECK_EQ(write_pattern(&producer, 2, 64, true), 0);
	CHECK_EQ(video_shm_consumer_release(&consumer, &view), 1);
	CHECK_EQ(info_of(&consumer).missed, 1);
	CHECK_EQ(info_of(&consumer).received, 0);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

TEST_MAIN(60, TEST(frames_of_1_byte_to_a_full_slot_arrive_whole), TEST(an_empty_frame_is_einval_and_no_drop),
		  TEST(a_frame_larger_than_the_slot_is_emsgsize_and_counted),
		  TEST(a_small_buffer_is_told_the_real_size_and_loses_nothing),
		  TEST(a_ring_of_larger_slots_is_refused_to_it), TEST(wait_and_read_never_write_beyond_its_buffer),
		  TEST(a_successor_of_larger_slots_is_refused_and_the_one_after_it_found),
		  TEST(rings_of_every_geometry_work_alike), TEST(a_lapped_view_says_so_at_its_release))
