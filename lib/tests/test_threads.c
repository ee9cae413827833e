/* SPDX-License-Identifier: Apache-2.0 */
/* What the public header says about threads: a producer's handle is for all of them, a consumer's for one. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>

#include "check.h"
#include "frames.h"

#define WRITERS 4
#define SIZE 2000

struct shared {
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	const char *name;
	uint32_t frames; /* of each thread */
	_Atomic uint32_t interrupts;
	_Atomic bool over;
};

struct hand {
	struct shared *shared;
	pthread_t thread;
	uint16_t number;
	uint64_t written;
	uint64_t dropped;
};

/* Half of them write, the others reserve and commit; each frame tells whose it is and which one. */
static int put(struct hand *hand, const uint8_t *data, uint32_t count)
{
	video_shm_producer_t *producer = &hand->shared->producer;
	const video_frame_meta_t meta = {.timestamp_ms = count + 1, .width = hand->number, .is_keyframe = 1};
	uint32_t capacity;
	uint8_t *slot;

	if (hand->number % 2 == 0)
		return video_shm_producer_write(producer, data, SIZE, &meta);
	if (video_shm_producer_reserve(producer, &slot, &capacity) != 0) {
		CHECK_EQ(errno, EBUSY);
		return 1;
	}
	memcpy(slot, data, SIZE);
	if (count % 5 == 0) {
		video_shm_producer_abort(producer);
		return 1;
	}
	return video_shm_producer_commit(producer, SIZE, &meta, NULL);
}

static void *write_some(void *argument)
{
	struct hand *hand = argument;
	uint8_t data[SIZE];

	for (uint32_t count = 0; count < hand->shared->frames; count++) {
		fill_pattern(data, SIZE, (uint64_t)hand->number << 32 | count);
		const int result = put(hand, data, count);

		CHECK(result == 0 || result == 1);
		hand->written += result == 0;
		hand->dropped += result == 1;
		if (count % 32 == 0)
			(void)sched_yield();
	}
	return NULL;
}

static void start(struct shared *shared, struct hand hands[WRITERS])
{
	for (uint16_t at = 0; at < WRITERS; at++) {
		hands[at] = (struct hand){.shared = shared, .number = at};
		CHECK_EQ(pthread_create(&hands[at].thread, NULL, write_some, &hands[at]), 0);
	}
}

static uint64_t finish(struct hand hands[WRITERS])
{
	uint64_t written = 0;

	for (int at = 0; at < WRITERS; at++) {
		CHECK_EQ(pthread_join(hands[at].thread, NULL), 0);
		written += hands[at].written;
	}
	return written;
}

/* Takes all there is; a frame mixed from two threads fails by its bytes. */
static void drain(struct shared *shared, uint64_t last[WRITERS], uint64_t *received)
{
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	video_frame_meta_t meta;
	int size;

	while ((size = video_shm_consumer_read(&shared->consumer, data, &meta)) > 0) {
		CHECK(size == SIZE && meta.width < WRITERS);
		CHECK(meta.timestamp_ms > last[meta.width]);
		CHECK(has_pattern(data, SIZE, (uint64_t)meta.width << 32 | (meta.timestamp_ms - 1)));
		last[meta.width] = meta.timestamp_ms;
		++*received;
	}
	CHECK_EQ(size, 0);
}

static void *read_until_over(void *argument)
{
	struct shared *shared = argument;
	uint64_t last[WRITERS] = {0}, received = 0;
	bool over;

	do {
		over = atomic_load(&shared->over);
		drain(shared, last, &received);
		(void)sched_yield();
	} while (!over);
	CHECK_EQ(received, info_of(&shared->consumer).received);
	return NULL;
}

static void threads_that_share_a_producer_never_mix_their_frames(void)
{
	static struct shared shared;
	struct hand hands[WRITERS];
	video_shm_info_t info = {.struct_size = sizeof(info)};
	pthread_t reader;
	uint64_t written;

	shared.name = fresh_name();
	shared.frames = pick(3000, 100000);
	open_producer(&shared.producer, shared.name);
	open_consumer(&shared.consumer, shared.name);
	CHECK_EQ(pthread_create(&reader, NULL, read_until_over, &shared), 0);
	start(&shared, hands);
	written = finish(hands);
	atomic_store(&shared.over, true);
	CHECK_EQ(pthread_join(reader, NULL), 0);
	CHECK_EQ(video_shm_producer_info(&shared.producer, &info), 0);
	CHECK_EQ(info.frames, written);
	info = info_of(&shared.consumer);
	CHECK(info.received > 0);
	CHECK_EQ(info.received + info.missed, written);
	video_shm_producer_destroy(&shared.producer);
	video_shm_consumer_destroy(&shared.consumer);
}

/* The ring is made anew under the hands of the threads that write to it. */
static void threads_go_on_writing_when_the_rings_name_goes(void)
{
	static struct shared shared;
	struct hand hands[WRITERS];
	video_shm_info_t info = {.struct_size = sizeof(info)};
	uint64_t written = 0;

	shared.name = fresh_name();
	shared.frames = 200;
	open_producer(&shared.producer, shared.name);
	CHECK_EQ(shm_unlink(shared.name), 0);
	do {
		start(&shared, hands);
		CHECK_EQ(video_shm_producer_info(&shared.producer, &info), 0);
		written += finish(hands);
		sleep_ms(20);
	} while (info.remade == 0);
	CHECK_EQ(info.remade, 1);
	CHECK(shm_exists(shared.name));
	CHECK_EQ(video_shm_producer_info(&shared.producer, &info), 0);
	CHECK_EQ(info.frames, written);
	video_shm_producer_destroy(&shared.producer);
}

static void *wait_until_over(void *argument)
{
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	struct shared *shared = argument;
	video_frame_meta_t meta;
	uint64_t last = 0;

	while (!atomic_load(&shared->over)) {
		const int size = video_shm_consumer_wait(&shared->consumer, data, &meta, 0);

		if (size > 0) {
			CHECK(has_pattern(data, (uint32_t)size, meta.timestamp_ms));
			CHECK(meta.timestamp_ms > last);
			last = meta.timestamp_ms;
			continue;
		}
		CHECK(size == -1 && (errno == EINTR || errno == EPIPE));
		if (errno == EINTR)
			atomic_fetch_add(&shared->interrupts, 1);
	}
	return NULL;
}

/* A reader that goes over to the next ring just then must neither miss the interrupt nor touch the old ring.
 */
static void a_thread_ends_anothers_wait_whatever_it_is_at(void)
{
	static struct shared shared;
	const char *name = fresh_name();
	const video_shm_consumer_options_t options = {
		.struct_size = sizeof(options), .reconnect = 1, .name = name};
	video_frame_meta_t meta = {.is_keyframe = 1};
	pthread_t reader;
	uint8_t data[64];
	uint64_t frame = 0;

	open_producer(&shared.producer, name);
	CHECK_EQ(video_shm_consumer_open(&shared.consumer, &options), 0);
	CHECK_EQ(pthread_create(&reader, NULL, wait_until_over, &shared), 0);
	for (uint32_t round = 1; round <= pick(60, 600); round++) {
		meta.timestamp_ms = ++frame;
		fill_pattern(data, sizeof(data), frame);
		CHECK_EQ(video_shm_producer_write(&shared.producer, data, sizeof(data), &meta), 0);
		if (round % 20 == 0) { /* the next writer's ring is another object */
			video_shm_producer_destroy(&shared.producer);
			open_producer(&shared.producer, name);
		}
		const uint32_t before = atomic_load(&shared.interrupts);

		video_shm_consumer_interrupt(&shared.consumer);
		while (atomic_load(&shared.interrupts) == before)
			sleep_ms(1); /* the watchdog sees one that is lost */
	}
	atomic_store(&shared.over, true);
	video_shm_consumer_interrupt(&shared.consumer);
	CHECK_EQ(pthread_join(reader, NULL), 0);
	video_shm_consumer_destroy(&shared.consumer);
	video_shm_producer_destroy(&shared.producer);
}

TEST_MAIN(100, TEST(threads_that_share_a_producer_never_mix_their_frames),
		  TEST(threads_go_on_writing_when_the_rings_name_goes),
		  TEST(a_thread_ends_anothers_wait_whatever_it_is_at))
