/* SPDX-License-Identifier: Apache-2.0 */
/* Writers end, die and come back, in place or with another ring; what readers are told, and where they go on.
 */
#include "check.h"
#include "frames.h"
#include "processes.h"

#include <signal.h>
#include <unistd.h>

static struct {
	_Atomic uint32_t up, told;
} * shared;

static const char *ring_name;
static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
static video_frame_meta_t meta;

static int receive(video_shm_consumer_t *consumer, uint32_t timeout_ms)
{
	return video_shm_consumer_receive(consumer, data, sizeof(data), &meta, timeout_ms);
}

static void open_ring(video_shm_producer_t *producer, uint32_t slots)
{
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = slots, .slot_size = 8192, .name = ring_name};

	CHECK_EQ(video_shm_producer_open(producer, &options), 0);
}

static void open_reader(video_shm_consumer_t *consumer, bool reconnect)
{
	const video_shm_consumer_options_t options = {
		.struct_size = sizeof(options), .reconnect = reconnect, .name = ring_name};

	CHECK_EQ(video_shm_consumer_open(consumer, &options), 0);
}

static video_shm_info_t inspect(void)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	CHECK_EQ(video_shm_inspect(ring_name, &info), 0);
	return info;
}

/* A writer in a process of its own, that wrote frames from..to-1 when this returns. */
struct job {
	uint32_t slots;
	uint64_t from, to;
	unsigned delay_ms;
	bool told_to_open;
	bool told_to_end; /* else it stays until it is killed */
};

static void write_and_stay(void *argument)
{
	const struct job *job = argument;
	video_shm_producer_t producer;

	sleep_ms(job->delay_ms);
	await_least(&shared->told, job->told_to_open);
	open_ring(&producer, job->slots);
	for (uint64_t frame = job->from; frame < job->to; frame++)
		CHECK_EQ(write_pattern(&producer, frame, 1000, frame % 5 == 0), 0);
	atomic_store(&shared->up, 1);
	while (!job->told_to_end)
		(void)pause();
	await_least(&shared->told, 1);
	video_shm_producer_destroy(&producer);
}

static pid_t start_writer(struct job job)
{
	atomic_store(&shared->up, 0);
	atomic_store(&shared->told, 0);
	return start_child(write_and_stay, &job);
}

static pid_t run_writer(struct job job)
{
	const pid_t pid = start_writer(job);

	await_least(&shared->up, 1);
	return pid;
}

static void begin(void)
{
	shared = share(sizeof(*shared));
	ring_name = fresh_name();
}

static void takes(video_shm_consumer_t *consumer, uint64_t frame)
{
	CHECK_EQ(receive(consumer, 0), 1000);
	CHECK_EQ(meta.sequence, frame);
	CHECK(has_pattern(data, 1000, frame));
}

/* ---- restarts ---- */

/* Kills a writer after three frames, which two readers have joined. Returns the ring's inode. */
static uint64_t leave_two_readers(video_shm_consumer_t *plain, video_shm_consumer_t *reconnecting)
{
	pid_t writer;

	begin();
	writer = run_writer((struct job){.slots = 8, .from = 0, .to = 3});
	open_reader(plain, false);
	open_reader(reconnecting, true);
	kill_child(writer);
	return inspect().inode;
}

static void a_restart_with_the_same_geometry_is_in_place_and_readers_go_on(void)
{
	video_shm_consumer_t plain, reconnecting;
	video_shm_view_t view = {.struct_size = sizeof(view)};
	const uint64_t inode = leave_two_readers(&plain, &reconnecting);
	pid_t writer;

	CHECK_EQ(inspect().state, VIDEO_SHM_STATE_DEAD);
	CHECK_FAILS(receive(&plain, 0), EOWNERDEAD);
	CHECK_EQ(info_of(&plain).state, VIDEO_SHM_STATE_DEAD);
	CHECK_EQ(receive(&plain, 700), 0); /* once, then it waits for the next writer */
	writer = run_writer((struct job){.slots = 8, .from = 3, .to = 5});
	CHECK_EQ(inspect().inode, inode);
	CHECK_EQ(inspect().epoch, 2);
	CHECK_EQ(inspect().frames, 5);
	CHECK_EQ(video_shm_consumer_acquire(&plain, &view, 0), 1000);
	CHECK_EQ(view.frame, 3);
	CHECK(view.flags & VIDEO_SHM_FLAG_DISCONTINUITY);
	CHECK_EQ(video_shm_consumer_release(&plain, &view), 0);
	CHECK_EQ(video_shm_consumer_acquire(&plain, &view, 0), 1000);
	CHECK_EQ(view.flags & VIDEO_SHM_FLAG_DISCONTINUITY, 0);
	CHECK_EQ(video_shm_consumer_release(&plain, &view), 0);
	takes(&reconnecting, 3); /* it never looked while there was no writer, and is told nothing */
	takes(&reconnecting, 4);
	kill_child(writer);
	CHECK_FAILS(receive(&plain, 0), EOWNERDEAD); /* another death, told once more */
	CHECK_FAILS(receive(&reconnecting, 0), EOWNERDEAD);
	video_shm_consumer_destroy(&plain);
	video_shm_consumer_destroy(&reconnecting);
}

static void a_restart_with_another_geometry_goes_on_at_the_old_count(void)
{
	video_shm_consumer_t plain, reconnecting;
	video_shm_view_t view = {.struct_size = sizeof(view)};
	const uint64_t inode = leave_two_readers(&plain, &reconnecting);
	pid_t writer;

	CHECK_FAILS(receive(&plain, 0), EOWNERDEAD);
	writer = run_writer((struct job){.slots = 9, .from = 3, .to = 5});
	CHECK(inspect().inode != inode);
	CHECK_EQ(inspect().slots, 9);
	CHECK_EQ(inspect().epoch, 2);
	CHECK_EQ(inspect().frames, 5);
	CHECK_FAILS(receive(&plain, 0), EPIPE); /* its ring was closed for good */
	CHECK_EQ(info_of(&plain).state, VIDEO_SHM_STATE_CLOSED);
	CHECK_FAILS(receive(&plain, 0), EPIPE);
	CHECK_FAILS(receive(&reconnecting, 0), EPIPE);
	CHECK_EQ(video_shm_consumer_acquire(&reconnecting, &view, 0), 1000);
	CHECK_EQ(view.frame, 3);
	CHECK_EQ(view.missed_before, 0);
	CHECK(view.flags & VIDEO_SHM_FLAG_DISCONTINUITY);
	CHECK_EQ(video_shm_consumer_release(&reconnecting, &view), 0);
	takes(&reconnecting, 4);
	CHECK_EQ(info_of(&reconnecting).reattached, 1);
	CHECK_EQ(info_of(&reconnecting).span, 2);
	kill_child(writer);
	video_shm_consumer_destroy(&plain);
	video_shm_consumer_destroy(&reconnecting);
}

static void after_a_clean_end_the_next_ring_counts_anew_and_reconnecting_readers_get_all_of_it(void)
{
	video_shm_consumer_t plain, reconnecting;
	pid_t writer;

	begin();
	writer = run_writer((struct job){.slots = 8, .from = 0, .to = 0, .told_to_end = true});
	open_reader(&plain, false);
	open_reader(&reconnecting, true);
	atomic_store(&shared->told, 1);
	child_succeeds(writer);
	CHECK(!shm_exists(ring_name));
	for (int turn = 0; turn < 3; turn++)
		CHECK_FAILS(receive(&plain, 0), EPIPE); /* final */
	CHECK_FAILS(receive(&reconnecting, 0), EPIPE);
	CHECK_EQ(receive(&reconnecting, 150), 0); /* told once; asleep, and back in time */
	CHECK_EQ(receive(&reconnecting, VIDEO_SHM_NO_WAIT), 0);
	/* Within one call: the successor comes while it waits. */
	writer = start_writer((struct job){.slots = 8, .from = 0, .to = 4, .delay_ms = 300});
	for (uint64_t frame = 0; frame < 4; frame++)
		takes(&reconnecting, frame);
	CHECK_EQ(inspect().epoch, 1);
	CHECK_FAILS(receive(&plain, 0), EPIPE);
	kill_child(writer);
	video_shm_consumer_destroy(&plain);
	video_shm_consumer_destroy(&reconnecting);
}

static void the_last_frames_are_handed_out_before_the_end_is_told(void)
{
	video_shm_consumer_t closed, died;
	pid_t writer;

	begin();
	writer = run_writer((struct job){.slots = 8, .from = 0, .to = 0});
	open_reader(&died, false);
	kill_child(writer);
	writer = run_writer((struct job){.slots = 8, .from = 0, .to = 6});
	kill_child(writer);
	sleep_ms(600); /* long enough that a look at the writer alone would tell */
	for (uint64_t frame = 0; frame < 6; frame++)
		takes(&died, frame);
	CHECK_FAILS(receive(&died, 0), EOWNERDEAD);
	video_shm_consumer_destroy(&died);

	writer =
		start_writer((struct job){.slots = 8, .from = 6, .to = 9, .told_to_open = true, .told_to_end = true});
	open_reader(&closed, false);
	atomic_store(&shared->told, 1);
	child_succeeds(writer);
	for (uint64_t frame = 6; frame < 9; frame++)
		takes(&closed, frame);
	CHECK_FAILS(receive(&closed, VIDEO_SHM_NO_WAIT), EPIPE);
	video_shm_consumer_destroy(&closed);
}

static void a_reader_of_a_dead_writer_sleeps_until_its_timeout(void)
{
	video_shm_consumer_t consumer;
	pid_t writer;
	uint64_t begin_ns;

	begin();
	writer = run_writer((struct job){.slots = 8, .from = 0, .to = 1});
	open_reader(&consumer, true);
	kill_child(writer);
	CHECK_FAILS(receive(&consumer, 0), EOWNERDEAD);
	begin_ns = now_ns();
	CHECK_EQ(receive(&consumer, 300), 0);
	CHECK(now_ns() - begin_ns >= 300u * 1000000u); /* back at once, in a loop, it would spin */
	/* And found there by the next writer, in the middle of a call. */
	writer = start_writer((struct job){.slots = 8, .from = 1, .to = 2, .delay_ms = 200});
	takes(&consumer, 1);
	kill_child(writer);
	video_shm_consumer_destroy(&consumer);
}

TEST_MAIN(60, TEST(a_restart_with_the_same_geometry_is_in_place_and_readers_go_on),
		  TEST(a_restart_with_another_geometry_goes_on_at_the_old_count),
		  TEST(after_a_clean_end_the_next_ring_counts_anew_and_reconnecting_readers_get_all_of_it),
		  TEST(the_last_frames_are_handed_out_before_the_end_is_told),
		  TEST(a_reader_of_a_dead_writer_sleeps_until_its_timeout))
