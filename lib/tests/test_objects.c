/* SPDX-License-Identifier: Apache-2.0 */
/* What may lie under a ring's name and is none: the errno that the header promises, and the
 * object left as it was. */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"
#include "frames.h"
#include "object_bytes.h"
#include "refusals.h"

#define V1_MAGIC VIDEO_SHM_MAGIC
#define OTHER_MAGIC 0x45444956u

/* Makes an object of that size, whose first words are these. Returns its name. */
static const char *made(uint64_t size, uint32_t magic, uint32_t version)
{
	return made_as(fresh_name(), size, magic, version);
}

/* Makes a ring of ours that nobody holds any more. Returns its name. */
static const char *left_behind(const video_shm_producer_options_t *options)
{
	const char *name = fresh_name();
	video_shm_producer_options_t named = *options;
	video_shm_producer_t producer;
	char aside[64];

	named.struct_size = sizeof(named);
	named.name = name;
	CHECK_EQ(video_shm_producer_open(&producer, &named), 0);
	CHECK_EQ(write_pattern(&producer, 0, 40, true), 0);
	(void)snprintf(aside, sizeof(aside), "/dev/shm%s.aside", name);
	CHECK_EQ(link(shm_path(name), aside), 0); /* else destroy would take it along */
	video_shm_producer_destroy(&producer);
	CHECK_EQ(rename(aside, shm_path(name)), 0);
	return name;
}

static void a_ring_that_version_1_has_made_is_joined(void)
{
	const char *name = made(V1_OBJECT_SIZE, V1_MAGIC, 1);
	video_shm_consumer_t consumer;

	open_consumer(&consumer, name);
	CHECK_EQ(info_of(&consumer).extended, 0);
	video_shm_consumer_destroy(&consumer);
	is_taken_by_a_writer(name, 0);
}

/* ---- not ours ---- */

static void another_magic_is_eproto(void)
{
	is_refused_to_all(made(V1_OBJECT_SIZE, OTHER_MAGIC, 1), EPROTO);
	is_refused_to_all(made(V1_OBJECT_SIZE, OTHER_MAGIC, 0), EPROTO);
	is_refused_to_all(made(V1_OBJECT_SIZE, 1, 1), EPROTO);
}

static void another_version_is_eproto(void)
{
	is_refused_to_all(made(V1_OBJECT_SIZE, V1_MAGIC, 3), EPROTO);
	is_refused_to_all(made(V1_OBJECT_SIZE, V1_MAGIC, UINT32_MAX), EPROTO);
	is_refused_to_all(made(V1_OBJECT_SIZE, V1_MAGIC, 2), EPROTO); /* and no extension, which 2 must have */
}

/* Whoever maps what the header says, and not what is there, gets a SIGBUS here. */
static void a_truncated_ring_is_eproto(void)
{
	const uint64_t sizes[] = {1, 4, 63, 64, 4096, V1_OBJECT_SIZE - 1};

	for (size_t at = 0; at < sizeof(sizes) / sizeof(sizes[0]); at++) {
		is_refused_to_all(made(sizes[at], sizes[at] >= 4 ? V1_MAGIC : 1, sizes[at] >= 8 ? 1 : 0), EPROTO);
		is_refused_to_all(made(sizes[at], 0, 0), EPROTO);
	}
}

static void a_truncated_extension_is_eproto(void)
{
	const video_shm_producer_options_t geometries[] = {{.slots = 0}, {.slots = 5, .slot_size = 1000}};

	for (size_t at = 0; at < sizeof(geometries) / sizeof(geometries[0]); at++) {
		const char *name = left_behind(&geometries[at]);
		struct stat status;

		CHECK_EQ(stat(shm_path(name), &status), 0);
		const uint32_t lines = (at == 0 ? 30u : 5u) * 64, extension = 256;
		const off_t cuts[] = {1, 64, lines, lines + 1, lines + extension - 1};

		is_taken_by_a_writer(name, 1);
		for (size_t cut = 0; cut < sizeof(cuts) / sizeof(cuts[0]); cut++) {
			const char *cut_name = left_behind(&geometries[at]);

			CHECK_EQ(truncate(shm_path(cut_name), status.st_size - cuts[cut]), 0);
			is_refused_to_all(cut_name, EPROTO);
		}
	}
}

static void word_is_refused(const video_shm_producer_options_t *geometry, uint64_t offset, uint32_t value)
{
	const char *name = left_behind(geometry);

	poke32(name, 64 * (uint64_t)peek32(name, AT_EXTENSION) + offset, value);
	is_refused_to_all(name, EPROTO);
	CHECK_EQ(unlink(shm_path(name)), 0);
}

/* Words that lead out of the object, or to more than there can be. */
static void an_extension_that_leads_astray_is_eproto(void)
{
	const video_shm_producer_options_t geometries[] = {{.slots = 0}, {.slots = 5, .slot_size = 1000}};
	const uint32_t units[] = {1, UINT32_MAX, V1_OBJECT_SIZE / 64 - 1, V1_OBJECT_SIZE / 64 + 1,
							  V1_OBJECT_SIZE / 64 + 1000};
	const struct {
		uint64_t offset; /* in the extension */
		uint32_t value;
	} words[] = {
		{0, 0},  {4, 0},           {4, UINT32_MAX},  {8, 1},           {8, 4097},        {8, UINT32_MAX},
		{12, 0}, {12, UINT32_MAX}, {12, 1u << 20},   {16, 0},          {16, UINT32_MAX}, {20, 1},
		{24, 0}, {24, 524321},     {24, UINT32_MAX}, {28, UINT32_MAX}, {32, 0},          {36, UINT32_MAX},
		{40, 0}, {44, UINT32_MAX}, {56, 2},          {56, UINT32_MAX},
	};

	for (size_t at = 0; at < sizeof(units) / sizeof(units[0]); at++) {
		const char *name = left_behind(&geometries[0]);

		poke32(name, AT_EXTENSION, units[at]);
		is_refused_to_all(name, EPROTO);
	}
	for (size_t at = 0; at < 2 * sizeof(words) / sizeof(words[0]); at++)
		word_is_refused(&geometries[at % 2], words[at / 2].offset, words[at / 2].value);
}

static void what_is_no_file_is_eproto(void)
{
	const char *directory = fresh_name(), *fifo = fresh_name(), *socket_name = fresh_name();
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK_EQ(mkdir(shm_path(directory), 0700), 0);
	is_refused_to_all(directory, EPROTO);
	CHECK_EQ(rmdir(shm_path(directory)), 0);

	CHECK_EQ(mkfifo(shm_path(fifo), 0600), 0); /* whoever opens it without O_NONBLOCK sits there for ever */
	is_refused_to_all(fifo, EPROTO);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", shm_path(socket_name));
	CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	is_refused_to_all(socket_name, EPROTO);
	(void)close(fd);
}

/* Followed, a link would let a stranger lead a writer with more rights to any file. */
static void a_symbolic_link_is_eproto_wherever_it_leads(void)
{
	const char *ring = fresh_name(), *to_ring = fresh_name(), *to_nothing = fresh_name();
	video_shm_producer_t producer;
	char target[64];

	open_producer(&producer, ring);
	(void)snprintf(target, sizeof(target), "/dev/shm%s", ring);
	CHECK_EQ(symlink(target, shm_path(to_ring)), 0);
	is_refused_to_all(to_ring, EPROTO);
	CHECK_EQ(symlink("/nowhere/at/all", shm_path(to_nothing)), 0);
	is_refused_to_all(to_nothing, EPROTO);
	video_shm_producer_destroy(&producer);
}

static void nothing_under_the_name_is_enoent_to_readers(void)
{
	const char *name = fresh_name();
	const video_shm_consumer_options_t options = {.struct_size = sizeof(options), .name = name};
	video_shm_info_t info = {.struct_size = sizeof(info)};
	video_shm_slot_t slot = {.struct_size = sizeof(slot)};
	video_shm_consumer_t consumer;

	CHECK_FAILS(video_shm_consumer_open(&consumer, &options), ENOENT);
	CHECK_FAILS(video_shm_inspect(name, &info), ENOENT);
	CHECK_FAILS(video_shm_inspect_slots(name, &slot, 1), ENOENT);
	CHECK(!shm_exists(name));
}

TEST_MAIN(60, TEST(a_ring_that_version_1_has_made_is_joined), TEST(another_magic_is_eproto),
		  TEST(another_version_is_eproto), TEST(a_truncated_ring_is_eproto),
		  TEST(a_truncated_extension_is_eproto), TEST(an_extension_that_leads_astray_is_eproto),
		  TEST(what_is_no_file_is_eproto), TEST(a_symbolic_link_is_eproto_wherever_it_leads),
		  TEST(nothing_under_the_name_is_enoent_to_readers))
