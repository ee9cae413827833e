/* SPDX-License-Identifier: Apache-2.0 */
/* Writers and readers in namespaces of their own, as containers have: nobody who lives is taken for dead. */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "frames.h"
#include "process.h"
#include "wait.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

static const char *ring_name;
static struct process outside;

/* Shifts the time of this process's children by seconds. Returns whether the kernel lets it. */
static bool shift_times(const char *seconds)
{
	char text[128];
	bool done;
	int fd;

	if (unshare(CLONE_NEWTIME) != 0)
		return false;
	fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	(void)snprintf(text, sizeof(text), "monotonic %s 0\nboottime %s 0", seconds, seconds);
	done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		(void)close(fd);
	return done;
}

static void find_the_writer_alive(void *unused)
{
	const video_shm_producer_options_t options = {.struct_size = sizeof(options), .name = ring_name};
	video_shm_info_t info = {.struct_size = sizeof(info)};
	video_shm_producer_t second;

	(void)unused;
	CHECK(!process_gone(&outside));
	CHECK_FAILS(video_shm_producer_open(&second, &options), EBUSY);
	CHECK_EQ(video_shm_inspect(ring_name, &info), 0);
	CHECK_EQ(info.state, VIDEO_SHM_STATE_LIVE);
}

/* Runs look in a process that was born in another time, and before in one whose children will be. */
static void in_another_time(void (*look)(void *), const char *seconds)
{
	int status;
	const pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		if (!shift_times(seconds))
			_exit(77);
		look(NULL);
		_exit(await_child(start_child(look, NULL)) == 0 ? 0 : 1);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip_test("needs root and a kernel with time namespaces");
	CHECK_EQ(status, 0);
}

static void a_writer_in_another_time_namespace_lives(void)
{
	static const char *const shifts[] = {"1000000", "-1"};
	video_shm_producer_t producer;

	ring_name = fresh_name();
	open_producer(&producer, ring_name);
	process_self(&outside);
	CHECK(outside.start > 0);
	for (size_t at = 0; at < sizeof(shifts) / sizeof(shifts[0]); at++)
		in_another_time(find_the_writer_alive, shifts[at]);
	video_shm_producer_destroy(&producer);
}

/* What it tells of the ring is as this process's own clocks have it. */
static void see_times_of_now(void *unused)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};
	video_shm_view_t view = {.struct_size = sizeof(view)};
	video_shm_slot_t slot = {.struct_size = sizeof(slot)};
	const video_shm_consumer_options_t options = {
		.struct_size = sizeof(options), .name = ring_name, .start = VIDEO_SHM_START_OLDEST};
	video_shm_consumer_t consumer;
	const uint64_t long_ago_ns = now_ns() - 60u * 1000000000u;

	(void)unused;
	CHECK_EQ(video_shm_inspect(ring_name, &info), 0);
	CHECK(info.last_publish_ns > long_ago_ns && info.last_publish_ns <= now_ns());
	CHECK(llabs(info.realtime_offset_ns - ((int64_t)wait_wall_clock() - (int64_t)now_ns())) <
		  60ll * 1000000000);
	CHECK_EQ(video_shm_inspect_slots(ring_name, &slot, 1), 1);
	CHECK(slot.publish_ns > long_ago_ns && slot.capture_ns <= slot.publish_ns);
	CHECK_EQ(video_shm_consumer_open(&consumer, &options), 0);
	CHECK_EQ(video_shm_consumer_acquire(&consumer, &view, 1000), 1);
	CHECK(view.publish_ns > long_ago_ns && view.capture_ns <= view.publish_ns && view.publish_ns <= now_ns());
	CHECK_EQ(video_shm_consumer_release(&consumer, &view), 0);
	info.struct_size = sizeof(info);
	CHECK_EQ(video_shm_consumer_info(&consumer, &info), 0);
	CHECK(info.last_publish_ns > long_ago_ns && info.last_publish_ns <= now_ns());
	video_shm_consumer_destroy(&consumer);
}

static void write_one_frame(video_shm_producer_t *producer)
{
	const video_frame_meta_t meta = {.is_keyframe = 1};

	open_producer(producer, ring_name);
	CHECK_EQ(video_shm_producer_write(producer, (const uint8_t *)"x", 1, &meta), 0);
}

static void the_times_of_a_writer_in_another_time_namespace_are_those_of_the_reader(void)
{
	video_shm_producer_t producer;

	ring_name = fresh_name();
	write_one_frame(&producer);
	see_times_of_now(NULL);
	in_another_time(see_times_of_now, "1000000");
	in_another_time(see_times_of_now, "-1");
	video_shm_producer_destroy(&producer);
}

/* It ends without closing the ring, which stays there to be looked at. */
static void write_and_leave(void *unused)
{
	static video_shm_producer_t producer;

	(void)unused;
	write_one_frame(&producer);
	_exit(0);
}

static void leave_it_to_a_child(void *unused)
{
	(void)unused;
	CHECK_EQ(await_child(start_child(write_and_leave, NULL)), 0);
}

static void the_times_of_a_reader_are_those_of_a_writer_in_another_time_namespace(void)
{
	ring_name = fresh_name();
	in_another_time(leave_it_to_a_child, "1000000");
	see_times_of_now(NULL);
	video_shm_producer_t next; /* takes it over, and so removes it */

	open_producer(&next, ring_name);
	video_shm_producer_destroy(&next);
}

/* Times of start are compared as the machine's own namespace has them: a pid that was given away is still
 * seen. */
static void see_a_later_process(void *unused)
{
	struct process self, earlier = outside;

	(void)unused;
	process_self(&self);
	earlier.start -= 1000;                             /* ten seconds before that process began */
	CHECK_EQ(process_gone(&earlier), self.start != 0); /* 0: a process that can't tell says nothing */
}

static void a_pid_that_was_given_away_is_seen_from_another_time_namespace(void)
{
	process_self(&outside);
	in_another_time(see_a_later_process, "1000000");
	CHECK(process_gone(&(struct process){outside.pid, outside.start - 1000, outside.pid_ns}));
}

TEST_MAIN(60, TEST(the_times_of_a_writer_in_another_time_namespace_are_those_of_the_reader),
		  TEST(the_times_of_a_reader_are_those_of_a_writer_in_another_time_namespace),
		  TEST(a_writer_in_another_time_namespace_lives),
		  TEST(a_pid_that_was_given_away_is_seen_from_another_time_namespace))
