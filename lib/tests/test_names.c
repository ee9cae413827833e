/* SPDX-License-Identifier: Apache-2.0 */
/* The ring's name goes, or is taken by another ring, while the writer writes. */
#include "channels.h"
#include "check.h"
#include "frames.h"
#include "processes.h"

#include <semaphore.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define FRAME_EVERY_MS 20
#define FRAME_BYTES 3000

static struct {
	_Atomic uint32_t ready;
	_Atomic uint32_t received;
	_Atomic uint32_t expected;
} * shared;

static const char *ring_name;

static video_shm_info_t inspect(void)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	CHECK_EQ(video_shm_inspect(ring_name, &info), 0);
	return info;
}

static void remove_semaphores(int channel)
{
	char name[64];

	(void)snprintf(name, sizeof(name), VIDEO_SHM_SEM_WRITE "_ch%d", channel);
	CHECK_EQ(sem_unlink(name), 0);
	(void)snprintf(name, sizeof(name), VIDEO_SHM_SEM_READ "_ch%d", channel);
	CHECK_EQ(sem_unlink(name), 0);
}

/* Receives all that comes, over as many rings as it takes. */
static void follow(void *unused)
{
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	const video_shm_consumer_options_t options = {
		.struct_size = sizeof(options), .reconnect = 1, .name = ring_name};
	video_shm_consumer_t consumer;
	video_frame_meta_t meta;
	uint32_t next = 0, closed = 0;

	(void)unused;
	CHECK_EQ(video_shm_consumer_open(&consumer, &options), 0);
	(void)atomic_fetch_add(&shared->ready, 1);
	while (atomic_load(&shared->expected) == 0 || next < atomic_load(&shared->expected)) {
		const int size = video_shm_consumer_wait(&consumer, data, &meta, 100);

		if (size < 0) {
			CHECK_EQ(errno, EPIPE);
			CHECK_EQ(closed++, 0); /* told once */
		}
		if (size <= 0)
			continue;
		/* A repeat, or frames lost between the rings: the new one begins where the old one ended. */
		CHECK_EQ(meta.sequence, next);
		CHECK(has_pattern(data, meta.size, meta.sequence));
		next++;
	}
	CHECK_EQ(closed, 1);
	CHECK_EQ(info_of(&consumer).reattached, 1);
	CHECK_EQ(info_of(&consumer).received, next);
	CHECK_EQ(info_of(&consumer).missed, 0);
	video_shm_consumer_destroy(&consumer);
}

/* Writes until the ring was made anew, and some more. The number of frames. */
static uint32_t write_past_a_remake(video_shm_producer_t *producer)
{
	uint32_t frame = 0, more = 20;

	while (more > 0) {
		CHECK_EQ(write_pattern(producer, frame, FRAME_BYTES, frame % 10 == 0), 0);
		frame++;
		sleep_ms(FRAME_EVERY_MS);
		if (frame == 10)
			CHECK_EQ(shm_unlink(ring_name), 0);
		if (frame > 10 && shm_exists(ring_name))
			more--;
	}
	return frame;
}

static void a_ring_whose_name_is_gone_is_made_anew_and_its_readers_go_on(void)
{
	const int channel = fresh_channel();
	video_shm_producer_t producer;
	pid_t readers[2];
	uint32_t frames;
	uint64_t inode;

	shared = share(sizeof(*shared));
	ring_name = channel_ring(channel);
	CHECK_EQ(video_shm_producer_init_channel(&producer, channel), 0);
	inode = inspect().inode;
	for (int at = 0; at < 2; at++)
		readers[at] = start_child(follow, NULL);
	await_least(&shared->ready, 2);
	remove_semaphores(channel);
	frames = write_past_a_remake(&producer);
	atomic_store(&shared->expected, frames);
	CHECK_EQ(inspect().remade, 1);
	CHECK(inspect().inode != inode);
	CHECK_EQ(inspect().frames, frames); /* numbering goes on */
	CHECK_EQ(inspect().v1_signals, 1);
	CHECK(semaphores_exist(channel));
	for (int at = 0; at < 2; at++)
		child_succeeds(readers[at]);
	video_shm_producer_destroy(&producer);
	CHECK(!shm_exists(ring_name));
	CHECK(!semaphores_exist(channel));
}

static void the_hold_moves_on_to_the_ring_made_anew(void)
{
	video_shm_producer_t producer, second;

	ring_name = fresh_name();
	open_producer(&producer, ring_name);
	CHECK_EQ(write_pattern(&producer, 0, 100, true), 0);
	CHECK_EQ(shm_unlink(ring_name), 0);
	for (uint64_t frame = 1; !shm_exists(ring_name); frame++) {
		CHECK_EQ(write_pattern(&producer, frame, 100, true), 0);
		sleep_ms(5);
	}
	CHECK_FAILS(
		video_shm_producer_open(
			&second, &(video_shm_producer_options_t){.struct_size = sizeof(video_shm_producer_options_t),
													 .name = ring_name}),
		EBUSY);
	CHECK_EQ(inspect().state, VIDEO_SHM_STATE_LIVE);
	video_shm_producer_destroy(&producer);
}

/* Writes until the writer notices; its errno. */
static int write_until_refused(video_shm_producer_t *producer)
{
	for (uint64_t frame = 1;; frame++) {
		if (write_pattern(producer, frame, 100, true) != 0)
			return errno;
		sleep_ms(5);
	}
}

static void a_writer_whose_name_was_taken_leaves_the_other_ring_alone(void)
{
	const int channel = fresh_channel();
	video_shm_producer_t robbed, other;
	video_shm_consumer_t reader;
	uint8_t data[4096], *slot;
	uint32_t capacity;
	video_frame_meta_t meta;
	uint64_t inode;

	ring_name = channel_ring(channel);
	CHECK_EQ(video_shm_producer_init_channel(&robbed, channel), 0);
	open_consumer(&reader, ring_name);
	CHECK_EQ(shm_unlink(ring_name), 0);
	CHECK_EQ(video_shm_producer_init_channel(&other, channel), 0);
	inode = inspect().inode;
	CHECK_EQ(write_pattern(&other, 0, 100, true), 0);
	CHECK_EQ(write_until_refused(&robbed), ESTALE);
	CHECK_FAILS(write_pattern(&robbed, 0, 100, true), ESTALE);
	CHECK_FAILS(video_shm_producer_reserve(&robbed, &slot, &capacity), ESTALE);
	/* Its readers are told, after the last whole frame. */
	while (video_shm_consumer_receive(&reader, data, sizeof(data), &meta, 0) > 0) {
	}
	CHECK_EQ(errno, EPIPE);
	CHECK_EQ(write_pattern(&other, 1, 100, true), 0);
	video_shm_producer_destroy(&robbed);
	CHECK_EQ(inspect().inode, inode);
	CHECK_EQ(inspect().state, VIDEO_SHM_STATE_LIVE);
	CHECK_EQ(inspect().frames, 2);
	CHECK(semaphores_exist(channel));
	CHECK_EQ(write_pattern(&other, 2, 100, true), 0);
	video_shm_producer_destroy(&other);
	CHECK(!semaphores_exist(channel));
	video_shm_consumer_destroy(&reader);
}

/* The name is looked at after the readers were woken: they may get that frame, and the writer is told at
 * once. */
static void a_commit_tells_that_the_name_was_taken_since_reserve(void)
{
	const video_frame_meta_t meta = {.is_keyframe = 1};
	video_shm_producer_t robbed, other;
	video_shm_consumer_t reader;
	video_frame_meta_t got;
	uint8_t data[100], *slot;
	uint32_t capacity;

	ring_name = fresh_name();
	open_producer(&robbed, ring_name);
	open_consumer(&reader, ring_name);
	CHECK_EQ(video_shm_producer_reserve(&robbed, &slot, &capacity), 0);
	fill_pattern(slot, sizeof(data), 7);
	CHECK_EQ(shm_unlink(ring_name), 0);
	open_producer(&other, ring_name);
	sleep_ms(1000); /* a look is due */
	CHECK_FAILS(video_shm_producer_commit(&robbed, sizeof(data), &meta, NULL), ESTALE);
	CHECK_EQ(video_shm_consumer_receive(&reader, data, sizeof(data), &got, VIDEO_SHM_NO_WAIT), sizeof(data));
	CHECK(has_pattern(data, sizeof(data), 7));
	CHECK_FAILS(video_shm_producer_commit(&robbed, sizeof(data), &meta, NULL), EINVAL); /* nothing is out */
	CHECK_FAILS(video_shm_producer_reserve(&robbed, &slot, &capacity), ESTALE);
	video_shm_producer_destroy(&robbed);
	CHECK_EQ(inspect().state, VIDEO_SHM_STATE_LIVE);
	video_shm_producer_destroy(&other);
	video_shm_consumer_destroy(&reader);
}

static void a_commit_makes_the_ring_anew_whose_name_went_since_reserve(void)
{
	const video_frame_meta_t meta = {.is_keyframe = 1};
	video_shm_producer_t producer;
	uint32_t capacity;
	uint8_t *slot;

	ring_name = fresh_name();
	open_producer(&producer, ring_name);
	CHECK_EQ(video_shm_producer_reserve(&producer, &slot, &capacity), 0);
	fill_pattern(slot, 100, 0);
	CHECK_EQ(shm_unlink(ring_name), 0);
	sleep_ms(1000);
	CHECK_EQ(video_shm_producer_commit(&producer, 100, &meta, NULL), 0);
	CHECK(shm_exists(ring_name));
	CHECK_EQ(inspect().remade, 1);
	CHECK_EQ(inspect().frames, 1);
	video_shm_producer_destroy(&producer);
}

/* Leaves one descriptor, so that the new ring can be made, but not mapped. Returns the former limit. */
static struct rlimit leave_one_descriptor(void)
{
	struct rlimit usual, tight;
	const int lowest = dup(0);

	CHECK(lowest >= 0);
	CHECK_EQ(close(lowest), 0);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &usual), 0);
	tight = usual;
	tight.rlim_cur = (rlim_t)lowest + 1;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
	return usual;
}

/* It goes on with the ring that it has, without a name, and makes it anew when it can. */
static void a_ring_that_cant_be_made_anew_stays_mapped(void)
{
	video_shm_producer_t producer;
	struct rlimit usual;

	ring_name = fresh_name();
	open_producer(&producer, ring_name);
	CHECK_EQ(shm_unlink(ring_name), 0);
	usual = leave_one_descriptor();
	CHECK_EQ(write_until_refused(&producer), ENOSPC);
	CHECK_FAILS(write_pattern(&producer, 2, 100, true), ENOSPC);
	CHECK(!shm_exists(ring_name));
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &usual), 0);
	while (write_pattern(&producer, 3, 100, true) != 0)
		sleep_ms(5);
	CHECK_EQ(inspect().remade, 1);
	video_shm_producer_destroy(&producer);
	CHECK(!shm_exists(ring_name));
}

/* Destroyed before it had an occasion to notice. */
static void destroy_looks_whose_ring_the_name_leads_to(void)
{
	const int channel = fresh_channel();
	video_shm_producer_t robbed, other;

	ring_name = channel_ring(channel);
	CHECK_EQ(video_shm_producer_init_channel(&robbed, channel), 0);
	CHECK_EQ(shm_unlink(ring_name), 0);
	CHECK_EQ(video_shm_producer_init_channel(&other, channel), 0);
	video_shm_producer_destroy(&robbed);
	CHECK(shm_exists(ring_name));
	CHECK(semaphores_exist(channel));
	CHECK_EQ(write_pattern(&other, 0, 100, true), 0);
	CHECK_EQ(inspect().state, VIDEO_SHM_STATE_LIVE);
	video_shm_producer_destroy(&other);
	CHECK(!shm_exists(ring_name));
}

TEST_MAIN(60, TEST(a_ring_whose_name_is_gone_is_made_anew_and_its_readers_go_on),
		  TEST(the_hold_moves_on_to_the_ring_made_anew),
		  TEST(a_writer_whose_name_was_taken_leaves_the_other_ring_alone),
		  TEST(a_commit_tells_that_the_name_was_taken_since_reserve),
		  TEST(a_commit_makes_the_ring_anew_whose_name_went_since_reserve),
		  TEST(a_ring_that_cant_be_made_anew_stays_mapped), TEST(destroy_looks_whose_ring_the_name_leads_to))
