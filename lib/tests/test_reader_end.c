/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c and consumer.c: how a reader learns that its writer is gone, and what it does from then on. */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "frames.h"
#include "layout.h"

#define SECOND UINT64_C(1000000000)

static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
static video_frame_meta_t meta;
static video_shm_consumer_t consumer;
static const char *name;

/* ---- a wall clock that jumps by an hour, to and fro, each time that somebody looks at it ---- */

static bool clock_is_mad;
int __real_clock_gettime(clockid_t clock, struct timespec *time); /* NOLINT: the linker's name */
int __wrap_clock_gettime(clockid_t clock, struct timespec *time); /* NOLINT */

int __wrap_clock_gettime(clockid_t clock, struct timespec *time) /* NOLINT */
{
	static unsigned looks;
	const int result = __real_clock_gettime(clock, time);

	if (clock_is_mad && clock != CLOCK_MONOTONIC)
		time->tv_sec += ++looks % 2 == 0 ? 3600 : -3600;
	return result;
}

static void a_timed_wait_does_not_care_for_the_wall_clock(void)
{
	video_shm_producer_t producer;

	name = fresh_name();
	open_producer(&producer, name);
	open_consumer(&consumer, name);
	clock_is_mad = true;
	for (int turn = 0; turn < 3; turn++) {
		const uint64_t begin = now_ns();

		CHECK_EQ(video_shm_consumer_wait(&consumer, data, &meta, 200), 0);
		CHECK(now_ns() - begin >= 200 * 1000000);
	}
	video_shm_producer_destroy(&producer);
}

/* ---- ends ---- */

static void open_reader(bool reconnect)
{
	const video_shm_consumer_options_t options = {.struct_size = sizeof(options),
												  .start = VIDEO_SHM_START_OLDEST,
												  .reconnect = reconnect,
												  .name = name};

	CHECK_EQ(video_shm_consumer_open(&consumer, &options), 0);
}

static int wait_ms(uint32_t timeout_ms)
{
	return video_shm_consumer_wait(&consumer, data, &meta, timeout_ms);
}

static void takes_three_frames(void)
{
	for (uint32_t frame = 0; frame < 3; frame++) {
		CHECK_EQ(wait_ms(10000), 100);
		CHECK_EQ(meta.sequence, frame);
	}
}

static void closed_after_three_frames(bool reconnect)
{
	video_shm_producer_t producer;

	name = fresh_name();
	open_producer(&producer, name);
	open_reader(reconnect);
	for (uint64_t frame = 0; frame < 3; frame++)
		CHECK_EQ(write_pattern(&producer, frame, 100, true), 0);
	video_shm_producer_destroy(&producer);
	takes_three_frames();
}

/* Frames that were written before the end would be lost to a reader that heard of the end first. */
static void a_closed_ring_is_told_after_its_last_frame_and_stays_closed(void)
{
	closed_after_three_frames(false);
	for (int turn = 0; turn < 3; turn++)
		CHECK_FAILS(wait_ms(10000), EPIPE);
	CHECK_FAILS(wait_ms(VIDEO_SHM_NO_WAIT), EPIPE);
	CHECK_EQ(info_of(&consumer).state, VIDEO_SHM_STATE_CLOSED);
}

/* The original's loop would spin if it were told each time. */
static void a_reader_that_reconnects_is_told_once_and_then_waits(void)
{
	video_shm_producer_t producer;
	uint64_t begin;

	closed_after_three_frames(true);
	CHECK_FAILS(wait_ms(10000), EPIPE);
	begin = now_ns();
	CHECK_EQ(wait_ms(300), 0);
	CHECK(now_ns() - begin >= 300 * 1000000);
	CHECK_EQ(wait_ms(VIDEO_SHM_NO_WAIT), 0);
	open_producer(&producer, name);
	CHECK_EQ(write_pattern(&producer, 0, 77, true), 0);
	CHECK_EQ(wait_ms(10000), 77);
	CHECK_EQ(info_of(&consumer).reattached, 1);
	video_shm_producer_destroy(&producer);
	CHECK_FAILS(wait_ms(10000), EPIPE);
}

static int ready[2], lifeline[2];

static void write_three_and_sleep(void *unused)
{
	video_shm_producer_t producer;

	(void)unused;
	open_producer(&producer, name);
	for (uint64_t frame = 0; frame < 3; frame++)
		CHECK_EQ(write_pattern(&producer, frame, 100, true), 0);
	CHECK_EQ(write(ready[1], "x", 1), 1);
	for (;;)
		(void)pause();
}

static void killed_after_three_frames(bool reconnect)
{
	char byte;
	pid_t writer;

	name = fresh_name();
	CHECK_EQ(pipe(ready), 0);
	writer = start_child(write_three_and_sleep, NULL);
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	open_reader(reconnect);
	kill_child(writer);
	takes_three_frames();
}

static void a_dead_writer_is_told_once_and_after_its_last_frame(void)
{
	for (int reconnect = 0; reconnect < 2; reconnect++) {
		killed_after_three_frames(reconnect);
		CHECK_FAILS(wait_ms(20000), EOWNERDEAD);
		CHECK_EQ(wait_ms(1200), 0);
		CHECK_EQ(wait_ms(VIDEO_SHM_NO_WAIT), 0);
		CHECK_EQ(info_of(&consumer).state, VIDEO_SHM_STATE_DEAD);
		video_shm_consumer_destroy(&consumer);
	}
}

/* Its child, from a raw clone, went through no handler and keeps its hold; and nobody has reaped it, so that
 * its pid is still there. The first looks into a new silence see through both. */
static void write_three_and_leave_a_child(void *unused)
{
	video_shm_producer_t producer;

	(void)unused;
	open_producer(&producer, name);
	for (uint64_t frame = 0; frame < 3; frame++)
		CHECK_EQ(write_pattern(&producer, frame, 100, true), 0);
	if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0) {
		char byte;

		(void)close(lifeline[1]);
		(void)!read(lifeline[0], &byte, 1);
		_exit(0);
	}
	CHECK_EQ(write(ready[1], "x", 1), 1);
	(void)raise(SIGKILL);
}

static void a_zombie_whose_child_keeps_the_hold_is_dead(void)
{
	siginfo_t ended;
	pid_t writer;
	char byte;

	name = fresh_name();
	CHECK_EQ(pipe(ready), 0);
	CHECK_EQ(pipe(lifeline), 0);
	writer = start_child(write_three_and_leave_a_child, NULL);
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	open_reader(false);
	CHECK_EQ(waitid(P_PID, (id_t)writer, &ended, WEXITED | WNOWAIT), 0); /* not reaped */
	takes_three_frames();
	CHECK_FAILS(wait_ms(2500), EOWNERDEAD);
	CHECK_EQ(close(lifeline[1]), 0);
	video_shm_consumer_destroy(&consumer);
}

/* A poll never sleeps, and must come to know of it all the same. */
static void a_reader_that_only_polls_hears_of_the_dead_writer(void)
{
	const uint64_t end = now_ns() + 30 * SECOND;

	killed_after_three_frames(false);
	while (wait_ms(VIDEO_SHM_NO_WAIT) == 0) {
		CHECK(now_ns() < end);
		sleep_ms(10);
	}
	CHECK_EQ(errno, EOWNERDEAD);
}

static void the_next_writer_of_the_ring_is_followed_with_a_discontinuity(void)
{
	video_shm_view_t view = {.struct_size = sizeof(view)};
	video_shm_producer_t producer;

	killed_after_three_frames(false);
	CHECK_FAILS(wait_ms(20000), EOWNERDEAD);
	open_producer(&producer, name);
	CHECK_EQ(write_pattern(&producer, 3, 100, false), 0);
	CHECK_EQ(video_shm_consumer_acquire(&consumer, &view, 10000), 100);
	CHECK_EQ(view.frame, 3);
	CHECK((view.flags & VIDEO_SHM_FLAG_DISCONTINUITY) != 0);
	CHECK_EQ(video_shm_consumer_release(&consumer, &view), 0);
	CHECK_EQ(info_of(&consumer).state, VIDEO_SHM_STATE_LIVE);
	CHECK_EQ(info_of(&consumer).reattached, 0);
	CHECK_EQ(info_of(&consumer).missed, 0);
	video_shm_producer_destroy(&producer);
	CHECK_FAILS(wait_ms(10000), EPIPE);
}

TEST_MAIN(100, TEST(a_timed_wait_does_not_care_for_the_wall_clock),
		  TEST(a_closed_ring_is_told_after_its_last_frame_and_stays_closed),
		  TEST(a_reader_that_reconnects_is_told_once_and_then_waits),
		  TEST(a_dead_writer_is_told_once_and_after_its_last_frame),
		  TEST(a_zombie_whose_child_keeps_the_hold_is_dead),
		  TEST(a_reader_that_only_polls_hears_of_the_dead_writer),
		  TEST(the_next_writer_of_the_ring_is_followed_with_a_discontinuity))
