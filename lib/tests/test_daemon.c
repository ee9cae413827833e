/* SPDX-License-Identifier: Apache-2.0 */
/* A program that opens its writer and then makes itself a daemon: the process that opened it ends. */
#include "check.h"
#include "frames.h"
#include "processes.h"

#include <sys/prctl.h>
#include <unistd.h>

#define FRAME_BYTES 5000
#define BEFORE 3 /* frames that the parent writes */
#define AFTER 40 /* and the daemon: more than the ring has slots */

static struct {
	_Atomic uint32_t up;
	_Atomic uint32_t heirs;
	_Atomic uint32_t refused;
	_Atomic uint32_t daemon;
	_Atomic uint32_t seen;
	_Atomic uint32_t go;
	_Atomic uint32_t over;
} * shared;

static const char *ring_name;
static video_shm_producer_t producer;
static video_shm_consumer_t consumer;

static void begin(void)
{
	shared = share(sizeof(*shared));
	ring_name = fresh_name();
	adopt_orphans();
}

/* Lets a child outlive its parent. It ends after some time, whatever becomes of the test. */
static void live_on(void)
{
	(void)prctl(PR_SET_PDEATHSIG, 0);
	(void)alarm(60);
}

/* Forks as daemon() does; the caller goes on as the daemon. */
static void become_a_daemon(unsigned parent_ends_after_ms)
{
	if (fork() > 0) {
		sleep_ms(parent_ends_after_ms);
		_exit(0);
	}
	live_on();
	CHECK(setsid() > 0);
	atomic_store(&shared->daemon, (uint32_t)getpid());
}

static void open_and_write(void)
{
	open_producer(&producer, ring_name);
	for (uint32_t frame = 0; frame < BEFORE; frame++)
		CHECK_EQ(write_pattern(&producer, frame, FRAME_BYTES, frame == 0), 0);
}

static void wait_for_the_end(void)
{
	atomic_fetch_add(&shared->up, 1);
	await_least(&shared->over, 1);
}

/* What the test's process does while the daemon lives, and then has it end. */
static void expect_frames(uint32_t from, uint32_t to)
{
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	video_frame_meta_t meta;

	for (uint32_t frame = from; frame < to; frame++) {
		int size;

		do /* the writer's death may have been seen before the daemon was there */
			size = video_shm_consumer_wait(&consumer, data, &meta, 0);
		while (size < 0 && (errno == EOWNERDEAD || errno == EPIPE));
		CHECK_EQ(size, FRAME_BYTES);
		CHECK_EQ(meta.sequence, frame);
		CHECK(has_pattern(data, FRAME_BYTES, frame));
	}
}

/* The library waits a second for a parent that ends; an emulator on a busy machine may take longer. */
static int write_beside_its_end(uint32_t frame)
{
	int result;

	while ((result = write_pattern(&producer, frame, FRAME_BYTES, true)) < 0 && errno == EOWNERDEAD &&
		   is_emulated())
		sleep_ms(1);
	return result;
}

static void write_as_a_daemon(void *parent_ends_after_ms)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	open_and_write();
	atomic_store(&shared->up, 1);
	await_least(&shared->go, 1);
	become_a_daemon(*(const unsigned *)parent_ends_after_ms);
	/* At once, and each succeeds. */
	for (uint32_t frame = BEFORE; frame < BEFORE + AFTER; frame++) {
		CHECK_EQ(write_beside_its_end(frame), 0);
		await_least(&shared->seen, frame - BEFORE); /* no faster than the reader */
	}
	CHECK_EQ(video_shm_producer_info(&producer, &info), 0);
	CHECK_EQ(info.frames, BEFORE + AFTER);
	CHECK_EQ(info.writer_pid, (uint32_t)getpid());
	CHECK_EQ(info.dropped, 0);
	wait_for_the_end();
	video_shm_producer_destroy(&producer);
	CHECK(!shm_exists(ring_name));
	atomic_store(&shared->over, 2);
}

static void join(const char *name)
{
	const video_shm_consumer_options_t options = {
		.struct_size = sizeof(options), .start = VIDEO_SHM_START_OLDEST, .reconnect = 1, .name = name};

	join_ring(&consumer, &options);
}

static void run_a_daemon(unsigned parent_ends_after_ms)
{
	video_shm_producer_t second;
	video_shm_info_t info;
	uint64_t inode;
	pid_t parent;

	begin();
	parent = start_child(write_as_a_daemon, &parent_ends_after_ms);
	await_least(&shared->up, 1);
	join(ring_name);
	inode = info_of(&consumer).inode;
	atomic_store(&shared->go, 1);
	child_succeeds(parent);
	for (uint32_t frame = 0; frame < BEFORE + AFTER; frame++) {
		expect_frames(frame, frame + 1);
		if (frame >= BEFORE)
			atomic_store(&shared->seen, frame - BEFORE + 1);
	}
	await_least(&shared->up, 2);
	info = info_of(&consumer);
	CHECK_EQ(info.received, BEFORE + AFTER);
	CHECK_EQ(info.missed + info.skipped, 0);
	CHECK_EQ(info.span, BEFORE + AFTER);
	CHECK_EQ(info.epoch, 2);
	if (!is_emulated()) /* there a child keeps its parent's lock, and makes a ring of its own */
		CHECK_EQ(info.inode, inode);
	CHECK_FAILS(
		video_shm_producer_open(
			&second, &(video_shm_producer_options_t){.struct_size = sizeof(video_shm_producer_options_t),
													 .name = ring_name}),
		EBUSY);
	atomic_store(&shared->over, 1);
	await_least(&shared->over, 2);
	kill_orphan((pid_t)atomic_load(&shared->daemon));
	video_shm_consumer_destroy(&consumer);
}

static void a_daemon_writes_on_with_the_handle_of_its_parent(void)
{
	run_a_daemon(0);
}

static void a_daemon_is_faster_than_its_parent_ends(void)
{
	run_a_daemon(50);
}

/* ---- two children of one that ends ---- */

static void inherit_or_not(void)
{
	live_on();
	await_least(&shared->go, 1);
	if (write_pattern(&producer, BEFORE, FRAME_BYTES, true) == 0) {
		CHECK_EQ(atomic_fetch_add(&shared->heirs, 1), 0);
	} else {
		CHECK_EQ(errno, EOWNERDEAD);
		atomic_fetch_add(&shared->refused, 1);
	}
	wait_for_the_end();
	_exit(0);
}

static void leave_two(void *unused)
{
	(void)unused;
	open_and_write();
	for (int child = 0; child < 2; child++)
		if (fork() == 0)
			inherit_or_not();
}

static void one_of_two_children_inherits(void)
{
	begin();
	child_succeeds(start_child(leave_two, NULL));
	atomic_store(&shared->go, 1);
	await_least(&shared->up, 2);
	CHECK_EQ(atomic_load(&shared->heirs), 1);
	CHECK_EQ(atomic_load(&shared->refused), 1);
	join(ring_name);
	expect_frames(is_emulated() ? BEFORE : 0, BEFORE + 1); /* there it is a ring of its own */
	video_shm_consumer_destroy(&consumer);
	atomic_store(&shared->over, 1);
}

/* ---- somebody else has the ring by then, or its name ---- */

static void come_late(void *unused)
{
	(void)unused;
	open_and_write();
	if (fork() > 0)
		return;
	live_on();
	await_least(&shared->go, 1);
	for (int attempt = 0; attempt < 2; attempt++)
		CHECK_FAILS(write_pattern(&producer, BEFORE, FRAME_BYTES, true), EOWNERDEAD);
	atomic_store(&shared->refused, 1);
	video_shm_producer_destroy(&producer);
	wait_for_the_end();
	_exit(0);
}

static void a_ring_that_another_one_has_is_not_inherited(void)
{
	video_shm_producer_t next;

	begin();
	child_succeeds(start_child(come_late, NULL));
	open_producer(&next, ring_name);
	atomic_store(&shared->go, 1);
	await_least(&shared->up, 1);
	CHECK_EQ(atomic_load(&shared->refused), 1);
	join(ring_name);
	if (!is_emulated()) /* there it is a ring of its own: the child keeps the lock of this one */
		expect_frames(0, BEFORE);
	CHECK_EQ(info_of(&consumer).state, VIDEO_SHM_STATE_LIVE);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&next);
	atomic_store(&shared->over, 1);
}

static void close_and_leave_one(void *unused)
{
	come_late(unused);
	video_shm_producer_destroy(&producer);
}

static void a_ring_that_was_closed_is_not_made_anew(void)
{
	begin();
	child_succeeds(start_child(close_and_leave_one, NULL));
	CHECK(!shm_exists(ring_name));
	atomic_store(&shared->go, 1);
	await_least(&shared->up, 1);
	CHECK_EQ(atomic_load(&shared->refused), 1);
	CHECK(!shm_exists(ring_name));
	atomic_store(&shared->over, 1);
}

/* ---- a slot that was reserved by the parent ---- */

static void commit_what_the_parent_reserved(void *unused)
{
	const video_frame_meta_t meta = {.is_keyframe = 1};
	uint32_t capacity;
	uint8_t *slot, *own;

	(void)unused;
	open_and_write();
	CHECK_EQ(video_shm_producer_reserve(&producer, &slot, &capacity), 0);
	become_a_daemon(0);
	CHECK_FAILS(video_shm_producer_commit(&producer, FRAME_BYTES, &meta, NULL), EINVAL);
	memset(slot, 0x55, capacity); /* an encoder that has not heard of it */
	CHECK_EQ(video_shm_producer_reserve(&producer, &own, &capacity), 0);
	memset(slot, 0x55, capacity);
	fill_pattern(own, FRAME_BYTES, BEFORE);
	memset(slot, 0x55, capacity);
	CHECK_EQ(video_shm_producer_commit(&producer, FRAME_BYTES, &meta, NULL), 0);
	wait_for_the_end();
	_exit(0);
}

static void a_slot_that_the_parent_reserved_is_given_back(void)
{
	begin();
	child_succeeds(start_child(commit_what_the_parent_reserved, NULL));
	await_least(&shared->up, 1);
	join(ring_name);
	expect_frames(is_emulated() ? BEFORE : 0, BEFORE + 1); /* there it is a ring of its own */
	video_shm_consumer_destroy(&consumer);
	atomic_store(&shared->over, 1);
	kill_orphan((pid_t)atomic_load(&shared->daemon));
}

TEST_MAIN(pick(60, 60), TEST(a_daemon_writes_on_with_the_handle_of_its_parent),
		  TEST(a_daemon_is_faster_than_its_parent_ends), TEST(one_of_two_children_inherits),
		  TEST(a_ring_that_another_one_has_is_not_inherited), TEST(a_ring_that_was_closed_is_not_made_anew),
		  TEST(a_slot_that_the_parent_reserved_is_given_back))
