/* SPDX-License-Identifier: Apache-2.0 */
/* /dev/shm is full: a small tmpfs over it, in a mount namespace of our own. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "check.h"
#include "frames.h"
#include "processes.h"

#define MIB (1u << 20)

/* 4 MiB for /dev/shm, seen by this process only. */
static void move_to_a_small_room(void)
{
	needs_root();
	if (!have_own_shm("4m"))
		skip_test("needs mounts of its own: run it as root with CAP_SYS_ADMIN");
}

static unsigned objects_there(void)
{
	DIR *directory = opendir("/dev/shm");
	unsigned count = 0;

	CHECK(directory != NULL);
	for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory))
		count += entry->d_name[0] != '.';
	(void)closedir(directory);
	return count;
}

/* A file that leaves no page free. */
static void fill_up(void)
{
	static const uint8_t page[4096];
	const int fd = open("/dev/shm/filling", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd >= 0);
	while (write(fd, page, sizeof(page)) == (ssize_t)sizeof(page)) {
	}
	CHECK_EQ(errno, ENOSPC);
	(void)close(fd);
}

static uint64_t blocks_free(void)
{
	struct statvfs space;

	CHECK_EQ(statvfs("/dev/shm", &space), 0);
	return space.f_bfree;
}

static void open_small(video_shm_producer_t *producer, const char *name)
{
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = 4, .slot_size = 64000, .name = name};

	CHECK_EQ(video_shm_producer_open(producer, &options), 0);
}

/* A ring whose memory is not reserved opens here, and dies of SIGBUS at the frame that finds no page. */
static void a_ring_that_does_not_fit_is_enospc_and_leaves_nothing(void)
{
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = 5, .slot_size = MIB, .name = fresh_name()};
	video_shm_producer_t producer;
	uint64_t before;

	move_to_a_small_room();
	before = blocks_free();
	CHECK_FAILS(video_shm_producer_open(&producer, &options), ENOSPC);
	CHECK_FAILS(video_shm_producer_init(&producer), ENOSPC);
	CHECK_FAILS(video_shm_producer_init_channel(&producer, 3), ENOSPC);
	CHECK_FAILS(video_shm_producer_write(&producer, (const uint8_t *)"", 1, &(video_frame_meta_t){0}), EBADF);
	video_shm_producer_destroy(&producer);
	CHECK_EQ(objects_there(), 0);
	CHECK_EQ(blocks_free(), before);
	open_small(&producer, options.name);
	for (uint64_t frame = 0; frame < 10; frame++)
		CHECK_EQ(write_pattern(&producer, frame, 64000, true), 0);
	video_shm_producer_destroy(&producer);
	CHECK_EQ(objects_there(), 0);
}

/* All of a ring's memory is its own from the start: what others do to /dev/shm later is no matter. */
static void a_ring_that_was_made_is_not_touched_by_a_full_room(void)
{
	const char *name = fresh_name();
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	static uint8_t data[64000];

	move_to_a_small_room();
	open_small(&producer, name);
	fill_up();
	open_consumer(&consumer, name);
	for (uint64_t frame = 0; frame < 10; frame++) {
		video_frame_meta_t meta;

		CHECK_EQ(write_pattern(&producer, frame, 64000, true), 0);
		CHECK_EQ(video_shm_consumer_receive(&consumer, data, sizeof(data), &meta, 1000), 64000);
		CHECK(has_pattern(data, 64000, frame));
	}
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

static video_shm_info_t writers_info(video_shm_producer_t *producer)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	CHECK_EQ(video_shm_producer_info(producer, &info), 0);
	return info;
}

/* Writes until the writer says something else; how many frames went well. */
static uint64_t write_while(video_shm_producer_t *producer, uint64_t frame, int expected)
{
	uint64_t count = 0;

	while (write_pattern(producer, frame + count, 1000, true) == expected) {
		count++;
		sleep_ms(10);
	}
	return count;
}

static void a_writer_without_name_and_room_counts_and_recovers(void)
{
	static uint8_t data[64000];
	const char *name = fresh_name();
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	video_frame_meta_t meta;
	uint64_t frames, drops;

	move_to_a_small_room();
	open_small(&producer, name);
	fill_up();
	CHECK_EQ(unlink(shm_path(name)), 0);
	frames = write_while(&producer, 0, 0);
	CHECK_EQ(errno, ENOSPC);
	CHECK_EQ(writers_info(&producer).dropped_no_space, 1);
	CHECK_EQ(write_pattern(&producer, frames, 1000, true), -1);
	CHECK_EQ(errno, ENOSPC);
	CHECK_EQ(writers_info(&producer).dropped_no_space, 2);
	CHECK_EQ(writers_info(&producer).frames, frames);
	CHECK_EQ(objects_there(), 1);
	CHECK_EQ(unlink("/dev/shm/filling"), 0);
	drops = 2 + write_while(&producer, frames, -1); /* until it looks again */
	frames++;
	CHECK_EQ(writers_info(&producer).dropped_no_space, drops);
	CHECK_EQ(writers_info(&producer).remade, 1);
	CHECK_EQ(writers_info(&producer).frames, frames);
	open_consumer(&consumer, name);
	CHECK_EQ(info_of(&consumer).dropped_no_space, drops);
	CHECK_EQ(info_of(&consumer).next_frame, frames);
	CHECK_EQ(write_pattern(&producer, frames, 1000, true), 0);
	CHECK_EQ(video_shm_consumer_receive(&consumer, data, sizeof(data), &meta, 1000), 1000);
	CHECK_EQ(meta.sequence, frames);
	CHECK(has_pattern(data, 1000, frames));
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
	CHECK_EQ(objects_there(), 0);
}

/* Unlinking the old ring first would leave the machine without any. */
static void a_successor_that_does_not_fit_leaves_the_old_ring_as_it_was(void)
{
	const char *name = fresh_name();
	const video_shm_producer_options_t larger = {
		.struct_size = sizeof(larger), .slots = 5, .slot_size = MIB, .name = name};
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	video_shm_info_t info = {.struct_size = sizeof(info)};
	video_frame_meta_t meta;
	static uint8_t data[64000];
	pid_t writer;

	move_to_a_small_room();
	writer = fork();
	CHECK(writer >= 0);
	if (writer == 0) {
		open_small(&producer, name);
		CHECK_EQ(write_pattern(&producer, 0, 1000, true), 0);
		_exit(0);
	}
	child_succeeds(writer);
	CHECK_FAILS(video_shm_producer_open(&producer, &larger), ENOSPC);
	CHECK_EQ(video_shm_inspect(name, &info), 0);
	CHECK_EQ(info.state, VIDEO_SHM_STATE_DEAD);
	CHECK_EQ(info.frames, 1);
	open_small(&producer, name);
	open_consumer(&consumer, name);
	CHECK_EQ(write_pattern(&producer, 1, 1000, true), 0);
	CHECK_EQ(video_shm_consumer_receive(&consumer, data, sizeof(data), &meta, 1000), 1000);
	CHECK_EQ(meta.sequence, 1);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

/* SIGXFSZ must not come, since it ends a process that has not asked for it. */
static void a_ring_larger_than_any_file_may_be_is_efbig(void)
{
	const struct rlimit limit = {.rlim_cur = 65536, .rlim_max = 65536};
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = 4, .slot_size = 64000, .name = fresh_name()};
	video_shm_producer_t producer;
	const pid_t writer = fork();

	CHECK(writer >= 0);
	if (writer == 0) {
		CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
		CHECK_FAILS(video_shm_producer_open(&producer, &options), EFBIG);
		_exit(0);
	}
	child_succeeds(writer);
}

TEST_MAIN(60, TEST(a_successor_that_does_not_fit_leaves_the_old_ring_as_it_was),
		  TEST(a_ring_that_does_not_fit_is_enospc_and_leaves_nothing),
		  TEST(a_ring_that_was_made_is_not_touched_by_a_full_room),
		  TEST(a_ring_larger_than_any_file_may_be_is_efbig),
		  TEST(a_writer_without_name_and_room_counts_and_recovers))
