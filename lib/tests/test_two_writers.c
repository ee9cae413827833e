/* SPDX-License-Identifier: Apache-2.0 */
/* One writer for each ring, however many try. */
#include "check.h"
#include "frames.h"
#include "processes.h"

#include <signal.h>
#include <unistd.h>

#define RACERS 8

static struct {
	_Atomic uint32_t up;
	_Atomic uint32_t go_on;
	_Atomic uint32_t holders; /* racers that believe they are the writer */
	_Atomic uint32_t wins;
	_Atomic uint32_t refusals;
} * shared;

static const char *ring_name;

static void hold_until_killed(void *unused)
{
	video_shm_producer_t producer;

	(void)unused;
	CHECK_EQ(open_small_producer(&producer, ring_name), 0);
	CHECK_EQ(write_pattern(&producer, 0, 100, true), 0);
	atomic_store(&shared->up, 1);
	for (;;)
		(void)pause();
}

static pid_t start_holder(void)
{
	pid_t pid;

	shared = share(sizeof(*shared));
	ring_name = fresh_name();
	pid = start_child(hold_until_killed, NULL);
	await_least(&shared->up, 1);
	return pid;
}

static video_shm_info_t inspect(void)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	CHECK_EQ(video_shm_inspect(ring_name, &info), 0);
	return info;
}

static void a_second_writer_is_refused_and_can_ask_for_the_firsts_pid(void)
{
	video_shm_producer_t second;
	video_shm_consumer_t reader;
	uint8_t data[4096];
	video_frame_meta_t meta;
	pid_t first;

	first = start_holder();
	for (int attempt = 0; attempt < 3; attempt++)
		CHECK_FAILS(open_small_producer(&second, ring_name), EBUSY);
	CHECK_EQ(inspect().writer_pid, first);
	CHECK_EQ(inspect().state, VIDEO_SHM_STATE_LIVE);
	/* What the refused one did changed nothing. */
	CHECK_EQ(inspect().epoch, 1);
	CHECK_EQ(inspect().frames, 1);
	video_shm_producer_destroy(&second);
	open_consumer(&reader, ring_name);
	CHECK_EQ(video_shm_consumer_receive(&reader, data, sizeof(data), &meta, VIDEO_SHM_NO_WAIT), 0);
	kill_child(first);
	CHECK_EQ(inspect().state, VIDEO_SHM_STATE_DEAD);
	CHECK_EQ(open_small_producer(&second, ring_name), 0);
	CHECK_EQ(inspect().writer_pid, getpid());
	CHECK_EQ(inspect().epoch, 2);
	CHECK_EQ(write_pattern(&second, 1, 100, true), 0);
	CHECK_EQ(video_shm_consumer_receive(&reader, data, sizeof(data), &meta, 0), 100);
	CHECK_EQ(meta.sequence, 1);
	video_shm_producer_destroy(&second);
	video_shm_consumer_destroy(&reader);
}

static void a_second_handle_in_the_same_process_is_refused_too(void)
{
	video_shm_producer_t first, second;

	ring_name = fresh_name();
	CHECK_EQ(open_small_producer(&first, ring_name), 0);
	CHECK_FAILS(open_small_producer(&second, ring_name), EBUSY);
	CHECK_EQ(write_pattern(&first, 0, 100, true), 0);
	video_shm_producer_destroy(&second);
	CHECK(shm_exists(ring_name));
	video_shm_producer_destroy(&first);
	CHECK_EQ(open_small_producer(&second, ring_name), 0);
	video_shm_producer_destroy(&second);
}

/* Suspended is not dead: whoever thinks so has two writers when it is continued. */
static void a_stopped_writer_keeps_its_ring(void)
{
	video_shm_producer_t second;
	pid_t first;

	first = start_holder();
	CHECK_EQ(kill(first, SIGSTOP), 0);
	sleep_ms(50);
	CHECK_FAILS(open_small_producer(&second, ring_name), EBUSY);
	CHECK_EQ(inspect().state, VIDEO_SHM_STATE_LIVE);
	kill_child(first);
}

/* ---- a race ---- */

/* Holds the ring for a moment: nobody else may. */
static void be_the_writer(video_shm_producer_t *producer, uint32_t *random)
{
	CHECK_EQ(atomic_fetch_add(&shared->holders, 1), 0); /* two writers at once */
	(void)atomic_fetch_add(&shared->wins, 1);
	for (uint32_t frame = 0; frame < 3; frame++)
		CHECK_EQ(write_pattern(producer, frame, 100, true), 0);
	if (next_random(random) % 8 == 0)
		(void)usleep(next_random(random) % 2000);
	CHECK_EQ(inspect().writer_pid, getpid());
	(void)atomic_fetch_sub(&shared->holders, 1);
}

static void race(void *unused)
{
	uint32_t random = (uint32_t)getpid();
	video_shm_producer_t producer;

	(void)unused;
	(void)atomic_fetch_add(&shared->up, 1);
	await_least(&shared->go_on, 1);
	for (unsigned attempt = 0; attempt < 50; attempt++) {
		if (open_small_producer(&producer, ring_name) != 0) {
			CHECK_EQ(errno, EBUSY);
			(void)atomic_fetch_add(&shared->refusals, 1);
			(void)usleep(next_random(&random) % 50);
			continue;
		}
		be_the_writer(&producer, &random);
		if (next_random(&random) % 3 == 0)
			_exit(0); /* without a word: the next one takes over what it left */
		video_shm_producer_destroy(&producer);
	}
}

static void of_many_that_race_to_write_exactly_one_wins_at_a_time(void)
{
	const uint64_t until_ns = now_ns() + (uint64_t)pick(3, 30) * 1000000000u;
	video_shm_producer_t last;
	pid_t racers[RACERS];

	shared = share(sizeof(*shared));
	ring_name = fresh_name();
	while (now_ns() < until_ns || atomic_load(&shared->wins) <= 20 || atomic_load(&shared->refusals) <= 20) {
		atomic_store(&shared->up, 0);
		atomic_store(&shared->go_on, 0);
		for (int at = 0; at < RACERS; at++)
			racers[at] = start_child(race, NULL);
		await_least(&shared->up, RACERS);
		atomic_store(&shared->go_on, 1);
		for (int at = 0; at < RACERS; at++)
			child_succeeds(racers[at]);
	}
	CHECK_EQ(open_small_producer(&last, ring_name), 0);
	video_shm_producer_destroy(&last);
	CHECK(!shm_exists(ring_name));
}

TEST_MAIN(60, TEST(a_second_writer_is_refused_and_can_ask_for_the_firsts_pid),
		  TEST(a_second_handle_in_the_same_process_is_refused_too), TEST(a_stopped_writer_keeps_its_ring),
		  TEST(of_many_that_race_to_write_exactly_one_wins_at_a_time))
