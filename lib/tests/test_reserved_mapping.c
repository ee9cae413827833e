/* SPDX-License-Identifier: Apache-2.0 */
/* video_shm_producer_descriptor: a binding maps the reserved slot itself, and what it keeps harms nobody. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "frames.h"

static video_shm_producer_t producer;
static const char *name;

static uint8_t *map_reserved(size_t *size, uint64_t *offset)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};
	const int fd = video_shm_producer_descriptor(&producer, offset);
	char path[64];
	uint8_t *base;
	int again;

	CHECK(fd >= 0);
	CHECK_EQ(video_shm_producer_info(&producer, &info), 0);
	*size = (size_t)info.object_bytes;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDWR | O_CLOEXEC);
	CHECK(again >= 0);
	base = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0);
	CHECK(base != MAP_FAILED);
	(void)close(again);
	return base;
}

static void what_is_written_there_is_the_frame(void)
{
	const video_frame_meta_t meta = {.is_keyframe = 1};
	video_shm_consumer_t consumer;
	video_frame_meta_t got;
	uint64_t offset, other;
	size_t size;
	uint8_t data[100], *slot, *base;
	uint32_t capacity;

	name = fresh_name();
	open_producer(&producer, name);
	open_consumer(&consumer, name);
	for (uint64_t frame = 0; frame < 40; frame++) { /* more than once round the ring */
		CHECK_FAILS(video_shm_producer_descriptor(&producer, &offset), EINVAL);
		CHECK_EQ(video_shm_producer_reserve(&producer, &slot, &capacity), 0);
		base = map_reserved(&size, &offset);
		CHECK(offset % 32 == 0 && offset + capacity <= size);
		CHECK(video_shm_producer_descriptor(&producer, &other) >= 0 && other == offset);
		fill_pattern(base + offset, sizeof(data), frame);
		CHECK(has_pattern(slot, sizeof(data), frame));
		CHECK_EQ(video_shm_producer_commit(&producer, sizeof(data), &meta, NULL), 0);
		CHECK_EQ(video_shm_consumer_receive(&consumer, data, sizeof(data), &got, 1000), sizeof(data));
		CHECK(has_pattern(data, sizeof(data), frame));
		CHECK_EQ(munmap(base, size), 0);
	}
	CHECK_FAILS(video_shm_producer_descriptor(&producer, NULL), EINVAL);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
	CHECK_FAILS(video_shm_producer_descriptor(&producer, &offset), EBADF);
}

/* A mapping of the descriptor itself would keep the writer's lock, and no other writer could ever start. */
static void what_is_kept_of_it_neither_faults_nor_holds_the_ring(void)
{
	uint64_t offset;
	size_t size;
	uint8_t *slot, *base;
	uint32_t capacity;
	char aside[64];

	name = fresh_name();
	open_producer(&producer, name);
	CHECK_EQ(video_shm_producer_reserve(&producer, &slot, &capacity), 0);
	base = map_reserved(&size, &offset);
	(void)snprintf(aside, sizeof(aside), "/dev/shm%s.aside", name);
	CHECK_EQ(link(shm_path(name), aside), 0); /* so that destroy leaves the object a name */
	video_shm_producer_destroy(&producer);
	memset(base + offset, 1, capacity);
	CHECK_EQ(rename(aside, shm_path(name)), 0);
	open_producer(&producer, name);
	CHECK_EQ(write_pattern(&producer, 0, 10, true), 0);
	memset(base + offset, 2, capacity);
	CHECK_EQ(munmap(base, size), 0);
	video_shm_producer_destroy(&producer);
	CHECK(!shm_exists(name));
}

TEST_MAIN(20, TEST(what_is_written_there_is_the_frame),
		  TEST(what_is_kept_of_it_neither_faults_nor_holds_the_ring))
