/* SPDX-License-Identifier: Apache-2.0 */
/* semaphores.c: the two that version 1 programs know, and what others may have left in them. */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "channels.h"
#include "check.h"
#include "segment.h"
#include "semaphores.h"

int __wrap_pthread_create(void *thread, const void *attributes, void *(*run)(void *), void *argument);

#define MS UINT64_C(1000000)
#define NOW (5000 * MS)

static bool take(struct semaphores *semaphores, uint64_t now_ns)
{
	return semaphores_try(semaphores) || semaphores_take_over(semaphores, now_ns);
}

static struct semaphores ours;
static int channel;
static char ring_name[64], write_name[64], read_name[64];

static void fresh_names(void)
{
	channel = fresh_channel();
	(void)snprintf(ring_name, sizeof(ring_name), "video_stream_ch%d", channel);
	(void)snprintf(write_name, sizeof(write_name), VIDEO_SHM_SEM_WRITE "_ch%d", channel);
	(void)snprintf(read_name, sizeof(read_name), VIDEO_SHM_SEM_READ "_ch%d", channel);
}

static void open_ours(void)
{
	semaphores_open(&ours, ring_name, 0660, (gid_t)-1, false);
}

/* As a version 1 program has it. */
static sem_t *theirs(const char *name, unsigned value)
{
	sem_t *semaphore = sem_open(name, O_CREAT, 0660, value);

	CHECK(semaphore != SEM_FAILED);
	return semaphore;
}

static int tokens(sem_t *semaphore)
{
	int value = -1;

	CHECK_EQ(sem_getvalue(semaphore, &value), 0);
	return value;
}

/* ---- names and permissions ---- */

static void the_pair_has_the_names_that_version_1_knows(void)
{
	fresh_names();
	open_ours();
	CHECK(ours.write != NULL && ours.read != NULL);
	CHECK(strcmp(ours.write_name, write_name) == 0 && strcmp(ours.read_name, read_name) == 0);
	CHECK_EQ(tokens(theirs(write_name, 9)), 1); /* it is there, so the 9 is not used */
	CHECK_EQ(tokens(theirs(read_name, 9)), 0);
	CHECK_EQ(ours.rearmed, 0);
	semaphores_close(&ours, true);
	CHECK(ours.write == NULL && ours.read == NULL);
	CHECK(access(semaphore_path("video_sem_write", channel), F_OK) != 0 &&
		  access(semaphore_path("video_sem_read", channel), F_OK) != 0);
}

static void a_writer_that_lost_its_ring_leaves_the_names_to_the_other(void)
{
	fresh_names();
	open_ours();
	semaphores_close(&ours, false);
	CHECK(access(semaphore_path("video_sem_write", channel), F_OK) == 0 &&
		  access(semaphore_path("video_sem_read", channel), F_OK) == 0);
}

/* Version 1 knows no such rings; somebody else's semaphores may have these names. */
static void a_ring_of_any_other_name_goes_without(void)
{
	static const char *const names[] = {"video_stream_ch",   "video_stream_chx",
										"video_stream_ch1x", "video_stream2",
										"video_strea",       "cam0",
										"xvideo_stream",     "video_stream_ch12345678901234567890123"};

	for (size_t at = 0; at < sizeof(names) / sizeof(names[0]); at++) {
		semaphores_open(&ours, names[at], 0660, (gid_t)-1, false);
		CHECK(ours.write == NULL && ours.read == NULL);
		CHECK(take(&ours, NOW));
		semaphores_signal(&ours, 3);
		semaphores_release(&ours);
		semaphores_close(&ours, true);
	}
}

static mode_t mode_of(const char *stem)
{
	struct stat status;

	CHECK_EQ(stat(semaphore_path(stem, channel), &status), 0);
	return status.st_mode & 07777;
}

/* A version 1 reader of the group would get EACCES from a service with umask 077. */
static void the_modes_are_what_was_asked_for_whatever_the_umask(void)
{
	(void)umask(077);
	fresh_names();
	open_ours();
	CHECK_EQ(mode_of("video_sem_write"), 0660);
	CHECK_EQ(mode_of("video_sem_read"), 0660);
	semaphores_close(&ours, false);
	semaphores_open(&ours, ring_name, 0600, (gid_t)-1, false);
	CHECK_EQ(mode_of("video_sem_write"), 0600); /* also of those that were there */
	CHECK_EQ(mode_of("video_sem_read"), 0600);
}

/* ---- leftovers ---- */

/* Readers would be woken once for each, by nothing. */
static void tokens_that_piled_up_are_taken_away(void)
{
	fresh_names();
	sem_t *const write_side = theirs(write_name, 3), *const read_side = theirs(read_name, 20);

	open_ours();
	CHECK_EQ(tokens(read_side), 0);
	CHECK_EQ(tokens(write_side), 1);
	CHECK_EQ(ours.rearmed, 0);
}

static void a_nonsensical_number_of_tokens_makes_a_new_semaphore(void)
{
	fresh_names();
	sem_t *const read_side = theirs(read_name, SEM_VALUE_MAX);

	open_ours();
	CHECK(ours.read != NULL);
	CHECK_EQ(tokens(ours.read), 0);
	CHECK_EQ(tokens(read_side), SEM_VALUE_MAX);
}

/* We hold the ring, so whoever took the semaphore is no more. */
static void a_semaphore_whose_holder_died_is_re_armed_at_the_start(void)
{
	fresh_names();
	sem_t *const write_side = theirs(write_name, 0);

	open_ours();
	CHECK_EQ(ours.rearmed, 1);
	CHECK_EQ(tokens(write_side), 1);
	CHECK(take(&ours, NOW));
	CHECK_EQ(tokens(write_side), 0);
	semaphores_release(&ours);
	CHECK_EQ(tokens(write_side), 1);
}

/* Mapped and used, it would fault. */
static void a_truncated_semaphore_is_not_used(void)
{
	fresh_names();
	for (size_t size = 0; size < sizeof(sem_t); size += sizeof(sem_t) - 1) {
		const int fd =
			open(semaphore_path("video_sem_write", channel), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0660);

		CHECK(fd >= 0);
		CHECK_EQ(ftruncate(fd, (off_t)size), 0);
		CHECK_EQ(close(fd), 0);
		open_ours();
		CHECK(ours.write != NULL && ours.read != NULL);
		CHECK_EQ(tokens(ours.write), 1);
		CHECK(take(&ours, NOW));
		semaphores_close(&ours, false);
	}
}

static void what_is_no_file_is_not_used(void)
{
	fresh_names();
	CHECK_EQ(mkdir(semaphore_path("video_sem_write", channel), 0700), 0);
	open_ours();
	CHECK(ours.write == NULL && ours.read == NULL);
	CHECK(take(&ours, NOW)); /* the ring goes without */
	CHECK(access(semaphore_path("video_sem_read", channel), F_OK) != 0);
	CHECK_EQ(rmdir(semaphore_path("video_sem_write", channel)), 0);
	CHECK_EQ(mkfifo(semaphore_path("video_sem_write", channel), 0600), 0);
	open_ours();
	CHECK(ours.write != NULL);
	CHECK_EQ(tokens(ours.write), 1);
}

/* Its owner could take it, give it away or shrink it at will, and with it our writer. */
static void a_strangers_semaphore_is_not_used(void)
{
	if (geteuid() != 0)
		skip_test("needs root, to make a file that belongs to somebody else: run it with sudo");
	fresh_names();
	sem_t *const strangers = theirs(write_name, 7);

	CHECK_EQ(chown(semaphore_path("video_sem_write", channel), 54321, 54321), 0);
	open_ours();
	CHECK(ours.write != NULL);
	CHECK_EQ(tokens(ours.write), 1);
	CHECK_EQ(tokens(strangers), 7);
}

/* ---- in the life of a ring ---- */

/* Ours, and NOW another program is at the write semaphore. */
static sem_t *taken_by_another(void)
{
	fresh_names();
	open_ours();
	sem_t *const write_side = theirs(write_name, 1);

	CHECK_EQ(sem_trywait(write_side), 0);
	CHECK(!take(&ours, NOW));
	return write_side;
}

/* Never waits: a version 1 writer may hold it for the length of a copy. */
static void a_taken_semaphore_is_left_to_its_holder_for_a_second(void)
{
	sem_t *const write_side = taken_by_another();

	CHECK(!take(&ours, NOW + 999 * MS));
	CHECK_EQ(sem_post(write_side), 0);
	CHECK(take(&ours, NOW + 999 * MS));
	semaphores_release(&ours);
	CHECK_EQ(sem_trywait(write_side), 0);
	CHECK(!take(&ours, NOW + 1500 * MS)); /* its second begins anew */
	CHECK(!take(&ours, NOW + 2400 * MS));
	CHECK_EQ(ours.rearmed, 0);
}

/* A version 1 program killed in the middle would stop the stream for ever. */
static void a_semaphore_taken_for_over_a_second_is_re_armed(void)
{
	sem_t *const write_side = taken_by_another();

	CHECK(take(&ours, NOW + 1000 * MS));
	CHECK_EQ(ours.rearmed, 1);
	CHECK_EQ(tokens(write_side), 0);
	semaphores_release(&ours);
	CHECK_EQ(tokens(write_side), 1);
	CHECK(take(&ours, NOW + 1001 * MS));
	CHECK_EQ(ours.rearmed, 1);
}

/* Two would let two version 1 writers into the ring at once. */
static void a_holder_that_comes_back_makes_no_second_token(void)
{
	sem_t *const write_side = taken_by_another();

	CHECK(take(&ours, NOW + 1000 * MS));
	CHECK_EQ(sem_post(write_side), 0); /* he only slept */
	semaphores_release(&ours);
	CHECK_EQ(tokens(write_side), 1);
}

/* active_readers is anybody's to scribble on, and a reader that died leaves its tokens lying. */
static void tokens_are_as_many_as_readers_and_never_more_than_32(void)
{
	static const struct {
		uint32_t readers;
		int expected;
	} steps[] = {{0, 0}, {1, 1}, {1, 1}, {4, 4}, {2, 4}, {0, 4}, {32, 32}, {33, 32}, {UINT32_MAX, 32}};

	fresh_names();
	open_ours();
	sem_t *const read_side = theirs(read_name, 0);

	for (size_t at = 0; at < sizeof(steps) / sizeof(steps[0]); at++) {
		semaphores_signal(&ours, steps[at].readers);
		CHECK_EQ(tokens(read_side), steps[at].expected);
	}
}

/* A limit of tasks, as a service manager sets it, may leave no room for another thread. */
int __wrap_pthread_create(void *thread, const void *attributes, void *(*run)(void *), void *argument)
{
	(void)thread;
	(void)attributes;
	(void)run;
	(void)argument;
	return EAGAIN;
}

TEST_MAIN(20, TEST(the_pair_has_the_names_that_version_1_knows),
		  TEST(a_writer_that_lost_its_ring_leaves_the_names_to_the_other),
		  TEST(a_ring_of_any_other_name_goes_without),
		  TEST(the_modes_are_what_was_asked_for_whatever_the_umask),
		  TEST(tokens_that_piled_up_are_taken_away),
		  TEST(a_nonsensical_number_of_tokens_makes_a_new_semaphore),
		  TEST(a_semaphore_whose_holder_died_is_re_armed_at_the_start),
		  TEST(a_truncated_semaphore_is_not_used), TEST(what_is_no_file_is_not_used),
		  TEST(a_strangers_semaphore_is_not_used), TEST(a_taken_semaphore_is_left_to_its_holder_for_a_second),
		  TEST(a_semaphore_taken_for_over_a_second_is_re_armed),
		  TEST(a_holder_that_comes_back_makes_no_second_token),
		  TEST(tokens_are_as_many_as_readers_and_never_more_than_32))
