/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that pthread_cancel() ends: the original's calls slept in sem_wait(), where a thread can be ended,
 * too. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "frames.h"
#include "processes.h"

static const char *ring_name;

static void *read_for_ever(void *consumer)
{
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	video_frame_meta_t meta;

	for (;;)
		CHECK(video_shm_consumer_wait(consumer, data, &meta, 0) >= 0);
}

static void *borrow_for_ever(void *consumer)
{
	video_shm_view_t view = {.struct_size = sizeof(view)};

	for (;;)
		CHECK_EQ(video_shm_consumer_acquire(consumer, &view, 100), 0);
}

static void *wait_for_both(void *pair)
{
	video_shm_consumer_t *const both[] = {pair, (video_shm_consumer_t *)pair + 1};
	uint32_t index = 0;

	for (;;)
		CHECK_EQ(video_shm_consumer_wait_any(both, 2, 0, &index), 0);
}

static void end_thread(pthread_t thread)
{
	void *result;

	CHECK_EQ(pthread_cancel(thread), 0);
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result == PTHREAD_CANCELED);
}

static void fork_goes_on(void)
{
	const pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	child_succeeds(pid);
}

/* Asleep, and just at a look at the writer, which is every 450 ms. */
static void waits_that_are_cancelled_leave_nothing(void)
{
	void *(*const waits[])(void *) = {read_for_ever, borrow_for_ever, wait_for_both};
	static const unsigned after_ms[] = {30, 460};
	unsigned descriptors = 0, mappings = 0;
	video_shm_consumer_t consumers[4];
	video_shm_producer_t producer;
	pthread_t threads[3];

	ring_name = fresh_name();
	open_producer(&producer, ring_name);
	for (int turn = 0; turn < 2; turn++) {
		for (int at = 0; at < 4; at++)
			open_consumer(&consumers[at], ring_name);
		for (int at = 0; at < 3; at++)
			CHECK_EQ(pthread_create(&threads[at], NULL, waits[at], &consumers[at]), 0);
		sleep_ms(after_ms[turn]);
		for (int at = 0; at < 3; at++)
			end_thread(threads[at]);
		for (int at = 0; at < 4; at++)
			video_shm_consumer_destroy(&consumers[at]);
		if (turn == 0) {
			descriptors = count_descriptors();
			mappings = count_mappings(ring_name);
		}
		CHECK_EQ(count_descriptors(), descriptors);
		CHECK_EQ(count_mappings(ring_name), mappings);
	}
	CHECK_EQ(mappings, 0); /* the writer's own are of a file that had no name yet */
	fork_goes_on();
	video_shm_producer_destroy(&producer);
}

static void a_cancelled_readers_handle_can_be_used_on(void)
{
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	video_frame_meta_t meta;
	pthread_t thread;

	ring_name = fresh_name();
	open_producer(&producer, ring_name);
	open_consumer(&consumer, ring_name);
	CHECK_EQ(pthread_create(&thread, NULL, read_for_ever, &consumer), 0);
	end_thread(thread);
	CHECK_EQ(write_pattern(&producer, 0, 100, true), 0);
	CHECK_EQ(video_shm_consumer_wait(&consumer, data, &meta, 0), 100);
	video_shm_consumer_destroy(&consumer);
	CHECK_EQ(count_mappings(ring_name), 0);
	video_shm_producer_destroy(&producer);
}

/* ---- in the middle of all else ---- */

static void *open_and_close(void *name)
{
	for (;;) {
		video_shm_info_t info = {.struct_size = sizeof(info)};
		video_shm_consumer_t reader;
		video_shm_producer_t writer;

		pthread_testcancel();
		CHECK_EQ(open_small_producer(&writer, name), 0);
		open_consumer(&reader, name);
		CHECK_EQ(video_shm_inspect(name, &info), 0);
		video_shm_consumer_destroy(&reader);
		video_shm_producer_destroy(&writer);
	}
}

static void opening_and_closing_is_never_left_half_done(void)
{
	unsigned descriptors = 0;

	ring_name = fresh_name();
	for (unsigned turn = 0; turn < pick(60, 600); turn++) {
		pthread_t thread;

		CHECK_EQ(pthread_create(&thread, NULL, open_and_close, (void *)(uintptr_t)ring_name), 0);
		sleep_ms(turn % 7);
		end_thread(thread);
		fork_goes_on(); /* which waits for who opens a writer */
		CHECK(!shm_exists(ring_name));
		if (turn == 0)
			descriptors = count_descriptors();
		CHECK_EQ(count_descriptors(), descriptors);
	}
}

TEST_MAIN(pick(60, 600), TEST(waits_that_are_cancelled_leave_nothing),
		  TEST(a_cancelled_readers_handle_can_be_used_on), TEST(opening_and_closing_is_never_left_half_done))
