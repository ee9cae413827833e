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

/* A program of another word size made it; mapped and used as ours, it would fault. */
static void a_semaphore_of_another_word_size_is_made_anew(void)
{
	fresh_names();
	const size_t size = sizeof(sem_t) == 32 ? 16 : 32;
	const int fd = open(semaphore_path("video_sem_write", channel), O_RDWR | O_CREAT | O_CLOEXEC, 0660);

	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, (off_t)size), 0);
	CHECK_EQ(close(fd), 0);
	open_ours();
	if (size == 16) {
		CHECK(ours.write != NULL && ours.read != NULL);
		CHECK_EQ(tokens(ours.write), 1);
	}
	semaphores_close(&ours, true);
	CHECK(access(semaphore_path("video_sem_write", channel), F_OK) != 0);
}

static void make_fifo(const char *at)
{
	CHECK_EQ(mkfifo(at, 0600), 0);
}

static void make_link(const char *at)
{
	CHECK_EQ(symlink("/etc/hostname", at), 0);
}

static void make_folder(const char *at)
{
	CHECK_EQ(mkdir(at, 0700), 0);
}

static void make_file(const char *at, off_t size, const char *text)
{
	const int fd = open(at, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0660);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	CHECK_EQ(ftruncate(fd, size), 0);
	CHECK_EQ(close(fd), 0);
}

static void make_empty(const char *at)
{
	make_file(at, 0, "");
}

static void make_huge(const char *at)
{
	make_file(at, (off_t)100 << 30, "");
}

static void make_note(const char *at)
{
	make_file(at, 32, "a shopping list of 32 characters");
}

/* Somebody else's, who loses it where it is replaced, as vshm check says that it is not. */
static void what_is_no_semaphore_is_left_alone_and_the_ring_goes_without(void)
{
	static void (*const make[])(const char *) = {make_fifo,  make_link, make_folder,
												 make_empty, make_huge, make_note};
	const char *const stems[] = {"video_sem_write", "video_sem_read"};

	for (size_t at = 0; at < 2 * sizeof(make) / sizeof(make[0]); at++) {
		struct stat before, after;

		fresh_names();
		make[at / 2](semaphore_path(stems[at % 2], channel));
		CHECK_EQ(lstat(semaphore_path(stems[at % 2], channel), &before), 0);
		semaphores_open(&ours, ring_name, 0660, (gid_t)-1, true);
		CHECK(ours.write == NULL && ours.read == NULL);
		CHECK(take(&ours, 0));
		semaphores_close(&ours, true);
		CHECK_EQ(lstat(semaphore_path(stems[at % 2], channel), &after), 0);
		CHECK(before.st_ino == after.st_ino && before.st_size == after.st_size);
		CHECK_EQ(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
		CHECK(access(semaphore_path(stems[1 - at % 2], channel), F_OK) != 0); /* nothing of ours stays */
		CHECK_EQ(remove(semaphore_path(stems[at % 2], channel)), 0);
	}
}

/* The name has come to be somebody else's while we had it. */
static void what_took_the_place_of_a_semaphore_stays(void)
{
	fresh_names();
	open_ours();
	CHECK_EQ(unlink(semaphore_path("video_sem_write", channel)), 0);
	make_fifo(semaphore_path("video_sem_write", channel));
	semaphores_close(&ours, true);
	CHECK_EQ(access(semaphore_path("video_sem_write", channel), F_OK), 0);
	CHECK_EQ(unlink(semaphore_path("video_sem_write", channel)), 0);
}

/* musl writes whatever is on its stack behind the words that it uses. */
static void a_semaphore_may_have_anything_behind_its_words(void)
{
	fresh_names();
	(void)theirs(write_name, 1);
	const int fd = open(semaphore_path("video_sem_write", channel), O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(pwrite(fd, "here", 4, (off_t)sizeof(sem_t) - 4), 4);
	CHECK_EQ(close(fd), 0);
	open_ours();
	CHECK(ours.write != NULL && ours.read != NULL);
	semaphores_close(&ours, true);
	CHECK(access(semaphore_path("video_sem_write", channel), F_OK) != 0);
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
		  TEST(a_semaphore_of_another_word_size_is_made_anew),
		  TEST(what_is_no_semaphore_is_left_alone_and_the_ring_goes_without),
		  TEST(what_took_the_place_of_a_semaphore_stays),
		  TEST(a_semaphore_may_have_anything_behind_its_words), TEST(a_strangers_semaphore_is_not_used))
