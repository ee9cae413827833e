/* SPDX-License-Identifier: Apache-2.0 */
/* semaphores.c: the two that version 1 programs know, and what others may have left in them. */
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "channels.h"
#include "check.h"
#include "segment.h"
#include "semaphore_pair.h"
#include "semaphores.h"

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
		CHECK(take(&ours, 0));
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
	CHECK(take(&ours, 0));
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
		CHECK(take(&ours, 0));
		semaphores_close(&ours, false);
	}
}

static void what_is_no_file_is_not_used(void)
{
	fresh_names();
	CHECK_EQ(mkdir(semaphore_path("video_sem_write", channel), 0700), 0);
	open_ours();
	CHECK(ours.write == NULL && ours.read == NULL);
	CHECK(take(&ours, 0)); /* the ring goes without */
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

TEST_MAIN(20, TEST(the_pair_has_the_names_that_version_1_knows),
		  TEST(a_writer_that_lost_its_ring_leaves_the_names_to_the_other),
		  TEST(a_ring_of_any_other_name_goes_without),
		  TEST(the_modes_are_what_was_asked_for_whatever_the_umask),
		  TEST(tokens_that_piled_up_are_taken_away),
		  TEST(a_nonsensical_number_of_tokens_makes_a_new_semaphore),
		  TEST(a_semaphore_whose_holder_died_is_re_armed_at_the_start),
		  TEST(a_truncated_semaphore_is_not_used), TEST(what_is_no_file_is_not_used),
		  TEST(a_strangers_semaphore_is_not_used))
