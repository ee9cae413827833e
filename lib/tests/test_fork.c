/* SPDX-License-Identifier: Apache-2.0 */
/* A child made by fork has its parent's handles, and must not do harm with them. */
#include "check.h"
#include "frames.h"
#include "processes.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FRAME_BYTES 5000

static struct {
	_Atomic uint32_t up;
	_Atomic uint32_t child;
	_Atomic uint32_t over;
} * shared;

static const char *ring_name;

/* What the child finds, being a copy of its parent. */
static video_shm_producer_t producer;
static video_shm_consumer_t consumer;
static uint8_t *reserved_slot;
static uint32_t reserved_capacity;

static uint64_t ring_checksum(void)
{
	const int fd = open(shm_path(ring_name), O_RDONLY | O_CLOEXEC);
	uint64_t sum = 0, *words;
	struct stat status;

	CHECK(fd >= 0 && fstat(fd, &status) == 0);
	words = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(words != MAP_FAILED);
	for (size_t at = 0; at < (size_t)status.st_size / sizeof(*words); at++)
		sum = sum * 31 + words[at];
	CHECK_EQ(munmap(words, (size_t)status.st_size), 0);
	CHECK_EQ(close(fd), 0);
	return sum;
}

static void try_everything(void *unused)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};
	const video_frame_meta_t meta = {.is_keyframe = 1};
	uint32_t capacity;
	uint8_t *slot;

	(void)unused;
	CHECK_FAILS(write_pattern(&producer, 0, FRAME_BYTES, true), EOWNERDEAD);
	CHECK_FAILS(video_shm_producer_reserve(&producer, &slot, &capacity), EOWNERDEAD);
	CHECK_FAILS(video_shm_producer_commit(&producer, FRAME_BYTES, &meta, NULL), EOWNERDEAD);
	CHECK_FAILS(video_shm_producer_info(&producer, &info), EOWNERDEAD);
	video_shm_producer_abort(&producer);
	if (reserved_slot != NULL) /* an encoder that does not know that it was forked */
		memset(reserved_slot, 0x55, reserved_capacity);
}

static void drop_it(void *argument)
{
	try_everything(argument);
	video_shm_producer_destroy(&producer);
	CHECK_FAILS(write_pattern(&producer, 0, FRAME_BYTES, true), EBADF);
	video_shm_producer_destroy(&producer);
}

/* The parent's handle works on, and its reader hears of nothing. */
static void parent_is_unharmed(uint64_t frame)
{
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	video_shm_producer_t second;
	video_frame_meta_t meta;

	CHECK(shm_exists(ring_name));
	CHECK_FAILS(
		video_shm_producer_open(
			&second, &(video_shm_producer_options_t){.struct_size = sizeof(video_shm_producer_options_t),
													 .name = ring_name}),
		EBUSY);
	CHECK_EQ(video_shm_consumer_read(&consumer, data, &meta), 0);
	CHECK_EQ(write_pattern(&producer, frame, FRAME_BYTES, true), 0);
	CHECK_EQ(video_shm_consumer_wait(&consumer, data, &meta, 0), FRAME_BYTES);
	CHECK_EQ(meta.sequence, frame);
	CHECK(has_pattern(data, FRAME_BYTES, frame));
	CHECK_EQ(info_of(&consumer).dropped, 0);
}

static void a_child_can_neither_write_nor_close_its_parents_ring(void)
{
	uint64_t before;

	ring_name = fresh_name();
	open_producer(&producer, ring_name);
	open_consumer(&consumer, ring_name);
	parent_is_unharmed(0);
	before = ring_checksum();
	child_succeeds(start_child(try_everything, NULL));
	child_succeeds(start_child(drop_it, NULL));
	CHECK_EQ(ring_checksum(), before);
	parent_is_unharmed(1);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
	CHECK(!shm_exists(ring_name));
}

static void a_child_that_writes_through_a_reserved_pointer_harms_nobody(void)
{
	const video_frame_meta_t meta = {.is_keyframe = 1};
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	video_frame_meta_t got;
	uint64_t before;

	ring_name = fresh_name();
	open_producer(&producer, ring_name);
	open_consumer(&consumer, ring_name);
	CHECK_EQ(video_shm_producer_reserve(&producer, &reserved_slot, &reserved_capacity), 0);
	fill_pattern(reserved_slot, FRAME_BYTES, 0);
	before = ring_checksum();
	child_succeeds(start_child(try_everything, NULL));
	child_succeeds(start_child(drop_it, NULL));
	CHECK_EQ(ring_checksum(), before);
	CHECK_EQ(video_shm_producer_commit(&producer, FRAME_BYTES, &meta, NULL), 0);
	CHECK_EQ(video_shm_consumer_wait(&consumer, data, &got, 0), FRAME_BYTES);
	CHECK(has_pattern(data, FRAME_BYTES, 0));
	parent_is_unharmed(1);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

/* ---- a child that no handler of fork() knows of ---- */

#define STACK_BYTES (256 * 1024)

static int drop_in_a_clone(void *unused)
{
	(void)unused;
	CHECK_FAILS(write_pattern(&producer, 0, FRAME_BYTES, true), EBADF);
	video_shm_producer_destroy(&producer); /* as the end of its program would */
	return 0;
}

/* So sandboxes begin, and programs that start others in namespaces of their own. */
static void a_child_made_by_clone_harms_nobody(void)
{
	uint8_t *stack = malloc(STACK_BYTES);
	uint64_t before;

	if (is_emulated())
		skip_test("an emulator copies all memory into a child");
	CHECK(stack != NULL);
	ring_name = fresh_name();
	open_producer(&producer, ring_name);
	open_consumer(&consumer, ring_name);
	parent_is_unharmed(0);
	before = ring_checksum();
	child_succeeds(clone(drop_in_a_clone, stack + STACK_BYTES, SIGCHLD, NULL));
	CHECK_EQ(ring_checksum(), before);
	child_succeeds(start_child(drop_it, NULL)); /* fork() is told as before */
	child_succeeds(clone(drop_in_a_clone, stack + STACK_BYTES, SIGCHLD, NULL));
	CHECK_EQ(ring_checksum(), before);
	parent_is_unharmed(1);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
	free(stack);
}

/* ---- a child that outlives its parent ---- */

static void sleep_until_killed(void *unused)
{
	(void)unused;
	(void)prctl(PR_SET_PDEATHSIG, 0);
	for (int left = 600; left > 0 && atomic_load(&shared->over) == 0; left--)
		sleep_ms(100);
}

static void write_and_fork(void *unused)
{
	(void)unused;
	open_producer(&producer, ring_name);
	CHECK_EQ(write_pattern(&producer, 0, FRAME_BYTES, true), 0);
	atomic_store(&shared->child, (uint32_t)start_child(sleep_until_killed, NULL));
	sleep_ms(20); /* it has run its fork handler and more */
	atomic_store(&shared->up, 1);
	for (;;)
		(void)pause();
}

static void a_child_that_outlives_its_parent_does_not_keep_the_ring(void)
{
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	video_shm_info_t info = {.struct_size = sizeof(info)};
	video_frame_meta_t meta;
	uint64_t inode;
	pid_t parent;

	shared = share(sizeof(*shared));
	ring_name = fresh_name();
	adopt_orphans();
	parent = start_child(write_and_fork, NULL);
	await_least(&shared->up, 1);
	open_consumer(&consumer, ring_name);
	inode = info_of(&consumer).inode;
	kill_child(parent);
	CHECK_FAILS(video_shm_consumer_wait(&consumer, data, &meta, 0), EOWNERDEAD);
	open_producer(&producer, ring_name);
	CHECK_EQ(kill((pid_t)atomic_load(&shared->child), 0), 0); /* it did live all the time */
	CHECK_EQ(video_shm_producer_info(&producer, &info), 0);
	/* An emulator lets the child keep the lock, and the next writer makes a ring of its own. */
	if (!is_emulated()) {
		CHECK_EQ(info.inode, inode); /* in place: nothing was held */
		parent_is_unharmed(1);
	}
	kill_orphan((pid_t)atomic_load(&shared->child));
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

/* ---- readers' handles ---- */

static void read_on(void *argument)
{
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	const uint32_t frames = *(const uint32_t *)argument;
	video_frame_meta_t meta;

	for (uint32_t frame = 1; frame < frames; frame++) {
		CHECK_EQ(video_shm_consumer_wait(&consumer, data, &meta, 0), FRAME_BYTES);
		CHECK_EQ(meta.sequence, frame);
		CHECK(has_pattern(data, FRAME_BYTES, frame));
	}
	video_shm_consumer_destroy(&consumer);
}

static void a_child_reads_on_with_a_readers_handle_and_each_has_a_place_of_its_own(void)
{
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	uint32_t frames = 20;
	video_frame_meta_t meta;
	pid_t pid;

	ring_name = fresh_name();
	open_producer(&producer, ring_name);
	open_consumer(&consumer, ring_name);
	CHECK_EQ(write_pattern(&producer, 0, FRAME_BYTES, true), 0);
	CHECK_EQ(video_shm_consumer_read(&consumer, data, &meta), FRAME_BYTES);
	pid = start_child(read_on, &frames);
	for (uint32_t frame = 1; frame < frames; frame++) {
		CHECK_EQ(write_pattern(&producer, frame, FRAME_BYTES, true), 0);
		sleep_ms(2);
	}
	child_succeeds(pid);
	read_on(&frames);
	video_shm_producer_destroy(&producer);
}

/* ---- many threads ---- */

static atomic_bool enough;

static void *come_and_go(void *name)
{
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = 4, .slot_size = 4096, .name = name};
	static const video_frame_meta_t meta = {.is_keyframe = 1};
	static const uint8_t data[100];
	video_shm_producer_t own;

	while (!atomic_load(&enough)) {
		CHECK_EQ(video_shm_producer_open(&own, &options), 0);
		for (int frame = 0; frame < 5; frame++)
			CHECK_EQ(video_shm_producer_write(&own, data, sizeof(data), &meta), 0);
		video_shm_producer_destroy(&own);
	}
	return NULL;
}

static void write_to_its_own(void *name)
{
	video_shm_producer_t own;

	CHECK_FAILS(write_pattern(&producer, 0, 100, true), EOWNERDEAD);
	/* A lock that another thread held at the fork would hang this for ever. */
	open_producer(&own, name);
	CHECK_EQ(write_pattern(&own, 0, 100, true), 0);
	video_shm_producer_destroy(&own);
}

static void a_fork_beside_threads_that_open_and_close_rings_neither_hangs_nor_harms(void)
{
	const char *const child_ring = fresh_name();
	const uint64_t long_enough_ns = now_ns() + pick(15, 300) * UINT64_C(1000000000);
	pthread_t threads[3];

	if (is_emulated())
		skip_test("QEMU 7.2 forks with its lock of paths held where another thread opens a file, and the "
				  "child hangs in QEMU");
	ring_name = fresh_name();
	open_producer(&producer, ring_name);
	open_consumer(&consumer, ring_name);
	for (int at = 0; at < 3; at++)
		CHECK_EQ(pthread_create(&threads[at], NULL, come_and_go, (void *)(uintptr_t)fresh_name()), 0);
	/* On a machine that has much else to do, each may take a second. */
	for (unsigned turn = 0; turn < pick(100, 1000) && (turn < 20 || now_ns() < long_enough_ns); turn++)
		child_succeeds(start_child(write_to_its_own, (void *)(uintptr_t)child_ring));
	atomic_store(&enough, true);
	for (int at = 0; at < 3; at++)
		CHECK_EQ(pthread_join(threads[at], NULL), 0);
	parent_is_unharmed(0);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

TEST_MAIN(pick(60, 600), TEST(a_child_can_neither_write_nor_close_its_parents_ring),
		  TEST(a_child_that_writes_through_a_reserved_pointer_harms_nobody),
		  TEST(a_child_made_by_clone_harms_nobody),
		  TEST(a_child_that_outlives_its_parent_does_not_keep_the_ring),
		  TEST(a_child_reads_on_with_a_readers_handle_and_each_has_a_place_of_its_own),
		  TEST(a_fork_beside_threads_that_open_and_close_rings_neither_hangs_nor_harms))
