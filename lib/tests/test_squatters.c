/* SPDX-License-Identifier: Apache-2.0 */
/* Things of other users under our names, in a directory where nobody may remove what is not his. */
#include <fcntl.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "channels.h"
#include "check.h"
#include "frames.h"
#include "processes.h"
#include "v1/v1.h"

#define SQUATTER 64001u
#define USER 64002u
#define NO_GROUP 64003u

static uint8_t data[V1_CAPACITY];

struct plot {
	int channel;
	mode_t mode;
	const char *stem; /* of a semaphore */
	size_t size;
	_Atomic uint32_t *ready;
};

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* ---- rings ---- */

static void leave_a_version_1_ring(void *argument)
{
	const struct plot *plot = argument;
	struct v1_writer writer;

	become(SQUATTER, NO_GROUP, NO_GROUP);
	(void)umask(0);
	CHECK_EQ(v1_writer_init(&writer, plot->channel, 7), 0);
	CHECK_EQ(chmod(shm_path(channel_ring(plot->channel)), plot->mode), 0);
}

static void leave_a_ring_of_ours(void *argument)
{
	const struct plot *plot = argument;
	video_shm_producer_t producer;

	become(SQUATTER, NO_GROUP, NO_GROUP);
	open_channel_producer(&producer, plot->channel);
	CHECK_EQ(write_pattern(&producer, 0, 10, true), 0);
	CHECK_EQ(chmod(shm_path(channel_ring(plot->channel)), plot->mode), 0);
	if (plot->ready == NULL)
		return; /* to _exit: it dies with the ring open */
	atomic_store(plot->ready, 1);
	for (;;)
		(void)pause();
}

static void root_replaces(void (*leave)(void *), uint32_t sequence)
{
	struct plot plot = {.channel = fresh_channel(), .mode = 0600};
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	video_frame_meta_t meta;
	struct stat status;

	child_succeeds(start_child(leave, &plot));
	open_channel_producer(&producer, plot.channel);
	CHECK_EQ(stat(shm_path(channel_ring(plot.channel)), &status), 0);
	CHECK_EQ(status.st_uid, 0);
	open_channel_consumer(&consumer, plot.channel);
	CHECK_EQ(info_of(&consumer).v1_signals, 1);
	CHECK_EQ(write_pattern(&producer, sequence, 10, true), 0);
	CHECK_EQ(video_shm_consumer_wait(&consumer, data, &meta, 1000), 10);
	CHECK_EQ(meta.sequence, sequence);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

/* Taken over in place it would stay the other user's, who can do with it what he likes. */
static void root_replaces_what_others_left(void)
{
	needs_root();
	root_replaces(leave_a_version_1_ring, 7);
	root_replaces(leave_a_ring_of_ours, 1);
}

static int expected_errno;

static void be_refused(void *argument)
{
	const struct plot *plot = argument;
	video_shm_producer_t producer;

	become(USER, NO_GROUP, NO_GROUP);
	CHECK_FAILS(video_shm_producer_init_channel(&producer, plot->channel), expected_errno);
}

static void a_user_is_refused(void (*leave)(void *), mode_t mode)
{
	struct plot plot = {.channel = fresh_channel(), .mode = mode};
	const char *name = channel_ring(plot.channel);
	struct stat before, after;

	child_succeeds(start_child(leave, &plot));
	CHECK_EQ(stat(shm_path(name), &before), 0);
	expected_errno = EACCES;
	child_succeeds(start_child(be_refused, &plot));
	CHECK_EQ(stat(shm_path(name), &after), 0);
	CHECK(before.st_ino == after.st_ino && before.st_mode == after.st_mode);
	CHECK_EQ(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

/*
 * He is refused even if the mode lets him write: he can't remove the name, and must not use what stays
 * another's.
 */
static void an_ordinary_user_is_refused_what_others_left(void)
{
	needs_root();
	a_user_is_refused(leave_a_version_1_ring, 0600);
	a_user_is_refused(leave_a_version_1_ring, 0666);
	a_user_is_refused(leave_a_ring_of_ours, 0600);
	a_user_is_refused(leave_a_ring_of_ours, 0666);
}

static void an_ordinary_user_is_told_that_a_living_writer_is_there(void)
{
	_Atomic uint32_t *ready = share(sizeof(*ready));
	struct plot plot = {.channel = fresh_channel(), .mode = 0666, .ready = ready};
	video_shm_producer_t producer;
	pid_t squatter;

	needs_root();
	squatter = start_child(leave_a_ring_of_ours, &plot);
	await_least(ready, 1);
	expected_errno = EBUSY;
	child_succeeds(start_child(be_refused, &plot));
	CHECK_FAILS(video_shm_producer_init_channel(&producer, plot.channel), EBUSY); /* root, too */
	kill_child(squatter);
}

/* ---- semaphores ---- */

/* Mapped as a semaphore, an empty file is a fault, 3 bytes are nonsense, and neither is a semaphore; a whole
 * one is a stranger's hand on our writer. */
static void squat(void *argument)
{
	static const uint8_t bytes[sizeof(sem_t) + 3] =
		"sem"; /* all but the first three zero: taken, or no token */
	const struct plot *plot = argument;
	int fd;

	become(SQUATTER, NO_GROUP, NO_GROUP);
	(void)umask(0);
	fd = open(semaphore_path(plot->stem, plot->channel), O_RDWR | O_CREAT | O_EXCL, plot->mode);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, plot->size < sizeof(sem_t) ? bytes : bytes + 3, plot->size), (ssize_t)plot->size);
}

static void write_as_root(void *argument)
{
	const struct plot *plot = argument;
	video_shm_producer_t producer;
	struct v1_reader reader;
	struct v1_meta meta;

	open_channel_producer(&producer, plot->channel);
	if (plot->size != sizeof(sem_t)) {
		CHECK_EQ(write_pattern(&producer, 0, 10, true), 0);
		video_shm_producer_destroy(&producer);
		CHECK(is_there(semaphore_path(plot->stem, plot->channel)));
		return;
	}
	CHECK_EQ(v1_reader_init(&reader, plot->channel), 0);
	CHECK_EQ(write_pattern(&producer, 0, 10, true), 0);
	CHECK_EQ(v1_reader_wait(&reader, data, &meta, 1000), 10);
	v1_reader_destroy(&reader);
	video_shm_producer_destroy(&producer);
	CHECK(!is_there(semaphore_path(plot->stem, plot->channel)));
}

static void write_as_user(void *argument)
{
	const struct plot *plot = argument;
	video_shm_info_t info = {.struct_size = sizeof(info)};
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	video_frame_meta_t meta;

	become(USER, NO_GROUP, NO_GROUP);
	open_channel_producer(&producer, plot->channel);
	open_channel_consumer(&consumer, plot->channel);
	CHECK_EQ(video_shm_inspect(channel_ring(plot->channel), &info), 0);
	CHECK_EQ(info.v1_signals, 0);
	for (uint64_t frame = 0; frame < 10; frame++) {
		CHECK_EQ(write_pattern(&producer, frame, 10, true), 0);
		CHECK_EQ(video_shm_consumer_wait(&consumer, data, &meta, 1000), 10);
	}
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

static void a_squatted_semaphore_does_no_harm(void)
{
	const char *stems[] = {"video_sem_write", "video_sem_read"};
	const mode_t modes[] = {0600, 0666};
	const size_t sizes[] = {0, 3, sizeof(sem_t)};

	needs_root();
	for (unsigned at = 0; at < 12; at++) {
		struct plot plot = {.channel = fresh_channel(),
							.mode = modes[at % 2],
							.stem = stems[at / 2 % 2],
							.size = sizes[at / 4]};

		child_succeeds(start_child(squat, &plot));
		child_succeeds(start_child(write_as_user, &plot));
		CHECK(is_there(semaphore_path(stems[at / 2 % 2], plot.channel)));      /* not the user's to remove */
		CHECK(!is_there(semaphore_path(stems[1 - at / 2 % 2], plot.channel))); /* nothing of his own stays */
		CHECK(!shm_exists(channel_ring(plot.channel)));
		child_succeeds(start_child(write_as_root, &plot));
	}
}

TEST_MAIN(60, TEST(root_replaces_what_others_left), TEST(an_ordinary_user_is_refused_what_others_left),
		  TEST(an_ordinary_user_is_told_that_a_living_writer_is_there),
		  TEST(a_squatted_semaphore_does_no_harm))
