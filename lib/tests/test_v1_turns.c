/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Version 1 readers that are back at their semaphore at once, as one that only prints a line is: the first to
 * wake up takes the tokens of all who are still waking. Each frame is written once all are asleep, so that
 * counts tell, not clocks.
 */
#include <sched.h>
#include <unistd.h>

#include "channels.h"
#include "check.h"
#include "object_bytes.h"
#include "processes.h"
#include "v1/v1.h"

#define MOST_READERS 32u
#define FRAMES 100u
#define FRAMES_DUE 90u /* a reader that gets no processor for 20 ms is not waited for */
#define FRAME_SIZE 20000u
#define PATIENCE_NS 2000000000u /* a loaded machine wakes a reader late, but not that late */

struct seat {
	_Atomic uint32_t turns; /* times that it went to the semaphore */
	_Atomic uint32_t received, empty;
};

struct board {
	_Atomic uint32_t made, over;
	int channel;
	struct seat seats[MOST_READERS];
};

static struct board *board;
static pid_t readers[MOST_READERS];
static video_shm_producer_t producer;

/* All on one: there who runs first is back before any other has begun. */
static void share_a_processor(void)
{
	cpu_set_t set;
	size_t first = 0;

	CHECK_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
	while (!CPU_ISSET(first, &set))
		first++;
	CPU_ZERO(&set);
	CPU_SET(first, &set);
	CHECK_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
}

static void read_at_once(void *argument)
{
	static uint8_t data[V1_CAPACITY];
	struct seat *seat = argument;
	struct v1_reader reader;
	struct v1_meta meta;

	share_a_processor();
	CHECK_EQ(v1_reader_init(&reader, board->channel), 0);
	while (atomic_load(&board->over) == 0) {
		(void)atomic_fetch_add(&seat->turns, 1);
		if (v1_reader_wait(&reader, data, &meta, 500) > 0) {
			CHECK(v1_check(data, meta.size, meta.sequence));
			(void)atomic_fetch_add(&seat->received, 1);
		}
		atomic_store(&seat->empty, reader.empty);
	}
	v1_reader_destroy(&reader);
}

/* Between its turn being counted and the end of its wait a reader has nothing to do but sleep. */
static void await_asleep(unsigned reader)
{
	uint32_t turns;

	await_least(&board->seats[reader].turns, 1);
	do {
		turns = atomic_load(&board->seats[reader].turns);
		await_sleep(readers[reader]);
	} while (atomic_load(&board->seats[reader].turns) != turns);
}

static void start_readers(unsigned first, unsigned count)
{
	for (unsigned at = first; at < first + count; at++)
		readers[at] = start_child(read_at_once, &board->seats[at]);
	for (unsigned at = first; at < first + count; at++)
		await_asleep(at);
}

static void set_up(unsigned count)
{
	board = share(sizeof(*board));
	board->channel = fresh_channel();
	open_channel_producer(&producer, board->channel);
	start_readers(0, count);
}

/* Waits until the reader has one frame more than that. If another one took its token, it sleeps on. */
static void await_frame(const struct seat *seat, uint32_t received)
{
	const uint64_t until_ns = now_ns() + PATIENCE_NS;

	while (atomic_load(&seat->received) == received && now_ns() < until_ns)
		sleep_ms(1);
}

/* Writes frames for count readers, from the first one on. */
static void write_all(unsigned first, unsigned count)
{
	static uint8_t data[FRAME_SIZE];
	const video_frame_meta_t meta = {.is_keyframe = 1};
	uint32_t received[MOST_READERS];

	for (uint32_t frame = 0; frame < FRAMES; frame++) {
		for (unsigned at = first; at < first + count; at++) {
			await_asleep(at);
			received[at] = atomic_load(&board->seats[at].received);
			CHECK(received[at] + FRAMES - FRAMES_DUE >= frame);
		}
		v1_fill(data, sizeof(data), frame);
		CHECK_EQ(video_shm_producer_write(&producer, data, sizeof(data), &meta), 0);
		for (unsigned at = first; at < first + count; at++)
			await_frame(&board->seats[at], received[at]);
	}
}

static void tear_down(unsigned count)
{
	atomic_store(&board->over, 1);
	for (unsigned at = 0; at < count; at++)
		child_succeeds(readers[at]);
	video_shm_producer_destroy(&producer);
}

static void each_has_its_share(unsigned count)
{
	uint32_t empty = 0;

	set_up(count);
	write_all(0, count);
	tear_down(count);
	for (unsigned at = 0; at < count; at++) {
		const struct seat *seat = &board->seats[at];

		fprintf(stderr, "reader %u of %u: %u of %u frames, %u empty wake-ups\n", at, count, seat->received,
				FRAMES, seat->empty);
		CHECK(seat->received >= FRAMES_DUE);
		empty += seat->empty;
	}
	CHECK(empty <= count * (FRAMES - FRAMES_DUE));
}

static void two_readers_that_are_back_at_once_take_nothing_from_each_other(void)
{
	each_has_its_share(2);
}

static void four_readers_that_are_back_at_once_take_nothing_from_each_other(void)
{
	each_has_its_share(4);
}

/* active_readers says 32 from then on, as long as the ring lives. */
static void thirty_one_that_died_asleep_cost_the_living_one_wake_up_a_frame_at_most(void)
{
	set_up(MOST_READERS);
	for (unsigned at = 1; at < MOST_READERS; at++)
		kill_child(readers[at]);
	CHECK_EQ(peek32(channel_ring(board->channel), AT_ACTIVE_READERS), MOST_READERS);
	write_all(0, 1);
	tear_down(1);
	fprintf(stderr, "%u of %u frames, %u empty wake-ups\n", board->seats[0].received, FRAMES,
			board->seats[0].empty);
	CHECK(board->seats[0].received >= FRAMES_DUE);
	/* As the format says; it was 31 a frame. On a machine with nothing else to do it is none. */
	CHECK(board->seats[0].empty <= FRAMES);
}

static void make_a_v1_ring(void *unused)
{
	struct v1_writer writer;

	(void)unused;
	CHECK_EQ(v1_writer_init(&writer, board->channel, 0), 0);
	atomic_store(&board->made, 1);
	for (;;)
		(void)pause();
}

/* They wait on for a writer that was killed, and know nothing of the ring that has the name now. */
static void readers_of_a_replaced_ring_take_nothing_from_those_of_the_new_one(void)
{
	pid_t old;

	board = share(sizeof(*board));
	board->channel = fresh_channel();
	old = start_child(make_a_v1_ring, NULL);
	await_least(&board->made, 1);
	start_readers(0, 2);
	kill_child(old);
	open_channel_producer(&producer, board->channel);
	start_readers(2, 1);
	write_all(2, 1);
	tear_down(3);
	fprintf(stderr, "%u of %u frames, %u and %u tokens for nobody\n", board->seats[2].received, FRAMES,
			board->seats[0].empty, board->seats[1].empty);
	CHECK(board->seats[2].received >= FRAMES_DUE);
	CHECK_EQ(board->seats[0].empty + board->seats[1].empty, 0);
}

TEST_MAIN(100, TEST(two_readers_that_are_back_at_once_take_nothing_from_each_other),
		  TEST(four_readers_that_are_back_at_once_take_nothing_from_each_other),
		  TEST(thirty_one_that_died_asleep_cost_the_living_one_wake_up_a_frame_at_most),
		  TEST(readers_of_a_replaced_ring_take_nothing_from_those_of_the_new_one))
