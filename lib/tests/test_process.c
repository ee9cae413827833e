/* SPDX-License-Identifier: Apache-2.0 */
/* process.c: who lives, who is gone, and what can't be told. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "process.h"

static struct process self;

/* /proc/PID/stat has the name in brackets, and a name may hold brackets and blanks. */
static void this_process_knows_itself_whatever_its_name(void)
{
	static const char *const names[] = {"plain", "a b) R 1 2", "))) (((", ") Z 1 1 1", ""};
	uint64_t start = 0;

	for (size_t at = 0; at < sizeof(names) / sizeof(names[0]); at++) {
		CHECK_EQ(prctl(PR_SET_NAME, names[at]), 0);
		process_self(&self);
		CHECK_EQ(self.pid, getpid());
		CHECK(self.start > 0 && self.pid_ns > 0);
		CHECK(start == 0 || self.start == start);
		start = self.start;
		CHECK(!process_gone(&self));
		CHECK(!process_gone_at_a_glance(&self, self.pid_ns));
	}
}

static void sleep_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		(void)pause();
}

/* Sleeps until that is what /proc shows it as. */
static void await_zombie(pid_t pid)
{
	char path[32], text[256];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	for (;;) {
		FILE *const file = fopen(path, "r");

		CHECK(file != NULL);
		while (fgets(text, sizeof(text), file) != NULL && strncmp(text, "State:", 6) != 0) {
		}
		(void)fclose(file);
		if (strchr(text, 'Z') != NULL)
			return;
		(void)usleep(1000);
	}
}

static void end_at_once(void *unused)
{
	(void)unused;
}

/* Starts a child of this process. Returns the child as it would sign a ring. */
static struct process another(void (*work)(void *))
{
	process_self(&self);
	self.pid = (uint32_t)start_child(work, NULL);
	return self;
}

static void a_living_process_is_not_gone_and_a_reaped_one_is(void)
{
	const struct process child = another(sleep_for_ever);

	CHECK(!process_gone(&child) && !process_gone_at_a_glance(&child, child.pid_ns));
	kill_child((pid_t)child.pid);
	CHECK(process_gone(&child) && process_gone_at_a_glance(&child, child.pid_ns));
}

/* Nobody may ever reap it; for the ring it is dead all the same. */
static void a_zombie_is_gone(void)
{
	const struct process child = another(end_at_once);
	siginfo_t info;

	CHECK_EQ(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT), 0);
	CHECK(process_gone(&child));
	CHECK(!process_gone_at_a_glance(&child, child.pid_ns)); /* that is what a glance can't see */
	(void)await_child((pid_t)child.pid);
}

static void *stay(void *unused)
{
	sleep_for_ever(unused);
	return NULL;
}

static void leave_a_thread(void *unused)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, stay, unused), 0);
	pthread_exit(NULL);
}

/* main() may end by pthread_exit(), and be shown as a zombie from then on; the other threads live, and may
 * write. */
static void a_process_whose_first_thread_has_ended_is_not_gone(void)
{
	const struct process child = another(leave_a_thread);

	await_zombie((pid_t)child.pid);
	CHECK(!process_gone(&child));
	kill_child((pid_t)child.pid);
	CHECK(process_gone(&child));
}

/* The kernel gives pids away again: the one of that pid now may be anybody. */
static void a_pid_that_was_given_to_a_later_process_is_gone(void)
{
	process_self(&self);
	CHECK(self.start > 1000);
	self.start -= 1000; /* ten seconds before this one began */
	CHECK(process_gone(&self));
	self.start = 0; /* not known */
	CHECK(!process_gone(&self));
}

/* Emulators and containers round start times; a living writer's ring would be taken from him. */
static void a_start_time_that_is_a_little_off_is_not_another_process(void)
{
	process_self(&self);
	self.start -= 100;
	CHECK(!process_gone(&self));
	self.start += 100000;
	CHECK(!process_gone(&self));
}

/* Nothing can be said of the writer's pid from outside of its pid namespace. */
static void what_can_not_be_told_is_not_gone(void)
{
	struct process child = another(sleep_for_ever);

	kill_child((pid_t)child.pid);
	CHECK(process_gone(&child));
	child.pid_ns++;
	CHECK(!process_gone(&child) && !process_gone_at_a_glance(&child, child.pid_ns - 1));
	child.pid_ns = 0;
	CHECK(!process_gone(&child) && !process_gone_at_a_glance(&child, 0));
}

/* kill(0) and kill(-1) mean others, and pids are what a stranger wrote into his ring. */
static void no_pid_of_a_false_ring_is_taken_for_gone(void)
{
	static const uint32_t pids[] = {0, UINT32_MAX, (uint32_t)INT32_MAX + 1};

	process_self(&self);
	for (size_t at = 0; at < 3; at++) {
		self.pid = pids[at];
		CHECK(!process_gone(&self) && !process_gone_at_a_glance(&self, self.pid_ns));
	}
}

TEST_MAIN(30, TEST(this_process_knows_itself_whatever_its_name),
		  TEST(a_living_process_is_not_gone_and_a_reaped_one_is), TEST(a_zombie_is_gone),
		  TEST(a_process_whose_first_thread_has_ended_is_not_gone),
		  TEST(a_pid_that_was_given_to_a_later_process_is_gone),
		  TEST(a_start_time_that_is_a_little_off_is_not_another_process),
		  TEST(what_can_not_be_told_is_not_gone), TEST(no_pid_of_a_false_ring_is_taken_for_gone))
