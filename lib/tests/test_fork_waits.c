/* SPDX-License-Identifier: Apache-2.0 */
/* What one thread waits for in the library keeps no other thread of the program from forking. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "frames.h"
#include "processes.h"

#define FRAME_BYTES 100u

static struct {
	_Atomic uint32_t up;
	_Atomic uint32_t forked;
	_Atomic uint32_t over;
	_Atomic uint32_t daemon;
} * shared;

static const char *ring_name;
static video_shm_producer_t producer;
static _Atomic pid_t waiter;
static _Atomic uint32_t returned;

static void begin(void)
{
	if (is_emulated())
		skip_test("QEMU 7.2 forks with its lock of paths held where another thread opens a file, and the "
				  "child hangs in QEMU");
	shared = share(sizeof(*shared));
	ring_name = fresh_name();
	atomic_store(&waiter, 0);
	atomic_store(&returned, 0);
}

/* Starts a thread of this process that sleeps in the library, again and again. */
static pthread_t start_waiter(void *(*call)(void *))
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, call, NULL), 0);
	while (atomic_load(&waiter) == 0)
		sleep_ms(1);
	await_sleep(atomic_load(&waiter));
	return thread;
}

/* It is through before what the other thread waits for has come. */
static void fork_comes_through(void)
{
	const pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(0);
	CHECK_EQ(atomic_load(&returned), 0);
	child_succeeds(pid);
}

/* ---- for the parent's end ---- */

static void *write_as_the_heir(void *unused)
{
	(void)unused;
	atomic_store(&waiter, (pid_t)syscall(SYS_gettid));
	CHECK_EQ(write_pattern(&producer, 1, FRAME_BYTES, true), 0);
	atomic_store(&returned, 1);
	return NULL;
}

static void live_as_a_daemon(void)
{
	pthread_t thread;

	(void)prctl(PR_SET_PDEATHSIG, 0);
	(void)alarm(60); /* whatever becomes of the test */
	CHECK(setsid() > 0);
	atomic_store(&shared->daemon, (uint32_t)getpid());
	thread = start_waiter(write_as_the_heir);
	fork_comes_through();
	atomic_store(&shared->forked, 1);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(write_pattern(&producer, 2, FRAME_BYTES, true), 0);
	video_shm_producer_destroy(&producer);
	atomic_store(&shared->over, 1);
	_exit(0);
}

static void leave_a_daemon(void *unused)
{
	(void)unused;
	open_producer(&producer, ring_name);
	CHECK_EQ(write_pattern(&producer, 0, FRAME_BYTES, true), 0);
	if (fork() == 0)
		live_as_a_daemon();
	await_least(&shared->forked, 1);
	_exit(0);
}

static void a_daemon_forks_while_it_waits_for_its_parents_end(void)
{
	begin();
	adopt_orphans();
	child_succeeds(start_child(leave_a_daemon, NULL));
	await_least(&shared->over, 1);
	kill_orphan((pid_t)atomic_load(&shared->daemon));
}

/* ---- for a ring that somebody else is just taking ---- */

static void write_and_wait_to_be_killed(void *unused)
{
	(void)unused;
	open_producer(&producer, ring_name);
	CHECK_EQ(write_pattern(&producer, 0, FRAME_BYTES, true), 0);
	atomic_store(&shared->up, 1);
	for (;;)
		(void)pause();
}

static void *open_a_claimed_ring(void *unused)
{
	(void)unused;
	atomic_store(&waiter, (pid_t)syscall(SYS_gettid));
	open_producer(&producer, ring_name);
	atomic_store(&returned, 1);
	return NULL;
}

static void a_program_forks_while_it_waits_for_a_claim(void)
{
	pthread_t thread;
	pid_t pid;
	int claim;

	begin();
	pid = start_child(write_and_wait_to_be_killed, NULL);
	await_least(&shared->up, 1);
	kill_child(pid);
	claim = open(shm_path(ring_name), O_RDWR | O_CLOEXEC);
	CHECK(claim >= 0);
	CHECK_EQ(flock(claim, LOCK_EX), 0);
	thread = start_waiter(open_a_claimed_ring);
	fork_comes_through();
	CHECK_EQ(close(claim), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(write_pattern(&producer, 1, FRAME_BYTES, true), 0);
	video_shm_producer_destroy(&producer);
}

TEST_MAIN(30, TEST(a_daemon_forks_while_it_waits_for_its_parents_end),
		  TEST(a_program_forks_while_it_waits_for_a_claim))
