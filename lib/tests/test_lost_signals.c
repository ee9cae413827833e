/* SPDX-License-Identifier: Apache-2.0 */
/* A signal whose handler runs while a waiting reader looks for a writer, and not while it sleeps: the wait is
 * over all the same. */
#include <unistd.h>

#include "channels.h"
#include "check.h"
#include "frames.h"
#include "processes.h"
#include "segment.h"
#include "signals.h"

/* At the next look at the name, which is between two sleeps. */
static volatile sig_atomic_t signal_at_look, handled;

enum segment_name __real_segment_name_leads(const char *path, const struct segment_identity *identity,
											struct segment_identity *now); /* NOLINT: the linker's name */
enum segment_name __wrap_segment_name_leads(const char *path, const struct segment_identity *identity,
											struct segment_identity *now); /* NOLINT */

enum segment_name __wrap_segment_name_leads(const char *path, const struct segment_identity *identity,
											struct segment_identity *now) /* NOLINT */
{
	if (signal_at_look != 0)
		(void)raise(signal_at_look);
	signal_at_look = 0;
	return __real_segment_name_leads(path, identity, now);
}

static void note(int number)
{
	handled = number;
}

static video_shm_producer_t writer;
static video_shm_consumer_t reader;
static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
static video_frame_meta_t meta;

static void join_and_lose_the_writer(void)
{
	const int channel = fresh_channel();

	open_channel_producer(&writer, channel);
	open_channel_consumer(&reader, channel);
	video_shm_producer_destroy(&writer);
	handled = 0;
}

static void an_endless_wait_of_the_originals_ends(void)
{
	on_signal(SIGINT, note, SA_RESTART);
	join_and_lose_the_writer();
	for (int turn = 0; turn < 3; turn++) {
		signal_at_look = SIGINT;
		CHECK_EQ(video_shm_consumer_wait(&reader, data, &meta, 0), 0);
		CHECK_EQ(handled, SIGINT);
		handled = 0;
	}
	video_shm_consumer_destroy(&reader);
}

static void a_wait_with_options_is_told(void)
{
	const char *const name = fresh_name();

	on_signal(SIGINT, note, SA_RESTART);
	open_producer(&writer, name);
	join_ring(&reader, &(video_shm_consumer_options_t){.struct_size = sizeof(video_shm_consumer_options_t),
													   .reconnect = 1,
													   .name = name});
	video_shm_producer_destroy(&writer);
	CHECK_FAILS(video_shm_consumer_wait(&reader, data, &meta, 0), EPIPE);
	signal_at_look = SIGINT;
	CHECK_FAILS(video_shm_consumer_wait(&reader, data, &meta, 0), EINTR);
	video_shm_consumer_destroy(&reader);
}

/* Such a signal does not end a sleep either. */
static void one_that_is_ignored_or_blocked_ends_no_wait(void)
{
	sigset_t set;

	join_and_lose_the_writer();
	on_signal(SIGUSR1, SIG_IGN, 0);
	on_signal(SIGUSR2, note, 0);
	CHECK_EQ(sigemptyset(&set), 0);
	CHECK_EQ(sigaddset(&set, SIGUSR2), 0);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	for (int turn = 0; turn < 3; turn++) {
		const int numbers[] = {SIGUSR1, SIGUSR2, SIGCHLD};
		const uint64_t begin_ns = now_ns();

		signal_at_look = numbers[turn];
		CHECK_EQ(video_shm_consumer_wait(&reader, data, &meta, 250), 0);
		CHECK(now_ns() - begin_ns >= 250u * 1000000u);
		CHECK_EQ(signal_at_look, 0);
	}
	CHECK_EQ(handled, 0);
	CHECK_EQ(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
	CHECK_EQ(handled, SIGUSR2);
	video_shm_consumer_destroy(&reader);
}

static void the_mask_is_the_programs_own_afterwards(void)
{
	sigset_t before, after;

	join_and_lose_the_writer();
	CHECK_EQ(sigprocmask(SIG_SETMASK, NULL, &before), 0);
	CHECK_EQ(video_shm_consumer_wait(&reader, data, &meta, 250), 0);
	CHECK_EQ(sigprocmask(SIG_SETMASK, NULL, &after), 0);
	for (int number = 1; number < SIGRTMIN; number++)
		CHECK_EQ(sigismember(&after, number), sigismember(&before, number));
	video_shm_consumer_destroy(&reader);
}

static void leave_at_once(int number)
{
	(void)number;
	video_shm_producer_destroy(&writer);
	_exit(0);
}

static void write_until_told_to_end(void *unused)
{
	(void)unused;
	(void)alarm(10); /* where the handler waits for the writer that it interrupted */
	on_signal(SIGINT, leave_at_once, 0);
	open_channel_producer(&writer, fresh_channel());
	signal_at_look = SIGINT;
	for (uint64_t frame = 0;; frame++) {
		CHECK_EQ(write_pattern(&writer, frame, 100, false), 0);
		sleep_ms(20);
	}
}

/* Handlers of the original's writers close the ring themselves, and end the program. */
static void a_handler_that_closes_the_ring_does_not_wait_for_the_writer(void)
{
	CHECK_EQ(await_child(start_child(write_until_told_to_end, NULL)), 0);
}

TEST_MAIN(30, TEST(an_endless_wait_of_the_originals_ends), TEST(a_wait_with_options_is_told),
		  TEST(one_that_is_ignored_or_blocked_ends_no_wait), TEST(the_mask_is_the_programs_own_afterwards),
		  TEST(a_handler_that_closes_the_ring_does_not_wait_for_the_writer))
