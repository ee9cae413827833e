/* SPDX-License-Identifier: Apache-2.0 */
/* Several threads write through one handle: each frame is whole, written or counted as dropped. */
#include "check.h"
#include "frames.h"
#include "processes.h"

#include <pthread.h>

#define THREADS 4
#define SLOT_BYTES (32 * 1024)

static struct {
	_Atomic uint32_t ready;
	_Atomic uint32_t received;
	_Atomic uint32_t missed;
} * shared;

static const char *ring_name;
static video_shm_producer_t producer;
static _Atomic uint32_t written, dropped;

/* Each frame says which thread wrote it, and which of its own it is: in width and timestamp. */
static void *write_many(void *argument)
{
	const uint32_t thread = *(const uint32_t *)argument;
	static _Thread_local uint8_t data[SLOT_BYTES];
	uint32_t random = thread;

	for (unsigned attempt = 1; attempt <= pick(3000, 30000); attempt++) {
		const uint32_t size = 8 + next_random(&random) % (SLOT_BYTES - 8);
		const video_frame_meta_t meta = {.timestamp_ms = attempt, .width = (uint16_t)thread};
		int result;

		fill_pattern(data, size, pattern_key(attempt, thread));
		result = video_shm_producer_write(&producer, data, size, &meta);
		CHECK(result == 0 || result == 1);
		(void)atomic_fetch_add(result == 0 ? &written : &dropped, 1);
	}
	return NULL;
}

static void read_all(void *unused)
{
	static uint8_t data[SLOT_BYTES];
	uint64_t last[THREADS] = {0};
	const video_shm_consumer_options_t options = {.struct_size = sizeof(options), .name = ring_name};
	video_shm_consumer_t consumer;
	video_frame_meta_t meta;
	int size;

	(void)unused;
	join_ring(&consumer, &options);
	atomic_store(&shared->ready, 1);
	while ((size = video_shm_consumer_receive(&consumer, data, sizeof(data), &meta, 0)) > 0) {
		CHECK(meta.width < THREADS);
		/* Two threads in one slot: bytes or metadata of both. */
		CHECK(has_pattern(data, (uint32_t)size, pattern_key(meta.timestamp_ms, meta.width)));
		CHECK(meta.timestamp_ms > last[meta.width]);
		last[meta.width] = meta.timestamp_ms;
	}
	CHECK_EQ(errno, EPIPE);
	atomic_store(&shared->received, (uint32_t)info_of(&consumer).received);
	atomic_store(&shared->missed, (uint32_t)info_of(&consumer).missed);
	video_shm_consumer_destroy(&consumer);
}

static void written_and_dropped_are_all_attempts_and_all_frames_are_whole(void)
{
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slot_size = SLOT_BYTES, .name = ring_name = fresh_name()};
	video_shm_info_t info = {.struct_size = sizeof(info)};
	const uint32_t numbers[THREADS] = {0, 1, 2, 3};
	pthread_t threads[THREADS];
	pid_t reader;

	shared = share(sizeof(*shared));
	reader = start_child(read_all, NULL);
	CHECK_EQ(video_shm_producer_open(&producer, &options), 0);
	await_least(&shared->ready, 1);
	for (int at = 0; at < THREADS; at++)
		CHECK_EQ(pthread_create(&threads[at], NULL, write_many, (void *)(uintptr_t)&numbers[at]), 0);
	for (int at = 0; at < THREADS; at++)
		CHECK_EQ(pthread_join(threads[at], NULL), 0);
	CHECK_EQ(video_shm_producer_info(&producer, &info), 0);
	CHECK_EQ(info.frames, atomic_load(&written));
	CHECK_EQ(info.dropped_busy, atomic_load(&dropped));
	CHECK_EQ(info.dropped, atomic_load(&dropped));
	CHECK_EQ(info.frames + info.dropped, THREADS * pick(3000, 30000));
	video_shm_producer_destroy(&producer);
	child_succeeds(reader);
	CHECK_EQ(atomic_load(&shared->received) + atomic_load(&shared->missed), atomic_load(&written));
	CHECK(atomic_load(&shared->received) > 100);
}

static void what_one_thread_reserves_no_other_one_gets(void)
{
	const video_frame_meta_t meta = {.is_keyframe = 1};
	video_shm_info_t info = {.struct_size = sizeof(info)};
	uint8_t *slot, *second;
	uint32_t capacity;

	ring_name = fresh_name();
	open_producer(&producer, ring_name);
	CHECK_EQ(video_shm_producer_reserve(&producer, &slot, &capacity), 0);
	CHECK_FAILS(video_shm_producer_reserve(&producer, &second, &capacity), EBUSY);
	CHECK_EQ(write_pattern(&producer, 0, 100, true), 1); /* dropped, and counted */
	CHECK_FAILS(video_shm_producer_commit(&producer, 0, &meta, NULL), EINVAL);
	CHECK_FAILS(video_shm_producer_commit(&producer, capacity + 1, &meta, NULL), EMSGSIZE);
	CHECK_EQ(video_shm_producer_commit(&producer, 100, &meta, NULL), 0);
	CHECK_FAILS(video_shm_producer_commit(&producer, 100, &meta, NULL), EINVAL);
	CHECK_EQ(video_shm_producer_info(&producer, &info), 0);
	CHECK_EQ(info.frames, 1);
	CHECK_EQ(info.dropped_busy, 1);
	video_shm_producer_destroy(&producer);
}

TEST_MAIN(60, TEST(written_and_dropped_are_all_attempts_and_all_frames_are_whole),
		  TEST(what_one_thread_reserves_no_other_one_gets))
