/* SPDX-License-Identifier: Apache-2.0 */
/* Where a reader begins, in a ring that a live process writes; views; not waiting. */
#include "check.h"
#include "frames.h"
#include "processes.h"

#define SLOTS 8
#define FRAME_BYTES 1000

static struct {
	_Atomic uint32_t wanted; /* frames that the writer is to have written */
	_Atomic uint32_t written;
	_Atomic uint32_t keyframe; /* number of the last keyframe; 0: none but frame 0 */
	_Atomic uint32_t over;
} * shared;

static const char *ring_name;
static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
static video_frame_meta_t meta;

static void write_as_wanted(void *unused)
{
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = SLOTS, .slot_size = 8192, .name = ring_name};
	video_shm_producer_t producer;

	(void)unused;
	CHECK_EQ(video_shm_producer_open(&producer, &options), 0);
	while (atomic_load(&shared->over) == 0) {
		const uint32_t frame = atomic_load(&shared->written);

		if (frame == atomic_load(&shared->wanted)) {
			sleep_ms(1);
			continue;
		}
		CHECK_EQ(write_pattern(&producer, frame, FRAME_BYTES, frame == atomic_load(&shared->keyframe)), 0);
		atomic_store(&shared->written, frame + 1);
	}
	video_shm_producer_destroy(&producer);
}

static pid_t begin(void)
{
	shared = share(sizeof(*shared));
	ring_name = fresh_name();
	return start_child(write_as_wanted, NULL);
}

static void written(uint32_t frames)
{
	atomic_store(&shared->wanted, frames);
	await_least(&shared->written, frames);
}

static void end(pid_t writer)
{
	atomic_store(&shared->over, 1);
	child_succeeds(writer);
}

static void join_at(video_shm_consumer_t *consumer, uint32_t start)
{
	join_ring(consumer, &(video_shm_consumer_options_t){.struct_size = sizeof(video_shm_consumer_options_t),
														.start = start,
														.name = ring_name});
}

/* Returns the next frame there, or -1 if there is none. */
static int64_t next_there(video_shm_consumer_t *consumer)
{
	const int size = video_shm_consumer_receive(consumer, data, sizeof(data), &meta, VIDEO_SHM_NO_WAIT);

	if (size == 0)
		return -1;
	CHECK_EQ(size, FRAME_BYTES);
	CHECK(has_pattern(data, FRAME_BYTES, meta.sequence));
	return meta.sequence;
}

static int64_t first_there(uint32_t start)
{
	video_shm_consumer_t consumer;
	int64_t frame;

	join_at(&consumer, start);
	frame = next_there(&consumer);
	video_shm_consumer_destroy(&consumer);
	return frame;
}

static void a_reader_begins_where_it_says(void)
{
	const pid_t writer = begin();

	for (uint32_t start = VIDEO_SHM_START_NEXT; start <= VIDEO_SHM_START_KEYFRAME; start++)
		CHECK_EQ(first_there(start), -1);
	atomic_store(&shared->keyframe, 3);
	written(6);
	CHECK_EQ(first_there(VIDEO_SHM_START_NEXT), -1);
	CHECK_EQ(first_there(VIDEO_SHM_START_NEWEST), 5);
	CHECK_EQ(first_there(VIDEO_SHM_START_OLDEST), 0);
	CHECK_EQ(first_there(VIDEO_SHM_START_KEYFRAME), 3);
	written(20); /* 12 to 19 are there, as long as nobody writes */
	CHECK_EQ(first_there(VIDEO_SHM_START_NEXT), -1);
	CHECK_EQ(first_there(VIDEO_SHM_START_NEWEST), 19);
	CHECK_EQ(first_there(VIDEO_SHM_START_OLDEST), 12);
	CHECK_EQ(first_there(VIDEO_SHM_START_KEYFRAME), -1);
	end(writer);
}

static void a_reader_that_waits_for_a_keyframe_begins_with_it(void)
{
	const pid_t writer = begin();
	video_shm_consumer_t consumer;

	atomic_store(&shared->keyframe, 25);
	written(20);
	join_at(&consumer, VIDEO_SHM_START_KEYFRAME);
	written(24);
	CHECK_EQ(next_there(&consumer), -1);
	written(28);
	for (int64_t frame = 25; frame < 28; frame++)
		CHECK_EQ(next_there(&consumer), frame);
	CHECK_EQ(next_there(&consumer), -1);
	CHECK_EQ(info_of(&consumer).received, 3);
	CHECK_EQ(info_of(&consumer).skipped, 5);
	CHECK_EQ(info_of(&consumer).missed, 0);
	end(writer);
	video_shm_consumer_destroy(&consumer);
}

static void not_waiting_means_not_waiting(void)
{
	const pid_t writer = begin();
	video_shm_view_t view = {.struct_size = sizeof(view)};
	video_shm_consumer_t consumer;

	join_at(&consumer, VIDEO_SHM_START_NEXT);
	/* The watchdog catches one that takes it for a timeout of 49 days. */
	CHECK_EQ(video_shm_consumer_wait(&consumer, data, &meta, VIDEO_SHM_NO_WAIT), 0);
	CHECK_EQ(video_shm_consumer_read(&consumer, data, &meta), 0);
	CHECK_EQ(video_shm_consumer_acquire(&consumer, &view, VIDEO_SHM_NO_WAIT), 0);
	CHECK_FAILS(video_shm_consumer_release(&consumer, &view), EINVAL); /* there is none out */
	written(2);
	CHECK_EQ(video_shm_consumer_read(&consumer, data, &meta), FRAME_BYTES);
	CHECK_EQ(video_shm_consumer_acquire(&consumer, &view, VIDEO_SHM_NO_WAIT), FRAME_BYTES);
	CHECK_EQ(view.frame, 1);
	CHECK_EQ(video_shm_consumer_release(&consumer, &view), 0);
	end(writer);
	video_shm_consumer_destroy(&consumer);
}

static void one_view_at_a_time(void)
{
	const pid_t writer = begin();
	video_shm_view_t view = {.struct_size = sizeof(view)}, second = view, forged;
	video_shm_consumer_t consumer;

	join_at(&consumer, VIDEO_SHM_START_NEXT);
	written(3);
	CHECK_EQ(video_shm_consumer_acquire(&consumer, &view, 0), FRAME_BYTES);
	CHECK(has_pattern(view.data, FRAME_BYTES, 0));
	CHECK_FAILS(video_shm_consumer_acquire(&consumer, &second, VIDEO_SHM_NO_WAIT), EBUSY);
	CHECK_FAILS(video_shm_consumer_read(&consumer, data, &meta), EBUSY);
	CHECK_FAILS(video_shm_consumer_wait(&consumer, data, &meta, 0), EBUSY);
	CHECK_EQ(info_of(&consumer).received, 0); /* figures may be asked for meanwhile */
	CHECK_EQ(video_shm_consumer_stats(&consumer, NULL, NULL, NULL), 0);
	forged = view;
	forged.frame++;
	CHECK_FAILS(video_shm_consumer_release(&consumer, &forged), EINVAL);
	CHECK_FAILS(video_shm_consumer_release(&consumer, NULL), EINVAL);
	CHECK_EQ(video_shm_consumer_release(&consumer, &view), 0);
	CHECK_FAILS(video_shm_consumer_release(&consumer, &view), EINVAL);
	CHECK_EQ(next_there(&consumer), 1);
	CHECK_EQ(video_shm_consumer_acquire(&consumer, &view, 0), FRAME_BYTES);
	CHECK_EQ(view.frame, 2);
	written(3 + SLOTS); /* over the view */
	CHECK_EQ(video_shm_consumer_release(&consumer, &view), 1);
	CHECK_EQ(info_of(&consumer).missed, 1);
	CHECK_EQ(info_of(&consumer).received, 2);
	end(writer);
	video_shm_consumer_destroy(&consumer);
}

TEST_MAIN(60, TEST(a_reader_begins_where_it_says), TEST(a_reader_that_waits_for_a_keyframe_begins_with_it),
		  TEST(not_waiting_means_not_waiting), TEST(one_view_at_a_time))
