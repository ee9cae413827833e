/* SPDX-License-Identifier: Apache-2.0 */
/* A reader in a program that has as many descriptors as it may have: it goes over to the next ring all the
 * same, and where it can't, it says so once and goes over as soon as it can. */
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "check.h"
#include "frames.h"

#define FRAME_BYTES 200u

static video_shm_producer_t writer;
static video_shm_consumer_t reader;
static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
static unsigned lines;

static void count_obstacles(int level, const char *message, void *context)
{
	(void)context;
	if (strstr(message, "can't be read yet: Too many open files") != NULL ||
		strstr(message, "can't be read yet: No file descriptors available") != NULL) { /* of musl */
		CHECK_EQ(level, VIDEO_SHM_LOG_WARNING);
		lines++;
	}
}

static void gets(uint64_t from, uint64_t to)
{
	video_frame_meta_t meta;

	for (uint64_t frame = from; frame < to; frame++) {
		int size;

		do
			size = video_shm_consumer_wait(&reader, data, &meta, 5000);
		while (size < 0 && errno == EPIPE);
		CHECK_EQ(size, FRAME_BYTES);
		CHECK(has_pattern(data, FRAME_BYTES, frame));
	}
}

/* Its second ring is another object than its first, for it has another geometry. */
static void read_one_ring_and_have_the_next(void)
{
	const video_shm_consumer_options_t options = {
		.struct_size = sizeof(options), .reconnect = 1, .name = fresh_name()};

	open_producer(&writer, options.name);
	CHECK_EQ(video_shm_consumer_open(&reader, &options), 0);
	write_patterns(&writer, 0, 2, FRAME_BYTES, 10);
	gets(0, 2);
	video_shm_producer_destroy(&writer);
	CHECK_EQ(open_small_producer(&writer, options.name), 0);
	write_patterns(&writer, 0, 2, FRAME_BYTES, 10);
}

static void end(void)
{
	video_shm_consumer_destroy(&reader);
	video_shm_producer_destroy(&writer);
}

static void allow(rlim_t descriptors)
{
	struct rlimit limit;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = descriptors;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void without_one_left_it_goes_over_by_means_of_its_own(void)
{
	uint64_t before;
	int next;

	read_one_ring_and_have_the_next();
	before = info_of(&reader).reattached;
	next = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK(next >= 0 && close(next) == 0);
	allow((rlim_t)next); /* all below it are taken */
	gets(0, 2);
	CHECK_EQ(info_of(&reader).reattached, before + 1);
	CHECK(video_shm_consumer_descriptor(&reader) >= 0);
	end();
}

static void where_none_may_be_had_it_says_so_once_and_goes_over_later(void)
{
	video_frame_meta_t meta;
	struct rlimit limit;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
	read_one_ring_and_have_the_next();
	video_shm_set_log(count_obstacles, NULL);
	allow(3);
	for (int turn = 0; turn < 4; turn++)
		CHECK(video_shm_consumer_wait(&reader, data, &meta, 250) <= 0);
	CHECK_EQ(lines, 1);
	allow(limit.rlim_cur);
	gets(0, 2);
	CHECK_EQ(lines, 1);
	video_shm_set_log(NULL, NULL);
	end();
}

TEST_MAIN(30, TEST(without_one_left_it_goes_over_by_means_of_its_own),
		  TEST(where_none_may_be_had_it_says_so_once_and_goes_over_later))
