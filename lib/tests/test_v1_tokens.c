/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The semaphore that readers of version 1 wait on, frame by frame: no clock in these. active_readers says how
 * many tokens are wanted, and anybody may scribble on it.
 */
#include <signal.h>

#include "channels.h"
#include "check.h"
#include "object_bytes.h"
#include "v1/v1.h"

#define MOST_TOKENS 32

struct bench {
	video_shm_producer_t producer;
	struct v1_reader readers[2];
	int channel;
	uint32_t frame;
};

static void set_up(struct bench *bench)
{
	memset(bench, 0, sizeof(*bench));
	bench->channel = fresh_channel();
	open_channel_producer(&bench->producer, bench->channel);
}

static void join(struct bench *bench, unsigned reader)
{
	CHECK_EQ(v1_reader_init(&bench->readers[reader], bench->channel), 0);
}

static void write_one(struct bench *bench)
{
	static uint8_t data[1000];
	const video_frame_meta_t meta = {.is_keyframe = 1};

	v1_fill(data, sizeof(data), bench->frame++);
	CHECK_EQ(video_shm_producer_write(&bench->producer, data, sizeof(data), &meta), 0);
}

/* A reader asks until it has the newest frame: tokens that lie there too many cost it empty wake-ups. */
static void newest_arrives(struct bench *bench, unsigned reader)
{
	static uint8_t data[V1_CAPACITY];
	struct v1_meta meta = {0};
	int size = 0;

	for (int token = 0; size == 0 && token <= MOST_TOKENS; token++)
		size = v1_reader_wait(&bench->readers[reader], data, &meta, 2000);
	CHECK_EQ(size, 1000);
	CHECK_EQ(meta.sequence, bench->frame - 1);
	CHECK(v1_check(data, meta.size, meta.sequence));
}

static int tokens(const struct bench *bench)
{
	struct v1_names names;
	int value = 0;
	sem_t *semaphore;

	v1_names(&names, bench->channel);
	semaphore = sem_open(names.read, 0);
	CHECK(semaphore != SEM_FAILED);
	CHECK_EQ(sem_getvalue(semaphore, &value), 0);
	(void)sem_close(semaphore);
	return value;
}

/* A writer that posts whether or not anybody counts himself in lets tokens pile up for the first to join. */
static void joining_a_stream_that_has_run_alone_brings_no_empty_wakeups(void)
{
	struct bench bench;

	set_up(&bench);
	for (int frame = 0; frame < 200; frame++)
		write_one(&bench);
	CHECK_EQ(tokens(&bench), 0);
	join(&bench, 0);
	for (int frame = 0; frame < 50; frame++) {
		write_one(&bench);
		newest_arrives(&bench, 0);
	}
	CHECK_EQ(bench.readers[0].empty, 0);
	CHECK_EQ(tokens(&bench), 0);
	v1_reader_destroy(&bench.readers[0]);
	video_shm_producer_destroy(&bench.producer);
}

/* With fewer the others sleep on, with more somebody wakes up for nothing. */
static void each_reader_that_counts_itself_in_has_one_token_a_frame(void)
{
	struct bench bench;

	set_up(&bench);
	for (unsigned reader = 0; reader < 2; reader++) {
		join(&bench, reader);
		for (int frame = 0; frame < 5; frame++) {
			write_one(&bench);
			CHECK_EQ(tokens(&bench), reader + 1);
			newest_arrives(&bench, 0);
			if (reader == 1)
				newest_arrives(&bench, 1);
			CHECK_EQ(tokens(&bench), 0);
		}
	}
	CHECK_EQ(bench.readers[0].empty + bench.readers[1].empty, 0);
	v1_reader_destroy(&bench.readers[0]);
	v1_reader_destroy(&bench.readers[1]);
	video_shm_producer_destroy(&bench.producer);
}

/* One that is busy for a second must not come back to a token for each frame of it. */
static void a_reader_that_was_busy_for_long_finds_one_token_not_one_for_each_frame(void)
{
	struct bench bench;

	set_up(&bench);
	join(&bench, 0);
	for (int frame = 0; frame < 100; frame++)
		write_one(&bench);
	CHECK_EQ(tokens(&bench), 1);
	newest_arrives(&bench, 0);
	CHECK_EQ(bench.readers[0].empty, 0);
	v1_reader_destroy(&bench.readers[0]);
	video_shm_producer_destroy(&bench.producer);
}

static void garbage_does_no_harm(uint32_t garbage)
{
	struct bench bench;

	set_up(&bench);
	join(&bench, 0);
	join(&bench, 1);
	for (int frame = 0; frame < 100; frame++) {
		poke32(channel_ring(bench.channel), AT_ACTIVE_READERS, garbage);
		write_one(&bench);
		CHECK(tokens(&bench) <= MOST_TOKENS);
		newest_arrives(&bench, 0);
		newest_arrives(&bench, 1);
	}
	for (int frame = 0; frame < 100; frame++)
		write_one(&bench);
	CHECK(tokens(&bench) <= MOST_TOKENS);
	v1_reader_destroy(&bench.readers[0]);
	v1_reader_destroy(&bench.readers[1]);
	video_shm_producer_destroy(&bench.producer);
}

/* Four billion posts for each frame, or a negative number of readers that gets none. */
static void garbage_in_active_readers_does_no_harm(void)
{
	garbage_does_no_harm(UINT32_MAX); /* one who counted himself off twice */
	garbage_does_no_harm(UINT32_C(0x80000000));
	garbage_does_no_harm(33);
}

/* Zero with readers waiting can't be told from nobody there: they starve, as on a version 1 ring that counts.
 */
static void a_count_of_zero_starves_version_1_readers_only_until_it_is_put_right(void)
{
	struct bench bench;
	video_shm_consumer_t consumer;
	static uint8_t data[V1_CAPACITY];
	video_frame_meta_t meta;

	set_up(&bench);
	open_channel_consumer(&consumer, bench.channel);
	join(&bench, 0);
	poke32(channel_ring(bench.channel), AT_ACTIVE_READERS, 0);
	write_one(&bench);
	CHECK_EQ(tokens(&bench), 0);
	CHECK_EQ(video_shm_consumer_wait(&consumer, data, &meta, 1000), 1000);
	poke32(channel_ring(bench.channel), AT_ACTIVE_READERS, 1);
	write_one(&bench);
	newest_arrives(&bench, 0);
	CHECK_EQ(video_shm_consumer_wait(&consumer, data, &meta, 1000), 1000);
	video_shm_consumer_destroy(&consumer);
	v1_reader_destroy(&bench.readers[0]);
	video_shm_producer_destroy(&bench.producer);
}

static void join_and_die(void *argument)
{
	struct v1_reader reader;

	CHECK_EQ(v1_reader_init(&reader, *(const int *)argument), 0);
	(void)raise(SIGKILL);
}

/* The dead are still counted. Their tokens must neither pile up nor be the ones that the living lack. */
static void readers_that_died_uncounted_cost_the_living_no_frame(void)
{
	struct bench bench;

	set_up(&bench);
	join(&bench, 0);
	for (int dead = 0; dead < 3; dead++)
		(void)await_child(start_child(join_and_die, &bench.channel));
	join(&bench, 1);
	CHECK_EQ(peek32(channel_ring(bench.channel), AT_ACTIVE_READERS), 5);
	for (int frame = 0; frame < 100; frame++) {
		write_one(&bench);
		CHECK(tokens(&bench) <= 5);
		newest_arrives(&bench, 0);
		newest_arrives(&bench, 1);
	}
	v1_reader_destroy(&bench.readers[0]);
	v1_reader_destroy(&bench.readers[1]);
	video_shm_producer_destroy(&bench.producer);
}

/* A newcomer that maps a ring of other slots as if they were 30 of 512 KiB reads nonsense as a frame. */
static void a_version_1_reader_refuses_a_ring_of_another_geometry(void)
{
	const struct {
		uint32_t slots, slot_size;
	} geometries[] = {{60, 0}, {0, 1u << 20}, {2, 64}, {31, 0}, {0, VIDEO_SHM_MAX_FRAME_SIZE - 8}};
	struct v1_reader reader;

	for (size_t at = 0; at < sizeof(geometries) / sizeof(geometries[0]); at++) {
		const int channel = fresh_channel();
		const video_shm_producer_options_t options = {.struct_size = sizeof(options),
													  .slots = geometries[at].slots,
													  .slot_size = geometries[at].slot_size,
													  .name = channel_ring(channel)};
		video_shm_producer_t producer;

		CHECK_EQ(video_shm_producer_open(&producer, &options), 0);
		CHECK_FAILS(v1_reader_init(&reader, channel), EPROTO);
		CHECK_EQ(peek32(channel_ring(channel), AT_ACTIVE_READERS), 0);
		video_shm_producer_destroy(&producer);
	}
}

TEST_MAIN(60, TEST(joining_a_stream_that_has_run_alone_brings_no_empty_wakeups),
		  TEST(each_reader_that_counts_itself_in_has_one_token_a_frame),
		  TEST(a_reader_that_was_busy_for_long_finds_one_token_not_one_for_each_frame),
		  TEST(garbage_in_active_readers_does_no_harm),
		  TEST(a_count_of_zero_starves_version_1_readers_only_until_it_is_put_right),
		  TEST(readers_that_died_uncounted_cost_the_living_no_frame),
		  TEST(a_version_1_reader_refuses_a_ring_of_another_geometry))
