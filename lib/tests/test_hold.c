/* SPDX-License-Identifier: Apache-2.0 */
/* How long a writer has its ring's lock: as long as it lives, whatever descriptors its program closes and
 * whatever children it leaves. */
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"
#include "frames.h"
#include "processes.h"
#include "producer.h"

static struct {
	_Atomic uint32_t up;
} * shared;

static const char *ring_name;

static void is_refused(void *unused)
{
	video_shm_producer_t second;

	(void)unused;
	CHECK_FAILS(open_small_producer(&second, ring_name), EBUSY);
}

static video_shm_info_t inspect(void)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	CHECK_EQ(video_shm_inspect(ring_name, &info), 0);
	return info;
}

static bool is_locked(void)
{
	const int fd = open(shm_path(ring_name), O_RDONLY | O_CLOEXEC);
	bool held;

	CHECK(fd >= 0);
	held = segment_is_held(fd);
	(void)close(fd);
	return held;
}

static void write_without_descriptors(void *unused)
{
	video_shm_producer_t producer;

	(void)unused;
	CHECK_EQ(open_small_producer(&producer, ring_name), 0);
	close_descriptors();
	CHECK(is_locked());
	is_refused(NULL);
	child_succeeds(start_child(is_refused, NULL));
	CHECK_EQ(write_pattern(&producer, 0, 100, true), 0);
	CHECK_EQ(inspect().epoch, 1);
	CHECK_EQ(inspect().state, VIDEO_SHM_STATE_LIVE);
	video_shm_producer_destroy(&producer);
	CHECK(!shm_exists(ring_name));
}

static void a_writer_keeps_its_ring_whatever_descriptors_are_closed(void)
{
	ring_name = fresh_name();
	child_succeeds(start_child(write_without_descriptors, NULL));
}

static void remake_without_descriptors(void *unused)
{
	video_shm_producer_t producer;

	(void)unused;
	CHECK_EQ(open_small_producer(&producer, ring_name), 0);
	close_descriptors();
	CHECK_EQ(unlink(shm_path(ring_name)), 0);
	producer_writer(&producer)->next_look_ns = 0;
	CHECK_EQ(write_pattern(&producer, 0, 100, true), 0);
	CHECK_EQ(inspect().remade, 1);
	close_descriptors();
	CHECK(is_locked());
	is_refused(NULL);
	video_shm_producer_destroy(&producer);
}

static void a_ring_that_was_made_anew_is_kept_as_well(void)
{
	ring_name = fresh_name();
	child_succeeds(start_child(remake_without_descriptors, NULL));
}

static void die_in_the_middle(void *unused)
{
	video_shm_producer_t producer;

	(void)unused;
	CHECK_EQ(open_small_producer(&producer, ring_name), 0);
	CHECK_EQ(write_pattern(&producer, 0, 100, true), 0);
	_exit(0);
}

static void take_over_and_lose_descriptors(void *unused)
{
	video_shm_producer_t producer;

	(void)unused;
	CHECK_EQ(open_small_producer(&producer, ring_name), 0);
	CHECK_EQ(inspect().epoch, 2);
	close_descriptors();
	CHECK(is_locked());
	child_succeeds(start_child(is_refused, NULL));
	video_shm_producer_destroy(&producer);
}

static void a_ring_that_was_taken_over_is_kept_as_well(void)
{
	ring_name = fresh_name();
	child_succeeds(start_child(die_in_the_middle, NULL));
	child_succeeds(start_child(take_over_and_lose_descriptors, NULL));
}

/* A child of the system call alone: no handler of fork's has let go of anything there. */
static void fork_bare_and_be_killed(void *unused)
{
	video_shm_producer_t producer;
	long child;

	(void)unused;
	CHECK_EQ(open_small_producer(&producer, ring_name), 0);
	child = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
	CHECK(child >= 0);
	if (child > 0)
		atomic_store(&shared->up, (uint32_t)child);
	for (int left = 600; left > 0; left--)
		sleep_ms(100);
	_exit(0);
}

static void no_child_keeps_the_lock(void)
{
	pid_t writer, child;
	bool was_locked, is_left;

	if (is_emulated())
		skip_test("an emulator lets a child keep it");
	shared = share(sizeof(*shared));
	ring_name = fresh_name();
	adopt_orphans();
	writer = start_child(fork_bare_and_be_killed, NULL);
	await_least(&shared->up, 1);
	child = (pid_t)atomic_load(&shared->up);
	was_locked = is_locked();
	kill_child(writer);
	is_left = is_locked();
	CHECK_EQ(kill(child, 0), 0); /* it did live all the time */
	kill_orphan(child);
	CHECK(was_locked && !is_left);
}

/* A forked child's memory where the lock was mapped in its parent is its own: letting go must not unmap it.
 */
static void fill_every_hole_and_let_go(void *argument)
{
	enum { HOLES = 200 };
	video_shm_producer_t *producer = argument;
	uint8_t *own[HOLES];
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (int at = 0; at < HOLES; at++) {
		own[at] = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(own[at] != MAP_FAILED);
	}
	video_shm_producer_destroy(producer);
	for (int at = 0; at < HOLES; at++)
		own[at][0] = 1;
}

static void a_child_that_lets_go_unmaps_nothing_of_its_own(void)
{
	video_shm_producer_t producer;

	ring_name = fresh_name();
	CHECK_EQ(open_small_producer(&producer, ring_name), 0);
	child_succeeds(start_child(fill_every_hole_and_let_go, &producer));
	CHECK(is_locked());
	video_shm_producer_destroy(&producer);
}

/* Its pid and its start stay; the ring is nobody's. */
static void become_another_program(void *ready)
{
	video_shm_producer_t producer;

	CHECK_EQ(open_small_producer(&producer, ring_name), 0);
	CHECK_EQ(fcntl(*(const int *)ready, F_SETFD, FD_CLOEXEC), 0);
	(void)execlp("sleep", "sleep", "60", (char *)NULL);
	CHECK(false);
}

static void a_process_that_goes_on_as_another_program_does_not_keep_the_ring(void)
{
	video_shm_producer_t second;
	int ready[2];
	char byte;
	pid_t first;

	ring_name = fresh_name();
	CHECK_EQ(pipe(ready), 0);
	first = start_child(become_another_program, &ready[1]);
	CHECK_EQ(close(ready[1]), 0);
	CHECK_EQ(read(ready[0], &byte, 1), 0);
	CHECK_EQ(close(ready[0]), 0);
	while (is_locked()) /* the kernel is about to give up what was mapped */
		sleep_ms(1);
	CHECK_EQ(open_small_producer(&second, ring_name), 0);
	CHECK_EQ(inspect().epoch, 2);
	video_shm_producer_destroy(&second);
	kill_child(first);
}

TEST_MAIN(60, TEST(a_writer_keeps_its_ring_whatever_descriptors_are_closed),
		  TEST(a_ring_that_was_made_anew_is_kept_as_well), TEST(a_ring_that_was_taken_over_is_kept_as_well),
		  TEST(no_child_keeps_the_lock), TEST(a_child_that_lets_go_unmaps_nothing_of_its_own),
		  TEST(a_process_that_goes_on_as_another_program_does_not_keep_the_ring))
