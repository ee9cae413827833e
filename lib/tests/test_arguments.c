/* SPDX-License-Identifier: Apache-2.0 */
/* Bad arguments of every call: -1 and the errno that the header promises, never a fault, and nothing changed.
 */
#include <stddef.h>

#include "check.h"
#include "frames.h"

static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
static video_frame_meta_t meta;
static const char *name;
static video_shm_producer_t producer, closed_producer;
static video_shm_consumer_t consumer, closed_consumer;

static void set_up(void)
{
	name = fresh_name();
	open_producer(&producer, name);
	open_consumer(&consumer, name);
}

static void nothing_was_written_or_lost(void)
{
	const video_shm_info_t info = info_of(&consumer);

	CHECK_EQ(info.frames, 0);
	CHECK_EQ(info.dropped, 0);
	CHECK_EQ(info.span, 0);
	CHECK_EQ(write_pattern(&producer, 0, 10, true), 0);
	CHECK_EQ(video_shm_consumer_wait(&consumer, data, &meta, 1000), 10);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
	CHECK(!shm_exists(name));
}

static void bad_names_are_einval(void)
{
	static char longest[300];
	const char *names[] = {"", "/", ".", "..", "/.", "/..", "a/b", "/a/b", "//a", "a/", longest};
	video_shm_info_t info = {.struct_size = sizeof(info)};
	video_shm_slot_t slot = {.struct_size = sizeof(slot)};

	memset(longest, 'x', sizeof(longest) - 1);
	for (size_t at = 0; at < sizeof(names) / sizeof(names[0]); at++) {
		const video_shm_producer_options_t writes = {.struct_size = sizeof(writes), .name = names[at]};
		const video_shm_consumer_options_t reads = {.struct_size = sizeof(reads), .name = names[at]};

		CHECK_FAILS(video_shm_producer_open(&closed_producer, &writes), EINVAL);
		CHECK_FAILS(video_shm_consumer_open(&closed_consumer, &reads), EINVAL);
		CHECK_FAILS(video_shm_inspect(names[at], &info), EINVAL);
		CHECK_FAILS(video_shm_inspect_slots(names[at], &slot, 1), EINVAL);
	}
	CHECK_FAILS(video_shm_producer_init_channel(&closed_producer, -1), EINVAL);
	CHECK_FAILS(video_shm_consumer_init_channel(&closed_consumer, -1), EINVAL);
}

static void refused(video_shm_producer_options_t options)
{
	options.struct_size = options.struct_size != 0 ? options.struct_size : sizeof(options);
	options.name = name;
	CHECK_FAILS(video_shm_producer_open(&closed_producer, &options), EINVAL);
	CHECK_FAILS(video_shm_producer_write(&closed_producer, data, 1, &meta), EBADF);
	CHECK(!shm_exists(name));
}

static void bad_options_of_a_writer_are_einval_and_make_nothing(void)
{
	name = fresh_name();
	refused((video_shm_producer_options_t){.slots = 1});
	refused((video_shm_producer_options_t){.slots = 4097});
	refused((video_shm_producer_options_t){.slots = UINT32_MAX});
	refused((video_shm_producer_options_t){.slot_size = (256u << 20) + 1});
	refused((video_shm_producer_options_t){.slot_size = UINT32_MAX});
	refused((video_shm_producer_options_t){.mode = 01000});
	refused((video_shm_producer_options_t){.mode = UINT32_MAX});
	refused((video_shm_producer_options_t){.media = 2});
	refused((video_shm_producer_options_t){.reserved = 1});
	refused((video_shm_producer_options_t){.struct_size = 3});
	refused((video_shm_producer_options_t){.struct_size = UINT32_MAX});
	const video_shm_producer_options_t unset = {.name = name};

	CHECK_FAILS(video_shm_producer_open(&closed_producer, &unset), EINVAL);
	CHECK_FAILS(video_shm_producer_open(NULL, NULL), EINVAL);
	CHECK_FAILS(video_shm_producer_init(NULL), EINVAL);
	CHECK_FAILS(video_shm_producer_init_channel(NULL, fresh_channel()), EINVAL);
}

static void bad_options_of_a_reader_are_einval(void)
{
	set_up();
	const video_shm_consumer_options_t bad[] = {
		{.struct_size = sizeof(bad[0]), .start = 4, .name = name},
		{.struct_size = sizeof(bad[0]), .policy = 3, .name = name},
		{.struct_size = sizeof(bad[0]), .resync = 2, .name = name},
		{.struct_size = sizeof(bad[0]), .reconnect = 2, .name = name},
		{.struct_size = 3, .name = name},
		{.struct_size = UINT32_MAX, .name = name},
		{.struct_size = 0, .name = name},
	};

	for (size_t at = 0; at < sizeof(bad) / sizeof(bad[0]); at++) {
		CHECK_FAILS(video_shm_consumer_open(&closed_consumer, &bad[at]), EINVAL);
		CHECK_FAILS(video_shm_consumer_read(&closed_consumer, data, &meta), EBADF);
	}
	CHECK_FAILS(video_shm_consumer_open(NULL, NULL), EINVAL);
	CHECK_FAILS(video_shm_consumer_init(NULL), EINVAL);
	CHECK_FAILS(video_shm_consumer_init_channel(NULL, 0), EINVAL);
	nothing_was_written_or_lost();
}

static void bad_arguments_of_a_writer_are_einval(void)
{
	const video_frame_timing_t strange = {.flags = 1u << 20}, reserved = {.reserved = 1},
							   keyframe = {.flags = VIDEO_SHM_FLAG_KEYFRAME},
							   recovery_point = {.flags = VIDEO_SHM_FLAG_RECOVERY_POINT};
	uint8_t *slot;
	uint32_t capacity;

	set_up();
	CHECK_FAILS(video_shm_producer_write(NULL, data, 1, &meta), EINVAL);
	CHECK_FAILS(video_shm_producer_write(&producer, NULL, 1, &meta), EINVAL);
	CHECK_FAILS(video_shm_producer_write(&producer, data, 0, &meta), EINVAL);
	CHECK_FAILS(video_shm_producer_write(&producer, data, 1, NULL), EINVAL);
	CHECK_FAILS(video_shm_producer_write_timed(NULL, data, 1, &meta, NULL), EINVAL);
	CHECK_FAILS(video_shm_producer_write_timed(&producer, NULL, 1, &meta, NULL), EINVAL);
	CHECK_FAILS(video_shm_producer_write_timed(&producer, data, 0, &meta, NULL), EINVAL);
	CHECK_FAILS(video_shm_producer_write_timed(&producer, data, 1, NULL, &reserved), EINVAL);
	CHECK_FAILS(video_shm_producer_write_timed(&producer, data, 1, &meta, &strange), EINVAL);
	CHECK_FAILS(video_shm_producer_write_timed(&producer, data, 1, &meta, &reserved), EINVAL);
	CHECK_FAILS(video_shm_producer_write_timed(&producer, data, 1, &meta, &keyframe), EINVAL);
	CHECK_FAILS(video_shm_producer_write_timed(&producer, data, 1, &meta, &recovery_point), EINVAL);
	CHECK_FAILS(video_shm_producer_reserve(NULL, &slot, &capacity), EINVAL);
	CHECK_FAILS(video_shm_producer_reserve(&producer, NULL, &capacity), EINVAL);
	CHECK_FAILS(video_shm_producer_reserve(&producer, &slot, NULL), EINVAL);
	CHECK_FAILS(video_shm_producer_commit(&producer, 1, &meta, NULL), EINVAL); /* nothing is reserved */
	CHECK_EQ(video_shm_producer_reserve(&producer, &slot, &capacity), 0);
	CHECK_FAILS(video_shm_producer_reserve(&producer, &slot, &capacity), EBUSY);
	CHECK_FAILS(video_shm_producer_commit(NULL, 1, &meta, NULL), EINVAL);
	CHECK_FAILS(video_shm_producer_commit(&producer, 0, &meta, NULL), EINVAL);
	CHECK_FAILS(video_shm_producer_commit(&producer, 1, NULL, NULL), EINVAL);
	CHECK_FAILS(video_shm_producer_commit(&producer, 1, &meta, &strange), EINVAL);
	CHECK_FAILS(video_shm_producer_commit(&producer, 1, &meta, &reserved), EINVAL);
	CHECK_FAILS(video_shm_producer_commit(&producer, 1, &meta, &keyframe), EINVAL);
	CHECK_FAILS(video_shm_producer_commit(&producer, 1, &meta, &recovery_point), EINVAL); /* no keyframe */
	CHECK_FAILS(video_shm_producer_commit(&producer, capacity + 1, &meta, NULL), EMSGSIZE);
	CHECK_FAILS(video_shm_producer_reserve(&producer, &slot, &capacity), EBUSY); /* it is still out */
	video_shm_producer_abort(&producer);
	video_shm_producer_abort(&producer);
	video_shm_producer_abort(NULL);
	CHECK_FAILS(video_shm_producer_info(NULL, &(video_shm_info_t){.struct_size = 8}), EINVAL);
	CHECK_FAILS(video_shm_producer_info(&producer, NULL), EINVAL);
	CHECK_FAILS(video_shm_producer_info(&producer, &(video_shm_info_t){0}), EINVAL);
	video_shm_producer_destroy(NULL);
	nothing_was_written_or_lost();
}

static void bad_arguments_of_a_reader_are_einval(void)
{
	video_shm_view_t view = {.struct_size = sizeof(view)}, none = {.struct_size = sizeof(none)};

	set_up();
	CHECK_FAILS(video_shm_consumer_read(NULL, data, &meta), EINVAL);
	CHECK_FAILS(video_shm_consumer_read(&consumer, NULL, &meta), EINVAL);
	CHECK_FAILS(video_shm_consumer_read(&consumer, data, NULL), EINVAL);
	CHECK_FAILS(video_shm_consumer_wait(NULL, data, &meta, 1), EINVAL);
	CHECK_FAILS(video_shm_consumer_wait(&consumer, NULL, &meta, 1), EINVAL);
	CHECK_FAILS(video_shm_consumer_wait(&consumer, data, NULL, 1), EINVAL);
	CHECK_FAILS(video_shm_consumer_receive(NULL, data, 1, &meta, 1), EINVAL);
	CHECK_FAILS(video_shm_consumer_receive(&consumer, NULL, 1, &meta, 1), EINVAL);
	CHECK_FAILS(video_shm_consumer_receive(&consumer, data, 1, NULL, 1), EINVAL);
	CHECK_FAILS(video_shm_consumer_acquire(NULL, &view, 1), EINVAL);
	CHECK_FAILS(video_shm_consumer_acquire(&consumer, NULL, 1), EINVAL);
	CHECK_FAILS(video_shm_consumer_acquire(&consumer, &(video_shm_view_t){0}, 1), EINVAL);
	CHECK_FAILS(video_shm_consumer_release(NULL, &view), EINVAL);
	CHECK_FAILS(video_shm_consumer_release(&consumer, NULL), EINVAL);
	CHECK_FAILS(video_shm_consumer_release(&consumer, &none), EINVAL);
	CHECK_FAILS(video_shm_consumer_info(NULL, &(video_shm_info_t){.struct_size = 8}), EINVAL);
	CHECK_FAILS(video_shm_consumer_info(&consumer, NULL), EINVAL);
	CHECK_FAILS(video_shm_consumer_info(&consumer, &(video_shm_info_t){0}), EINVAL);
	CHECK_FAILS(video_shm_consumer_stats(NULL, NULL, NULL, NULL), EINVAL);
	CHECK_EQ(video_shm_consumer_stats(&consumer, NULL, NULL, NULL), 0);
	video_shm_consumer_interrupt(NULL);
	video_shm_consumer_destroy(NULL);
	nothing_was_written_or_lost();
}

/* A view that was given back, or is somebody else's, must not count as one more frame. */
static void a_view_is_released_once(void)
{
	video_shm_view_t view = {.struct_size = sizeof(view)}, again = view, copy;

	set_up();
	CHECK_EQ(write_pattern(&producer, 0, 10, true), 0);
	CHECK_EQ(video_shm_consumer_acquire(&consumer, &view, 1000), 10);
	CHECK_FAILS(video_shm_consumer_acquire(&consumer, &again, 1), EBUSY);
	CHECK_FAILS(video_shm_consumer_wait(&consumer, data, &meta, 1), EBUSY);
	copy = view;
	CHECK_EQ(video_shm_consumer_release(&consumer, &view), 0);
	CHECK_FAILS(video_shm_consumer_release(&consumer, &view), EINVAL);
	CHECK_FAILS(video_shm_consumer_release(&consumer, &copy), EINVAL);
	CHECK_EQ(info_of(&consumer).received, 1);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

static void a_handle_that_is_not_open_is_ebadf(void)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};
	video_shm_view_t view = {.struct_size = sizeof(view)};
	uint8_t *slot;
	uint32_t capacity;

	CHECK_FAILS(video_shm_producer_write(&closed_producer, data, 1, &meta), EBADF);
	CHECK_FAILS(video_shm_producer_reserve(&closed_producer, &slot, &capacity), EBADF);
	CHECK_FAILS(video_shm_producer_commit(&closed_producer, 1, &meta, NULL), EBADF);
	CHECK_FAILS(video_shm_producer_info(&closed_producer, &info), EBADF);
	CHECK_FAILS(video_shm_producer_descriptor(&closed_producer, &view.offset), EBADF);
	video_shm_producer_abort(&closed_producer);
	video_shm_producer_destroy(&closed_producer);
	CHECK_FAILS(video_shm_consumer_read(&closed_consumer, data, &meta), EBADF);
	CHECK_FAILS(video_shm_consumer_wait(&closed_consumer, data, &meta, 0), EBADF);
	CHECK_FAILS(video_shm_consumer_receive(&closed_consumer, data, 1, &meta, 0), EBADF);
	CHECK_FAILS(video_shm_consumer_acquire(&closed_consumer, &view, 0), EBADF);
	CHECK_FAILS(video_shm_consumer_release(&closed_consumer, &view), EBADF);
	CHECK_FAILS(video_shm_consumer_info(&closed_consumer, &info), EBADF);
	CHECK_FAILS(video_shm_consumer_stats(&closed_consumer, NULL, NULL, NULL), EBADF);
	CHECK_FAILS(video_shm_consumer_descriptor(&closed_consumer), EBADF);
	video_shm_consumer_interrupt(&closed_consumer);
	video_shm_consumer_destroy(&closed_consumer);
}

static void a_look_from_outside_checks_its_arguments(void)
{
	video_shm_slot_t slot = {.struct_size = sizeof(slot)};

	set_up();
	CHECK_FAILS(video_shm_inspect(name, NULL), EINVAL);
	CHECK_FAILS(video_shm_inspect(name, &(video_shm_info_t){0}), EINVAL);
	CHECK_FAILS(video_shm_inspect_slots(name, NULL, 1), EINVAL);
	CHECK_FAILS(video_shm_inspect_slots(name, &slot, 0), EINVAL);
	CHECK_FAILS(video_shm_inspect_slots(name, &(video_shm_slot_t){0}, 1), EINVAL);
	CHECK_EQ(video_shm_layout(NULL), -1);
	CHECK_EQ(video_shm_layout("no_such_type"), -1);
	nothing_was_written_or_lost();
}

TEST_MAIN(60, TEST(bad_names_are_einval), TEST(bad_options_of_a_writer_are_einval_and_make_nothing),
		  TEST(bad_options_of_a_reader_are_einval), TEST(bad_arguments_of_a_writer_are_einval),
		  TEST(bad_arguments_of_a_reader_are_einval), TEST(a_view_is_released_once),
		  TEST(a_handle_that_is_not_open_is_ebadf), TEST(a_look_from_outside_checks_its_arguments))
