/* SPDX-License-Identifier: Apache-2.0 */
/* Signals and interrupts end a wait, and cost no frame. */
#include "check.h"
#include "frames.h"
#include "processes.h"
#include "signals.h"

#include <pthread.h>

#define FRAMES 600
#define FRAME_BYTES 5000

static struct {
	_Atomic uint32_t ready;
} * shared;

static const char *ring_name;
static video_shm_consumer_t consumer; /* where handlers and threads find it */
static volatile sig_atomic_t signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

static void interrupt_from_handler(int number)
{
	(void)number;
	signals++;
	video_shm_consumer_interrupt(&consumer);
}

/* The ring holds all frames, so that none is lost to a machine that has much else to do. */
static void write_frames(void *unused)
{
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = FRAMES + 1, .slot_size = FRAME_BYTES, .name = ring_name};
	video_shm_producer_t producer;

	(void)unused;
	CHECK_EQ(video_shm_producer_open(&producer, &options), 0);
	await_least(&shared->ready, 1);
	for (uint64_t frame = 0; frame < FRAMES; frame++) {
		CHECK_EQ(write_pattern(&producer, frame, FRAME_BYTES, frame % 30 == 0), 0);
		sleep_ms(4);
	}
	video_shm_producer_destroy(&producer);
}

static unsigned receive_in_a_storm(bool in_place)
{
	static uint8_t data[FRAME_BYTES];
	video_shm_view_t view = {.struct_size = sizeof(view)};
	video_frame_meta_t meta;
	unsigned interrupted = 0;
	uint32_t next = 0;

	for (;;) {
		const int size = in_place ? video_shm_consumer_acquire(&consumer, &view, 0)
								  : video_shm_consumer_receive(&consumer, data, sizeof(data), &meta, 0);

		if (size < 0 && errno == EINTR) {
			interrupted++;
			continue;
		}
		if (size < 0)
			break;
		CHECK_EQ(size, FRAME_BYTES);
		/* A frame lost or handed out twice around an EINTR. */
		CHECK_EQ(in_place ? view.meta.sequence : meta.sequence, next);
		CHECK(has_pattern(in_place ? view.data : data, FRAME_BYTES, next));
		if (in_place)
			CHECK_EQ(video_shm_consumer_release(&consumer, &view), 0);
		next++;
	}
	CHECK_EQ(errno, EPIPE);
	CHECK_EQ(next, FRAMES);
	CHECK_EQ(info_of(&consumer).received, FRAMES);
	CHECK_EQ(info_of(&consumer).span, FRAMES);
	return interrupted;
}

static void storm(int flags, bool in_place)
{
	const video_shm_consumer_options_t options = {.struct_size = sizeof(options),
												  .name = ring_name = fresh_name()};
	pid_t writer;
	timer_t timer;

	shared = share(sizeof(*shared));
	signals = 0;
	writer = start_child(write_frames, NULL);
	join_ring(&consumer, &options);
	on_signal(SIGUSR1, count_signal, flags);
	timer = start_timer(SIGUSR1, 1000, 1000);
	atomic_store(&shared->ready, 1);
	CHECK(receive_in_a_storm(in_place) > 20);
	stop_timer(timer);
	CHECK(signals > 100);
	child_succeeds(writer);
	video_shm_consumer_destroy(&consumer);
}

static void a_storm_of_signals_costs_no_frame(void)
{
	storm(0, false);
	storm(0, true);
}

/* The kernel restarts what such handlers interrupt, and would hide them. */
static void a_storm_of_restarting_signals_costs_no_frame_and_is_seen(void)
{
	storm(SA_RESTART, false);
	storm(SA_RESTART, true);
}

/* ---- on a silent ring ---- */

static video_shm_producer_t silent;

static void open_silent(void)
{
	ring_name = fresh_name();
	open_producer(&silent, ring_name);
	open_consumer(&consumer, ring_name);
}

static void close_silent(void)
{
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&silent);
}

static int wait_for_ever(void)
{
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	video_frame_meta_t meta;

	return video_shm_consumer_wait(&consumer, data, &meta, 0);
}

static void one_signal_ends_an_endless_wait(void)
{
	open_silent();
	for (int turn = 0; turn < 2; turn++) {
		on_signal(SIGUSR1, count_signal, turn == 0 ? 0 : SA_RESTART);
		const timer_t timer = start_timer(SIGUSR1, 100000, 100000);

		CHECK_FAILS(wait_for_ever(), EINTR);
		stop_timer(timer);
	}
	CHECK(signals >= 2);
	close_silent();
}

/* It does so even if the signal comes just before the sleep, because the flag is looked at. */
static void an_interrupt_from_a_handler_ends_the_wait(void)
{
	open_silent();
	on_signal(SIGUSR1, interrupt_from_handler, SA_RESTART);
	for (unsigned turn = 0; turn < 100; turn++) {
		const timer_t timer = start_timer(SIGUSR1, 1 + turn % 60, 0);

		CHECK_FAILS(wait_for_ever(), EINTR);
		stop_timer(timer);
	}
	close_silent();
}

static void *interrupt_soon(void *delay)
{
	sleep_until_ns(now_ns() + *(const unsigned *)delay * 1000u);
	video_shm_consumer_interrupt(&consumer);
	return NULL;
}

static void an_interrupt_from_a_thread_ends_the_wait(void)
{
	open_silent();
	for (unsigned turn = 0; turn < 100; turn++) {
		unsigned delay_us = turn * 10;
		pthread_t thread;

		CHECK_EQ(pthread_create(&thread, NULL, interrupt_soon, &delay_us), 0);
		CHECK_FAILS(wait_for_ever(), EINTR);
		CHECK_EQ(pthread_join(thread, NULL), 0);
	}
	close_silent();
}

/* Other readers of the same process, and others on the same ring, are woken at most, never interrupted. */
static void an_interrupt_is_for_its_own_handle_alone(void)
{
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	video_shm_consumer_t other;
	video_frame_meta_t meta;

	open_silent();
	open_consumer(&other, ring_name);
	video_shm_consumer_interrupt(&other);
	CHECK_EQ(video_shm_consumer_wait(&consumer, data, &meta, 20), 0);
	CHECK_FAILS(video_shm_consumer_wait(&other, data, &meta, 20), EINTR);
	CHECK_EQ(video_shm_consumer_wait(&other, data, &meta, 20), 0);
	video_shm_consumer_destroy(&other);
	close_silent();
}

static void an_interrupt_before_the_wait_ends_the_next_one_and_costs_no_frame(void)
{
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	video_frame_meta_t meta;

	open_silent();
	video_shm_consumer_interrupt(&consumer);
	video_shm_consumer_interrupt(&consumer);
	CHECK_FAILS(wait_for_ever(), EINTR);
	CHECK_EQ(video_shm_consumer_read(&consumer, data, &meta), 0); /* two interrupts, one EINTR */
	CHECK_EQ(write_pattern(&silent, 0, 100, true), 0);
	video_shm_consumer_interrupt(&consumer);
	CHECK_FAILS(wait_for_ever(), EINTR);
	CHECK_EQ(wait_for_ever(), 100);
	close_silent();
}

TEST_MAIN(60, TEST(a_storm_of_signals_costs_no_frame),
		  TEST(a_storm_of_restarting_signals_costs_no_frame_and_is_seen),
		  TEST(one_signal_ends_an_endless_wait), TEST(an_interrupt_from_a_handler_ends_the_wait),
		  TEST(an_interrupt_from_a_thread_ends_the_wait), TEST(an_interrupt_is_for_its_own_handle_alone),
		  TEST(an_interrupt_before_the_wait_ends_the_next_one_and_costs_no_frame))
