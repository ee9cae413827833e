/* SPDX-License-Identifier: Apache-2.0 */
/* Who may read, who may write, and what becomes of things under our names that belong to others. */
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channels.h"
#include "check.h"
#include "frames.h"
#include "processes.h"
#include "v1/v1.h"

#define GUEST 64001u    /* in the ring's group */
#define STRANGER 64002u /* in none that counts */
#define NO_GROUP 64003u

static uint8_t data[V1_CAPACITY];

static gid_t video_group(void)
{
	const struct group *entry = getgrnam("video");

	return entry != NULL ? entry->gr_gid : 0;
}

static struct stat status_of(const char *path)
{
	struct stat status;

	CHECK_EQ(stat(path, &status), 0);
	return status;
}

static void open_with_mode(video_shm_producer_t *producer, int channel, uint32_t mode)
{
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .mode = mode, .name = channel_ring(channel)};

	CHECK_EQ(video_shm_producer_open(producer, &options), 0);
}

/* ---- modes ---- */

static void modes_are_as_asked_whatever_the_umask(void)
{
	const uint32_t asked[] = {0, 0660, 0600, 0640, 0664, 0666};
	const mode_t masks[] = {0, 022, 077, 0777};

	for (size_t at = 0; at < sizeof(asked) / sizeof(asked[0]) * 4; at++) {
		const uint32_t mode = asked[at / 4];
		const mode_t expected = mode != 0 ? mode : 0660;
		const int channel = fresh_channel();
		video_shm_producer_t producer;

		(void)umask(masks[at % 4]);
		open_with_mode(&producer, channel, mode);
		CHECK_EQ(status_of(shm_path(channel_ring(channel))).st_mode & 07777, expected);
		CHECK_EQ(status_of(semaphore_path("video_sem_write", channel)).st_mode & 07777, expected);
		CHECK_EQ(status_of(semaphore_path("video_sem_read", channel)).st_mode & 07777, expected);
		video_shm_producer_destroy(&producer);
	}
}

static void ask_for_modes_as_somebody(void *unused)
{
	(void)unused;
	become(STRANGER, NO_GROUP, NO_GROUP);
	modes_are_as_asked_whatever_the_umask();
}

/* Whom permission bits keep out, even of what he has just made. */
static void modes_are_as_asked_for_an_ordinary_user_too(void)
{
	needs_root();
	child_succeeds(start_child(ask_for_modes_as_somebody, NULL));
}

static void the_group_is_video_where_the_process_may_give_it(void)
{
	const int channel = fresh_channel();
	video_shm_producer_t producer;

	needs_root();
	if (getgrnam("video") == NULL)
		skip_test("needs the group video: groupadd --system video");
	open_channel_producer(&producer, channel);
	CHECK_EQ(status_of(shm_path(channel_ring(channel))).st_gid, video_group());
	CHECK_EQ(status_of(semaphore_path("video_sem_write", channel)).st_gid, video_group());
	CHECK_EQ(status_of(semaphore_path("video_sem_read", channel)).st_gid, video_group());
	video_shm_producer_destroy(&producer);
}

static void write_as_somebody(void *argument)
{
	const int channel = *(const int *)argument;
	video_shm_producer_t producer;

	become(STRANGER, NO_GROUP, NO_GROUP);
	open_channel_producer(&producer, channel);
	CHECK_EQ(status_of(shm_path(channel_ring(channel))).st_gid, NO_GROUP);
	CHECK_EQ(status_of(shm_path(channel_ring(channel))).st_mode & 07777, 0660);
	CHECK_EQ(write_pattern(&producer, 0, 10, true), 0);
	video_shm_producer_destroy(&producer);
	CHECK(!shm_exists(channel_ring(channel)));
}

/* An ordinary user who is not in group video must not fail for it. */
static void a_user_who_is_not_in_video_keeps_its_own_group(void)
{
	int channel = fresh_channel();

	needs_root();
	child_succeeds(start_child(write_as_somebody, &channel));
}

/* ---- a guest: another user, in the ring's group ---- */

static void read_as_guest(video_shm_consumer_t *consumer, int channel)
{
	video_frame_meta_t meta;

	become(GUEST, NO_GROUP, video_group());
	CHECK_EQ(
		video_shm_consumer_open(
			consumer, &(video_shm_consumer_options_t){.struct_size = sizeof(video_shm_consumer_options_t),
													  .start = VIDEO_SHM_START_OLDEST,
													  .name = channel_ring(channel)}),
		0);
	CHECK_EQ(video_shm_consumer_wait(consumer, data, &meta, 5000), 100);
	CHECK(has_pattern(data, 100, 0));
}

static void write_into_its_view(void *argument)
{
	const int channel = *(const int *)argument;
	video_shm_view_t view = {.struct_size = sizeof(view)};
	video_shm_consumer_t consumer;

	read_as_guest(&consumer, channel);
	CHECK_EQ(video_shm_consumer_acquire(&consumer, &view, 5000), 100);
	(void)signal(SIGSEGV, SIG_DFL); /* a sanitizer has a handler of its own */
	*(volatile uint8_t *)(uintptr_t)view.data = 0;
	_exit(0);
}

static void be_a_guest_of_a_closed_house(void *argument)
{
	const int channel = *(const int *)argument;
	video_shm_consumer_t consumer;
	video_shm_producer_t producer;
	char path[32];

	read_as_guest(&consumer, channel);
	CHECK_FAILS(open(shm_path(channel_ring(channel)), O_RDWR), EACCES);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", video_shm_consumer_descriptor(&consumer));
	CHECK_FAILS(open(path, O_RDWR), EACCES);
	CHECK_FAILS(write(video_shm_consumer_descriptor(&consumer), "", 1), EBADF);
	CHECK_FAILS(video_shm_producer_init_channel(&producer, channel), EACCES);
	video_shm_consumer_destroy(&consumer);
}

/* A reader with a writable mapping can spoil the frames of all the others by a slip of a pointer. */
static void a_guest_reads_and_cannot_write(void)
{
	int channel = fresh_channel();
	video_shm_producer_t producer;
	int status;

	needs_root();
	(void)umask(077);
	open_with_mode(&producer, channel, 0); /* 0660: the guest could write, but its mapping can't */
	CHECK_EQ(write_pattern(&producer, 0, 100, true), 0);
	CHECK_EQ(write_pattern(&producer, 1, 100, true), 0);
	status = await_child(start_child(write_into_its_view, &channel));
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	video_shm_producer_destroy(&producer);
}

static void a_guest_cannot_open_for_writing_where_the_mode_forbids_it(void)
{
	int channel = fresh_channel();
	video_shm_producer_t producer;

	needs_root();
	(void)umask(077);
	open_with_mode(&producer, channel, 0640);
	CHECK_EQ(write_pattern(&producer, 0, 100, true), 0);
	child_succeeds(start_child(be_a_guest_of_a_closed_house, &channel));
	video_shm_producer_destroy(&producer);
}

static void knock_as_a_stranger(void *argument)
{
	const int channel = *(const int *)argument;
	video_shm_info_t info = {.struct_size = sizeof(info)};
	video_shm_slot_t slot = {.struct_size = sizeof(slot)};
	video_shm_consumer_t consumer;
	video_shm_producer_t producer;

	become(STRANGER, NO_GROUP, NO_GROUP);
	CHECK_FAILS(video_shm_consumer_init_channel(&consumer, channel), EACCES);
	CHECK_FAILS(video_shm_inspect(channel_ring(channel), &info), EACCES);
	CHECK_FAILS(video_shm_inspect_slots(channel_ring(channel), &slot, 1), EACCES);
	CHECK_FAILS(video_shm_producer_init_channel(&producer, channel), EACCES);
}

static void a_stranger_gets_eacces(void)
{
	int channel = fresh_channel();
	video_shm_producer_t producer;

	needs_root();
	open_channel_producer(&producer, channel);
	child_succeeds(start_child(knock_as_a_stranger, &channel));
	CHECK_EQ(write_pattern(&producer, 0, 100, true), 0);
	video_shm_producer_destroy(&producer);
}

/* As programs for real time do: what is mapped from then on counts as locked memory. */
static void come_with_locked_memory(void *argument)
{
	const int channel = *(const int *)argument;
	const struct rlimit little = {1 << 20, 1 << 20};
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = 4, .slot_size = 1 << 20, .name = fresh_name()};
	video_shm_consumer_t consumer;
	video_shm_producer_t producer;

	CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &little), 0);
	become(STRANGER, NO_GROUP, NO_GROUP);
	CHECK_EQ(mlockall(MCL_FUTURE), 0);
	if (mmap(NULL, 4 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		_exit(77); /* a sanitizer does without */
	CHECK_FAILS(video_shm_consumer_init_channel(&consumer, channel), ENOMEM);
	CHECK_FAILS(video_shm_producer_open(&producer, &options), ENOMEM);
}

static void a_program_that_may_lock_no_more_is_not_told_to_try_again(void)
{
	int channel = fresh_channel();
	video_shm_producer_t producer;
	int status;

	if (is_emulated())
		skip_test("an emulator needs memory for itself");
	needs_root();
	open_with_mode(&producer, channel, 0664);
	status = await_child(start_child(come_with_locked_memory, &channel));
	video_shm_producer_destroy(&producer);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip_test("this build, or this kernel, locks no memory");
	CHECK_EQ(status, 0);
}

TEST_MAIN(60, TEST(modes_are_as_asked_whatever_the_umask), TEST(modes_are_as_asked_for_an_ordinary_user_too),
		  TEST(the_group_is_video_where_the_process_may_give_it),
		  TEST(a_user_who_is_not_in_video_keeps_its_own_group), TEST(a_guest_reads_and_cannot_write),
		  TEST(a_guest_cannot_open_for_writing_where_the_mode_forbids_it), TEST(a_stranger_gets_eacces),
		  TEST(a_program_that_may_lock_no_more_is_not_told_to_try_again))
