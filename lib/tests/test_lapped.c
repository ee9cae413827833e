/* SPDX-License-Identifier: Apache-2.0 */
/* Readers that are overtaken exactly where it hurts. */
#include "check.h"
#include "faults.h"
#include "frames.h"
#include "processes.h"

#include <signal.h>
#include <sys/wait.h>

#define SLOTS 8
#define SLOT_BYTES (64 * 1024)

static struct {
	_Atomic uint32_t ready;
} * shared;

static const char *ring_name;

static void open_small(video_shm_producer_t *producer)
{
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = SLOTS, .slot_size = SLOT_BYTES, .name = ring_name};

	CHECK_EQ(video_shm_producer_open(producer, &options), 0);
}

static void stop_here(void)
{
	(void)raise(SIGSTOP);
}

static void await_stop(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
}

static void receive_through_a_fault(void *unused)
{
	const video_shm_consumer_options_t options = {.struct_size = sizeof(options), .name = ring_name};
	uint8_t *data = share(SLOT_BYTES);
	video_shm_consumer_t consumer;
	video_frame_meta_t meta;

	(void)unused;
	join_ring(&consumer, &options);
	atomic_store(&shared->ready, 1);
	fault_once(data + SLOT_BYTES / 2, stop_here);
	CHECK_EQ(video_shm_consumer_receive(&consumer, data, SLOT_BYTES, &meta, 0), SLOT_BYTES);
	CHECK(meta.sequence > 0); /* frame 0 was half copied when it was overwritten */
	CHECK(has_pattern(data, meta.size, meta.sequence));
	CHECK_EQ(info_of(&consumer).missed, meta.sequence);
	CHECK_EQ(info_of(&consumer).received, 1);
	video_shm_consumer_destroy(&consumer);
}

static void hold_a_view_while_stopped(void *unused)
{
	const video_shm_consumer_options_t options = {.struct_size = sizeof(options), .name = ring_name};
	video_shm_view_t view = {.struct_size = sizeof(view)};
	video_shm_consumer_t consumer;

	(void)unused;
	join_ring(&consumer, &options);
	atomic_store(&shared->ready, 1);
	CHECK_EQ(video_shm_consumer_acquire(&consumer, &view, 0), SLOT_BYTES);
	CHECK_EQ(view.frame, 0);
	CHECK(has_pattern(view.data, view.meta.size, 0));
	stop_here();
	CHECK_EQ(video_shm_consumer_release(&consumer, &view), 1); /* the bytes are another frame's by now */
	CHECK_EQ(info_of(&consumer).missed, 1);
	CHECK_EQ(info_of(&consumer).received, 0);
	CHECK_EQ(video_shm_consumer_acquire(&consumer, &view, 0), SLOT_BYTES);
	CHECK(view.missed_before >= view.frame);
	CHECK_EQ(video_shm_consumer_release(&consumer, &view), 0);
	video_shm_consumer_destroy(&consumer);
}

/* The reader stops itself in the middle of frame 0, and the writer goes round the ring meanwhile. */
static void lap_a_reader(void (*reader)(void *))
{
	video_shm_producer_t producer;
	pid_t pid;

	shared = share(sizeof(*shared));
	ring_name = fresh_name();
	pid = start_child(reader, NULL);
	open_small(&producer);
	await_least(&shared->ready, 1);
	CHECK_EQ(write_pattern(&producer, 0, SLOT_BYTES, false), 0);
	await_stop(pid);
	for (uint32_t frame = 1; frame <= SLOTS; frame++)
		CHECK_EQ(write_pattern(&producer, frame, SLOT_BYTES, false), 0);
	CHECK_EQ(kill(pid, SIGCONT), 0);
	child_succeeds(pid);
	video_shm_producer_destroy(&producer);
}

static void a_frame_overwritten_in_the_middle_of_its_copy_is_not_handed_out(void)
{
	lap_a_reader(receive_through_a_fault);
}

static void a_view_overwritten_while_it_is_out_is_told_at_release(void)
{
	lap_a_reader(hold_a_view_while_stopped);
}

/* ---- which of the lost frames were keyframes ---- */

static void open_keyframe_pair(video_shm_producer_t *producer, video_shm_consumer_t *consumer)
{
	const video_shm_consumer_options_t options = {
		.struct_size = sizeof(options), .policy = VIDEO_SHM_POLICY_KEYFRAMES, .name = fresh_name()};

	ring_name = options.name;
	open_small(producer);
	CHECK_EQ(video_shm_consumer_open(consumer, &options), 0);
}

/* Every tenth frame is a keyframe, the first being number 5. */
static void write_on(video_shm_producer_t *producer, uint64_t from, uint64_t to)
{
	for (uint64_t frame = from; frame < to; frame++)
		CHECK_EQ(write_pattern(producer, frame, 1000, frame % 10 == 5), 0);
}

static void a_keyframe_reader_lapped_before_its_first_frame_tells_lost_keyframes_from_others(void)
{
	static uint8_t data[SLOT_BYTES];
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	video_frame_meta_t meta;

	open_keyframe_pair(&producer, &consumer);
	write_on(&producer, 0, 28); /* keyframes 5, 15 and 25; the ring holds 20 to 27 */
	CHECK_EQ(video_shm_consumer_receive(&consumer, data, sizeof(data), &meta, VIDEO_SHM_NO_WAIT), 1000);
	CHECK_EQ(meta.sequence, 25);
	CHECK_EQ(info_of(&consumer).missed, 2);
	CHECK_EQ(info_of(&consumer).skipped, 23);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

static void a_keyframe_lost_before_one_that_found_no_room_is_counted_once(void)
{
	static uint8_t data[SLOT_BYTES];
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	video_frame_meta_t meta;

	open_keyframe_pair(&producer, &consumer);
	write_on(&producer, 0, 6);
	CHECK_EQ(video_shm_consumer_receive(&consumer, data, sizeof(data), &meta, VIDEO_SHM_NO_WAIT), 1000);
	write_on(&producer, 6, 33); /* 15 is lost, 25 is the oldest there */
	CHECK_FAILS(video_shm_consumer_receive(&consumer, data, 10, &meta, VIDEO_SHM_NO_WAIT), EMSGSIZE);
	CHECK_EQ(meta.sequence, 25);
	write_on(&producer, 33, 48); /* 25 and 35 are lost too, 45 is there */
	CHECK_EQ(video_shm_consumer_receive(&consumer, data, sizeof(data), &meta, VIDEO_SHM_NO_WAIT), 1000);
	CHECK_EQ(meta.sequence, 45);
	CHECK_EQ(info_of(&consumer).received, 2);
	CHECK_EQ(info_of(&consumer).missed, 3);
	CHECK_EQ(info_of(&consumer).skipped, 41);
	CHECK_EQ(info_of(&consumer).span, 46);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

TEST_MAIN(60, TEST(a_frame_overwritten_in_the_middle_of_its_copy_is_not_handed_out),
		  TEST(a_view_overwritten_while_it_is_out_is_told_at_release),
		  TEST(a_keyframe_reader_lapped_before_its_first_frame_tells_lost_keyframes_from_others),
		  TEST(a_keyframe_lost_before_one_that_found_no_room_is_counted_once))
