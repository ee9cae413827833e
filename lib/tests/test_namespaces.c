/* SPDX-License-Identifier: Apache-2.0 */
/* Writers and readers in namespaces of their own, as containers have: nobody who lives is taken for dead. */
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "frames.h"
#include "process.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

static const char *ring_name;
static struct process outside;

/* Whether the kernel lets the children of this process live in another time, by so many seconds since boot.
 */
static bool shift_boot_time(const char *seconds)
{
	char text[64];
	bool done;
	int fd;

	if (unshare(CLONE_NEWTIME) != 0)
		return false;
	fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	(void)snprintf(text, sizeof(text), "boottime %s 0", seconds);
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
		if (!shift_boot_time(seconds))
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

TEST_MAIN(60, TEST(a_writer_in_another_time_namespace_lives),
		  TEST(a_pid_that_was_given_away_is_seen_from_another_time_namespace))
