/* SPDX-License-Identifier: Apache-2.0 */
/* What ends a wait for several rings but a frame: the end of a ring, a signal, an interrupt, a closed handle.
 */
#include <pthread.h>

#include "check.h"
#include "frames.h"
#include "processes.h"
#include "several.h"
#include "signals.h"

/* ---- ends ---- */

static void a_closed_ring_is_told_by_its_own_call_after_its_last_frame(void)
{
	open_plain(3);
	write_to(1, 0, true);
	video_shm_producer_destroy(&rings[1].producer);
	gets(1, 0);
	for (int turn = 0; turn < 2; turn++) { /* without reconnect it is final */
		CHECK_EQ(wait_any(20000), 1);
		CHECK_EQ(at, 1);
		CHECK_FAILS(take(1), EPIPE);
	}
	consumers[1] = NULL;
	CHECK_EQ(wait_any(VIDEO_SHM_NO_WAIT), 0);
	write_to(2, 0, true);
	gets(2, 0);
}

static void a_closed_ring_does_not_keep_the_others_from_their_turns(void)
{
	open_plain(3);
	video_shm_producer_destroy(&rings[0].producer);
	video_shm_producer_destroy(&rings[1].producer);
	write_to(2, 0, true);
	for (int turn = 0; turn < 3; turn++) {
		CHECK_EQ(wait_any(20000), 1);
		if (at == 2)
			CHECK_EQ(take(2), SEVERAL_SIZE);
		else
			CHECK_FAILS(take(at), EPIPE);
	}
	CHECK_EQ(info_of(consumers[2]).received, 1);
}

static void with_reconnect_the_end_is_told_once_and_the_next_ring_is_found(void)
{
	open_rings(3, (video_shm_consumer_options_t){.reconnect = 1});
	video_shm_producer_destroy(&rings[2].producer);
	CHECK_EQ(wait_any(20000), 1);
	CHECK_EQ(at, 2);
	CHECK_FAILS(take(2), EPIPE);
	CHECK_EQ(wait_any(300), 0);
	CHECK_EQ(open_small_producer(&rings[2].producer, rings[2].name), 0);
	write_to(2, 0, true);
	gets(2, 0);
	CHECK_EQ(info_of(consumers[2]).reattached, 1);
}

static void write_one_and_end(void *ring)
{
	video_shm_producer_t producer;

	CHECK_EQ(open_small_producer(&producer, ring), 0);
	CHECK_EQ(write_pattern(&producer, 0, SEVERAL_SIZE, true), 0);
}

/* A writer that is gone falls silent: nobody wakes its readers. */
static void a_dead_writer_is_noticed_and_told_once(void)
{
	open_rings(3, (video_shm_consumer_options_t){.start = VIDEO_SHM_START_OLDEST});
	video_shm_consumer_destroy(consumers[1]);
	video_shm_producer_destroy(&rings[1].producer);
	child_succeeds(start_child(write_one_and_end, (void *)(uintptr_t)rings[1].name));
	{
		const video_shm_consumer_options_t options = {
			.struct_size = sizeof(options), .start = VIDEO_SHM_START_OLDEST, .name = rings[1].name};

		CHECK_EQ(video_shm_consumer_open(consumers[1], &options), 0);
	}
	gets(1, 0);
	CHECK_EQ(wait_any(20000), 1);
	CHECK_EQ(at, 1);
	CHECK_FAILS(take(1), EOWNERDEAD);
	CHECK_EQ(wait_any(600), 0);
	CHECK_EQ(open_small_producer(&rings[1].producer, rings[1].name), 0);
	write_to(1, 1, true);
	gets(1, 1);
}

/* Told by the search itself, it would be lost before the reader's own call. */
static void a_successor_that_can_not_be_read_is_told_once(void)
{
	const video_shm_producer_options_t larger = {
		.struct_size = sizeof(larger), .slots = 4, .slot_size = 8192, .name = NULL};
	video_shm_producer_options_t options = larger;

	open_rings(2, (video_shm_consumer_options_t){.reconnect = 1, .max_slot_size = 4096});
	video_shm_producer_destroy(&rings[1].producer);
	CHECK_EQ(wait_any(20000), 1);
	CHECK_FAILS(take(1), EPIPE);
	options.name = rings[1].name;
	CHECK_EQ(video_shm_producer_open(&rings[1].producer, &options), 0);
	CHECK_EQ(wait_any(20000), 1);
	CHECK_EQ(at, 1);
	CHECK_FAILS(take(1), EPROTO);
	CHECK_EQ(wait_any(300), 0);
}

/* ---- signals and interrupts ---- */

static void do_nothing(int number)
{
	(void)number;
}

/* The kernel goes on with a sleep on several words behind such a handler's back, though it has an end. */
static void a_signal_ends_an_endless_wait(void)
{
	static const uint32_t sizes[] = {1, 2, 16, SEVERAL_MAX};

	for (size_t which = 0; which < 8; which++) {
		timer_t timer;

		open_plain(sizes[which / 2]);
		on_signal(SIGUSR1, do_nothing, which % 2 == 0 ? 0 : SA_RESTART);
		timer = start_timer(SIGUSR1, 50000, 50000);
		CHECK_FAILS(wait_any(0), EINTR);
		stop_timer(timer);
	}
}

static void an_interrupt_of_any_reader_ends_one_wait(void)
{
	open_plain(3);
	video_shm_consumer_interrupt(consumers[2]);
	video_shm_consumer_interrupt(consumers[2]);
	CHECK_FAILS(wait_any(20000), EINTR);
	CHECK_EQ(at, 2);
	CHECK_EQ(wait_any(20), 0);
	write_to(2, 0, true);
	gets(2, 0);
}

static void *interrupt_soon(void *ring)
{
	sleep_ms(50);
	video_shm_consumer_interrupt(consumers[*(const uint32_t *)ring]);
	return NULL;
}

static void wait_in_silence(void *unused)
{
	(void)unused;
	on_signal(SIGALRM, SIG_DFL, 0); /* the watchdog's handler is one with SA_RESTART */
	for (unsigned turn = 0; turn < 3; turn++)
		CHECK_EQ(wait_any(1000), 0);
}

/* Ctrl-Z and fg, a debugger that comes and goes: no handler runs, so there is nothing to tell. */
static void a_stop_does_not_end_a_wait(void)
{
	pid_t pid;

	open_plain(3);
	pid = start_child(wait_in_silence, NULL);
	for (unsigned turn = 0; turn < 10; turn++) {
		sleep_ms(150);
		CHECK_EQ(kill(pid, SIGSTOP), 0);
		sleep_ms(50);
		CHECK_EQ(kill(pid, SIGCONT), 0);
	}
	child_succeeds(pid);
}

static void an_interrupt_from_a_thread_ends_the_wait(void)
{
	for (uint32_t ring = 0; ring < 3; ring++) {
		pthread_t thread;

		open_plain(3);
		CHECK_EQ(pthread_create(&thread, NULL, interrupt_soon, &ring), 0);
		CHECK_FAILS(wait_any(0), EINTR);
		CHECK_EQ(pthread_join(thread, NULL), 0);
	}
}

static void destroy_the_second(int number)
{
	(void)number;
	video_shm_consumer_destroy(consumers[1]);
}

static void a_reader_that_a_handler_destroys_ends_the_wait(void)
{
	open_plain(3);
	on_signal(SIGUSR1, destroy_the_second, SA_RESTART);
	const timer_t timer = start_timer(SIGUSR1, 50000, 0);

	CHECK_FAILS(wait_any(0), EBADF);
	CHECK_EQ(at, 1);
	stop_timer(timer);
	CHECK_FAILS(wait_any(0), EBADF);
	consumers[1] = NULL;
	write_to(0, 0, true);
	gets(0, 0);
}

TEST_MAIN(100, TEST(a_closed_ring_is_told_by_its_own_call_after_its_last_frame),
		  TEST(a_closed_ring_does_not_keep_the_others_from_their_turns),
		  TEST(with_reconnect_the_end_is_told_once_and_the_next_ring_is_found),
		  TEST(a_dead_writer_is_noticed_and_told_once), TEST(a_successor_that_can_not_be_read_is_told_once),
		  TEST(a_stop_does_not_end_a_wait), TEST(a_signal_ends_an_endless_wait),
		  TEST(an_interrupt_of_any_reader_ends_one_wait), TEST(an_interrupt_from_a_thread_ends_the_wait),
		  TEST(a_reader_that_a_handler_destroys_ends_the_wait))
