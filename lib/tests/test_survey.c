/* SPDX-License-Identifier: Apache-2.0 */
/* segment.c: a look into objects that may be no ring, half a ring, or a false one. */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "frames.h"
#include "ring.h"
#include "segment.h"

static struct segment_survey survey;

/* Makes an object of that size with these first bytes. Returns a descriptor. */
static int object(uint64_t size, const void *bytes, size_t count)
{
	const int fd = segment_build(4096, 0600, (gid_t)-1);

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, 0), 0);
	CHECK_EQ(ftruncate(fd, (off_t)size), 0);
	CHECK_EQ(pwrite(fd, bytes, count, 0), count);
	return fd;
}

static int look(int fd, uint64_t size)
{
	return segment_survey(fd, "/dev/shm/video_stream_ch3", size, &survey);
}

static int ring_of(uint32_t slots, uint32_t slot_size, struct geometry *geometry)
{
	struct ring ring;
	struct ring_counts counts = {.frames = 3};
	int fd;

	CHECK_EQ(geometry_plan(geometry, slots, slot_size, 0), 0);
	fd = segment_build(geometry->object_size, 0600, (gid_t)-1);
	CHECK(fd >= 0);
	ring_place(&ring, segment_map(fd, geometry->object_size, true), geometry);
	CHECK(ring.base != NULL);
	ring_format(&ring, &counts);
	ring.extension->writer_pid = 42;
	ring.extension->writer_start = 43;
	ring.extension->writer_pid_ns = 44;
	CHECK_EQ(munmap(ring.base, (size_t)geometry->object_size), 0);
	return fd;
}

static void a_ring_is_seen_as_it_is(void)
{
	struct geometry geometry;
	const int fd = ring_of(8, 1000, &geometry);

	CHECK_EQ(look(fd, geometry.object_size), 0);
	CHECK(geometry_same(&survey.geometry, &geometry));
	CHECK(survey.writer.pid == 42 && survey.writer.start == 43 && survey.writer.pid_ns == 44);
	CHECK_EQ(survey.extension.frames, 3);
	CHECK_EQ(survey.header.frame_count, 3);
}

static void a_v1_ring_has_no_extension_and_no_known_writer(void)
{
	const uint32_t words[] = {VIDEO_SHM_MAGIC, 1, 5, 0, 5};
	const int fd = object(LAYOUT_V1_SIZE, words, sizeof(words));

	CHECK_EQ(look(fd, LAYOUT_V1_SIZE), 0);
	CHECK_EQ(survey.geometry.extension_offset, 0);
	CHECK_EQ(survey.writer.pid, 0);
	CHECK_EQ(survey.header.frame_count, 5);
}

/* A version 1 writer opens, sets the size, clears, and signs: a reader that comes meanwhile shall come again.
 */
static void a_ring_in_the_making_is_not_ready(void)
{
	const uint32_t words[] = {VIDEO_SHM_MAGIC, 0};

	CHECK_FAILS(look(object(0, words, 0), 0), EAGAIN);
	CHECK_FAILS(look(object(LAYOUT_V1_SIZE, words, 0), LAYOUT_V1_SIZE), EAGAIN);
	CHECK_FAILS(look(object(LAYOUT_V1_SIZE, words, 8), LAYOUT_V1_SIZE), EAGAIN);
}

/* What it can't have begun is no ring: another name, one that it nearly uses, another size, something in it.
 */
static void zeros_that_version_1_did_not_begin_are_no_ring(void)
{
	static const char *const names[] = {"someones_data", "video_stream_ch", "video_stream_ch3x",
										"video_stream2", "audio_stream"};
	static const uint8_t x = 'x';
	static const off_t places[] = {4, 8, 63, 64, 4096, LAYOUT_V1_SIZE - 1};
	static const uint64_t sizes[] = {LAYOUT_V1_SIZE + 1, UINT64_C(20) << 20, UINT64_C(100) << 30};
	char path[SEGMENT_PATH_MAX];

	for (size_t at = 0; at < sizeof(names) / sizeof(names[0]); at++) {
		CHECK_EQ(segment_path(path, names[at]), 0);
		CHECK_FAILS(segment_survey(object(0, NULL, 0), path, 0, &survey), EPROTO);
		CHECK_FAILS(segment_survey(object(LAYOUT_V1_SIZE, NULL, 0), path, LAYOUT_V1_SIZE, &survey), EPROTO);
	}
	for (size_t at = 0; at < sizeof(sizes) / sizeof(sizes[0]); at++)
		CHECK_FAILS(look(object(sizes[at], NULL, 0), sizes[at]), EPROTO);
	for (size_t at = 0; at < sizeof(places) / sizeof(places[0]); at++) {
		const int fd = object(LAYOUT_V1_SIZE, NULL, 0);

		CHECK_EQ(pwrite(fd, &x, 1, places[at]), 1);
		CHECK_FAILS(look(fd, LAYOUT_V1_SIZE), EPROTO);
	}
}

static void what_is_too_small_for_a_ring_is_none(void)
{
	const uint32_t words[16] = {VIDEO_SHM_MAGIC, 1};
	static const size_t sizes[] = {1, 4, 63, 64, 4096, LAYOUT_V1_SIZE - 1};

	for (size_t at = 0; at < sizeof(sizes) / sizeof(sizes[0]); at++) {
		CHECK_FAILS(look(object(sizes[at], words, sizes[at] < 64 ? sizes[at] : 64), sizes[at]), EPROTO);
		CHECK_FAILS(look(object(sizes[at], words, 0), sizes[at]), EPROTO);
	}
}

static void garbage_is_no_ring(void)
{
	uint8_t bytes[4096];

	fill_pattern(bytes, sizeof(bytes), 1);
	CHECK_FAILS(look(object(sizeof(bytes), bytes, sizeof(bytes)), sizeof(bytes)), EPROTO);
	CHECK_FAILS(look(object(LAYOUT_V1_SIZE, bytes, sizeof(bytes)), LAYOUT_V1_SIZE), EPROTO);
	memset(bytes, 0xff, sizeof(bytes));
	CHECK_FAILS(look(object(LAYOUT_V1_SIZE, bytes, sizeof(bytes)), LAYOUT_V1_SIZE), EPROTO);
}

/* What the header says of the size is not believed. */
static void a_truncated_ring_is_no_ring(void)
{
	struct geometry geometry;
	const int fd = ring_of(8, 1000, &geometry);
	const uint64_t sizes[] = {geometry.object_size - 1,
							  geometry.line_offset,
							  geometry.line_offset - 1,
							  geometry.extension_offset,
							  64,
							  63,
							  1};

	for (size_t at = 0; at < sizeof(sizes) / sizeof(sizes[0]); at++) {
		CHECK_EQ(ftruncate(fd, (off_t)sizes[at]), 0);
		CHECK_FAILS(look(fd, sizes[at]), EPROTO);
	}
	CHECK_FAILS(look(fd, geometry.object_size), EPROTO);
}

/* The half that is left says that all is well. */
static void a_ring_that_shrinks_under_the_look_is_no_ring(void)
{
	struct geometry geometry;
	const int fd = ring_of(8, 1000, &geometry);

	CHECK_EQ(ftruncate(fd, (off_t)geometry.extension_offset + 64), 0);
	CHECK_FAILS(look(fd, geometry.object_size), EPROTO);
}

/* Every byte of header and extension, one at a time: no answer but yes, not ready, or no ring. */
static void no_single_byte_leads_a_look_astray(void)
{
	struct geometry geometry;
	const int fd = ring_of(8, 1000, &geometry);
	unsigned refused = 0;

	for (uint64_t at = 0; at < 64 + 256; at++) {
		const uint64_t offset = at < 64 ? at : geometry.extension_offset + at - 64;
		uint8_t was, now;

		CHECK_EQ(pread(fd, &was, 1, (off_t)offset), 1);
		for (unsigned value = 0; value < 256; value += 51) {
			now = (uint8_t)value;
			CHECK_EQ(pwrite(fd, &now, 1, (off_t)offset), 1);
			if (look(fd, geometry.object_size) == 0) {
				const struct geometry *seen = &survey.geometry;

				CHECK(seen->line_offset + seen->slots * UINT64_C(64) <= geometry.object_size);
				CHECK((seen->extension_offset - seen->slot_offset) / seen->slot_stride >= seen->slots);
				continue;
			}
			CHECK(errno == EPROTO || errno == EAGAIN);
			refused++;
		}
		CHECK_EQ(pwrite(fd, &was, 1, (off_t)offset), 1);
	}
	CHECK(refused > 100);
}

TEST_MAIN(30, TEST(a_ring_is_seen_as_it_is), TEST(a_v1_ring_has_no_extension_and_no_known_writer),
		  TEST(a_ring_in_the_making_is_not_ready), TEST(zeros_that_version_1_did_not_begin_are_no_ring),
		  TEST(what_is_too_small_for_a_ring_is_none), TEST(garbage_is_no_ring),
		  TEST(a_truncated_ring_is_no_ring), TEST(a_ring_that_shrinks_under_the_look_is_no_ring),
		  TEST(no_single_byte_leads_a_look_astray))
