/* SPDX-License-Identifier: Apache-2.0 */
/* What the original's callers expect of init, wait and read: that a restart of the writer is no error. */
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "channels.h"
#include "check.h"
#include "frames.h"
#include "processes.h"

#define FRAME_BYTES 700u

static struct {
	_Atomic uint32_t joined;
	_Atomic uint32_t received;
	_Atomic uint32_t failed;
} * shared;

static video_shm_producer_t writer;
static video_shm_consumer_t reader;
static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];

static void gets(uint64_t frame)
{
	video_frame_meta_t meta;
	int size;

	while ((size = video_shm_consumer_wait(&reader, data, &meta, 2000)) == 0) {
	}
	CHECK_EQ(size, FRAME_BYTES);
	CHECK_EQ(meta.sequence, frame);
	CHECK(has_pattern(data, FRAME_BYTES, frame));
}

/* Each call that is told how long to wait does, and no call is told anything. */
static void no_call_fails(void)
{
	video_frame_meta_t meta;
	uint64_t begin_ns;

	CHECK_EQ(video_shm_consumer_read(&reader, data, &meta), 0);
	begin_ns = now_ns();
	CHECK_EQ(video_shm_consumer_wait(&reader, data, &meta, 150), 0);
	CHECK(now_ns() - begin_ns >= 150u * 1000000u);
	CHECK_EQ(video_shm_consumer_wait(&reader, data, &meta, VIDEO_SHM_NO_WAIT), 0);
}

static void write_and_wait_to_be_killed(void *channel)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	open_channel_producer(&writer, *(int *)channel);
	CHECK_EQ(video_shm_producer_info(&writer, &info), 0);
	write_patterns(&writer, info.frames, info.frames + 2, FRAME_BYTES, 5);
	(void)pause();
}

static void macros_and_metadata_are_the_originals(void)
{
	CHECK_EQ(strcmp(VIDEO_SHM_NAME, "/video_stream"), 0);
	CHECK_EQ(strcmp(VIDEO_SHM_SEM_WRITE, "/video_sem_write"), 0);
	CHECK_EQ(strcmp(VIDEO_SHM_SEM_READ, "/video_sem_read"), 0);
	CHECK_EQ(VIDEO_SHM_RING_SIZE, 30);
	CHECK_EQ(VIDEO_SHM_MAX_FRAME_SIZE, 524288);
	CHECK_EQ(VIDEO_SHM_MAGIC, 0x56494445);
	CHECK_EQ(VIDEO_SHM_VERSION, 1);
	CHECK_EQ(sizeof(video_frame_meta_t), 32);
}

static void a_close_is_no_error(void)
{
	const int channel = fresh_channel();

	open_channel_producer(&writer, channel);
	open_channel_consumer(&reader, channel);
	for (unsigned turn = 0; turn < 3; turn++) {
		write_patterns(&writer, 0, 2, FRAME_BYTES, 5);
		gets(0);
		gets(1);
		video_shm_producer_destroy(&writer);
		no_call_fails();
		open_channel_producer(&writer, channel);
	}
	video_shm_producer_destroy(&writer);
	video_shm_consumer_destroy(&reader);
}

static void a_death_is_no_error(void)
{
	int channel = fresh_channel();
	pid_t pid = start_child(write_and_wait_to_be_killed, &channel);
	video_shm_info_t info = {.struct_size = sizeof(info)};

	while (video_shm_inspect(channel_ring(channel), &info) != 0 || info.frames < 2)
		sleep_ms(2);
	open_channel_consumer(&reader, channel);
	for (uint64_t turn = 1; turn < 4; turn++) {
		kill_child(pid);
		no_call_fails();
		while (info_of(&reader).state != VIDEO_SHM_STATE_DEAD) /* it is known all the same */
			CHECK_EQ(video_shm_consumer_wait(&reader, data, &(video_frame_meta_t){0}, 50), 0);
		no_call_fails();
		pid = start_child(write_and_wait_to_be_killed, &channel);
		gets(2 * turn);
		gets(2 * turn + 1);
	}
	kill_child(pid);
	video_shm_consumer_destroy(&reader);
}

static void a_replacement_is_no_error(void)
{
	int channel = fresh_channel();
	const video_shm_producer_options_t smaller = {
		.struct_size = sizeof(smaller), .slots = 8, .slot_size = 4096, .name = channel_ring(channel)};
	const pid_t pid = start_child(write_and_wait_to_be_killed, &channel);
	video_shm_info_t info = {.struct_size = sizeof(info)};

	while (video_shm_inspect(channel_ring(channel), &info) != 0 || info.frames < 2)
		sleep_ms(2);
	open_channel_consumer(&reader, channel);
	kill_child(pid);
	CHECK_EQ(video_shm_producer_open(&writer, &smaller), 0);
	no_call_fails();
	write_patterns(&writer, 2, 4, FRAME_BYTES, 5);
	gets(2);
	gets(3);
	CHECK_EQ(info_of(&reader).missed, 0);
	CHECK_EQ(info_of(&reader).reattached, 1);
	video_shm_producer_destroy(&writer);
	video_shm_consumer_destroy(&reader);
}

/* Waits as a recorder or a QR reader does, which ends at the first error. */
static void wait_for_ever(void *channel)
{
	video_frame_meta_t meta;
	int size;

	open_channel_consumer(&reader, *(int *)channel);
	atomic_store(&shared->joined, 1);
	while ((size = video_shm_consumer_wait(&reader, data, &meta, 0)) == FRAME_BYTES)
		atomic_fetch_add(&shared->received, 1);
	atomic_store(&shared->failed, 1);
	CHECK_EQ(size, FRAME_BYTES);
}

static void an_endless_wait_goes_on_over_every_restart(void)
{
	int channel = fresh_channel();
	pid_t pid;

	shared = share(sizeof(*shared));
	open_channel_producer(&writer, channel);
	pid = start_child(wait_for_ever, &channel);
	await_least(&shared->joined, 1);
	for (uint32_t turn = 1; turn <= 4; turn++) {
		write_patterns(&writer, 0, 3, FRAME_BYTES, 5);
		await_least(&shared->received, 3 * turn);
		video_shm_producer_destroy(&writer);
		sleep_ms(150);
		CHECK_EQ(atomic_load(&shared->failed), 0);
		open_channel_producer(&writer, channel);
	}
	kill_child(pid);
	video_shm_producer_destroy(&writer);
}

static volatile sig_atomic_t stopped;

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

static void *raise_until_seen(void *thread)
{
	while (!atomic_load(&shared->received)) {
		CHECK_EQ(pthread_kill(*(pthread_t *)thread, SIGUSR1), 0);
		sleep_ms(20);
	}
	return NULL;
}

/* "while (running) if (wait() < 0) error": a Ctrl-C is no error, with or without a writer. */
static void a_signal_ends_an_endless_wait_and_is_no_error(void)
{
	const int channel = fresh_channel();
	const struct sigaction action = {.sa_handler = stop, .sa_flags = SA_RESTART};
	pthread_t self = pthread_self(), thread;
	video_frame_meta_t meta;

	shared = share(sizeof(*shared));
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	open_channel_producer(&writer, channel);
	open_channel_consumer(&reader, channel);
	for (int turn = 0; turn < 2; turn++) {
		stopped = 0;
		atomic_store(&shared->received, 0);
		CHECK_EQ(pthread_create(&thread, NULL, raise_until_seen, &self), 0);
		while (!stopped)
			CHECK_EQ(video_shm_consumer_wait(&reader, data, &meta, 0), 0);
		atomic_store(&shared->received, 1);
		CHECK_EQ(pthread_join(thread, NULL), 0);
		if (turn == 0)
			video_shm_producer_destroy(&writer);
	}
	video_shm_consumer_destroy(&reader);
}

/* What stays an error: a call that is wrong, an interrupt, and what the caller can't be served from. */
static void what_can_not_get_better_is_an_error(void)
{
	const int channel = fresh_channel();
	const video_shm_producer_options_t larger = {.struct_size = sizeof(larger),
												 .slot_size = 2 * VIDEO_SHM_MAX_FRAME_SIZE,
												 .name = channel_ring(channel)};
	video_frame_meta_t meta;

	open_channel_producer(&writer, channel);
	open_channel_consumer(&reader, channel);
	CHECK_FAILS(video_shm_consumer_wait(&reader, NULL, &meta, 10), EINVAL);
	video_shm_consumer_interrupt(&reader);
	CHECK_FAILS(video_shm_consumer_wait(&reader, data, &meta, 0), EINTR);
	video_shm_producer_destroy(&writer);
	video_shm_consumer_interrupt(&reader);
	CHECK_FAILS(video_shm_consumer_wait(&reader, data, &meta, 0), EINTR);
	CHECK_EQ(video_shm_producer_open(&writer, &larger), 0);
	CHECK_FAILS(video_shm_consumer_wait(&reader, data, &meta, 5000), EPROTO);
	no_call_fails();
	video_shm_producer_destroy(&writer);
	video_shm_consumer_destroy(&reader);
	CHECK_FAILS(video_shm_consumer_wait(&reader, data, &meta, 0), EBADF);
}

TEST_MAIN(60, TEST(macros_and_metadata_are_the_originals), TEST(a_close_is_no_error),
		  TEST(a_death_is_no_error), TEST(a_replacement_is_no_error),
		  TEST(an_endless_wait_goes_on_over_every_restart),
		  TEST(a_signal_ends_an_endless_wait_and_is_no_error), TEST(what_can_not_get_better_is_an_error))
