/* SPDX-License-Identifier: Apache-2.0 */
/* Rings that version 1 began and did not finish, and files that only look so: a writer replaces the former,
 * and never what may be somebody else's. */
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "channels.h"
#include "check.h"
#include "object_bytes.h"
#include "processes.h"
#include "refusals.h"

#define V1_MAGIC VIDEO_SHM_MAGIC

/* Every stage that a version 1 writer goes through: open, size, clear, magic, version. */
static void a_ring_that_version_1_is_making_is_eagain_at_every_stage(void)
{
	const struct {
		uint64_t size;
		uint32_t magic;
	} stages[] = {{0, 0}, {V1_OBJECT_SIZE, 0}, {V1_OBJECT_SIZE, V1_MAGIC}};

	for (size_t at = 0; at < sizeof(stages) / sizeof(stages[0]); at++) {
		const char *name = made_as(channel_ring(fresh_channel()), stages[at].size, stages[at].magic, 0);

		is_refused_to_readers(name, EAGAIN);
		is_taken_by_a_writer(name, 0);
		is_refused_to_all(made_as(fresh_name(), stages[at].size, stages[at].magic, 0),
						  EPROTO); /* a name of others */
	}
}

/* A file of zeros, as a program makes one that writes into it later. */
static void zeros_that_are_not_of_version_1s_size_are_eproto(void)
{
	is_refused_to_all(made_as(channel_ring(fresh_channel()), V1_OBJECT_SIZE + 1, 0, 0), EPROTO);
	is_refused_to_all(made_as(channel_ring(fresh_channel()), UINT64_C(100) << 30, 0, 0), EPROTO);
}

/* By another name somebody keeps it. */
static void a_beginning_with_two_names_is_eproto(void)
{
	const char *name = made_as(channel_ring(fresh_channel()), V1_OBJECT_SIZE, 0, 0), *kept = fresh_name();
	char path[64];

	(void)snprintf(path, sizeof(path), "/dev/shm%s", kept);
	CHECK_EQ(link(shm_path(name), path), 0);
	is_refused_to_all(name, EPROTO);
}

static int has_it_open(const char *name)
{
	return open(shm_path(name), O_RDONLY);
}

static int has_it_mapped(const char *name)
{
	const int fd = open(shm_path(name), O_RDWR);

	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED);
	CHECK_EQ(close(fd), 0);
	return 0;
}

static int has_it_locked(const char *name)
{
	const int fd = open(shm_path(name), O_RDWR);

	CHECK_EQ(flock(fd, LOCK_EX), 0);
	return fd;
}

struct holder {
	int (*takes)(const char *name);
	const char *name;
	_Atomic uint32_t *ready;
};

static void hold(void *argument)
{
	const struct holder *holder = argument;

	CHECK(holder->takes(holder->name) >= 0);
	atomic_store(holder->ready, 1);
	for (;;)
		(void)pause();
}

/* Who has it may be making it, and else it is his: nothing in it tells. What he leaves is taken. */
static void a_beginning_that_somebody_has_is_ebusy_and_left_to_him(void)
{
	const struct {
		int (*takes)(const char *name);
		uint64_t size;
	} all[] = {{has_it_open, 0}, {has_it_mapped, V1_OBJECT_SIZE}, {has_it_locked, V1_OBJECT_SIZE}};

	for (size_t at = 0; at < sizeof(all) / sizeof(all[0]); at++) {
		const char *name = made_as(channel_ring(fresh_channel()), all[at].size, 0, 0);
		struct holder holder = {all[at].takes, name, share(sizeof(*holder.ready))};
		const video_shm_producer_options_t options = {.struct_size = sizeof(options), .name = name};
		const pid_t child = start_child(hold, &holder);
		video_shm_producer_t producer;
		struct stat before, after;

		await_least(holder.ready, 1);
		CHECK_EQ(stat(shm_path(name), &before), 0);
		CHECK_FAILS(video_shm_producer_open(&producer, &options), EBUSY);
		CHECK_EQ(stat(shm_path(name), &after), 0);
		check_same(&before, &after);
		kill_child(child);
		is_taken_by_a_writer(name, 0);
	}
}

TEST_MAIN(60, TEST(a_ring_that_version_1_is_making_is_eagain_at_every_stage),
		  TEST(zeros_that_are_not_of_version_1s_size_are_eproto), TEST(a_beginning_with_two_names_is_eproto),
		  TEST(a_beginning_that_somebody_has_is_ebusy_and_left_to_him))
