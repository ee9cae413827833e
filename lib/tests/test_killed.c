/* SPDX-License-Identifier: Apache-2.0 */
/* Writers killed at random points under full load: readers know, the next writer goes on, nothing is torn. */
#include "processes.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define READERS 4
#define SLOTS 8
#define SLOT_BYTES (64 * 1024)
#define KNOWS_WITHIN_NS 1000000000u
#define GIVE_UP_NS 20000000000u

enum variant { PLAIN, RESERVED, FORKED, CLONED, READ_LOCKED };

static struct {
	_Atomic uint32_t joined;
	_Atomic uint32_t up;       /* the writer has written a frame */
	_Atomic uint32_t reserved; /* it has a reservation out, half filled */
	_Atomic uint32_t child;    /* pid of the writer's own child; 0: none */
	_Atomic uint32_t locked;   /* the read lock was had */
	_Atomic uint32_t over;
	_Atomic uint64_t begun; /* frames whose write began, and returned, by the writers' own count */
	_Atomic uint64_t done;
	_Atomic uint32_t epoch;
	_Atomic uint64_t known_ns[READERS]; /* when a reader was last told of a death */
	_Atomic uint32_t received[READERS];
} * shared;

static const char *ring_name;
static int lifeline[2]; /* its other end closes when the test ends, however that comes */

/* ---- readers ---- */

struct reading {
	size_t index;
	video_shm_consumer_t consumer;
	uint64_t next;
	bool told; /* of a death: what comes next does not follow */
};

static void enter_frame(struct reading *reading, const uint8_t *data, const video_frame_meta_t *meta)
{
	CHECK(is_salted(data, meta));           /* torn, or of two writers */
	CHECK(meta->sequence >= reading->next); /* twice, or out of order */
	CHECK(meta->sequence < atomic_load(&shared->begun));
	reading->next = (uint64_t)meta->sequence + 1;
	(void)atomic_fetch_add(&shared->received[reading->index], 1);
}

static int acquire_one(struct reading *reading)
{
	static uint8_t scratch[SLOT_BYTES];
	video_shm_view_t view = {.struct_size = sizeof(view)};
	const int size = video_shm_consumer_acquire(&reading->consumer, &view, 0);

	if (size <= 0)
		return size;
	CHECK(view.meta.size <= SLOT_BYTES);
	memcpy(scratch, view.data, view.meta.size);
	if (video_shm_consumer_release(&reading->consumer, &view) != 0)
		return size;
	if (reading->told)
		CHECK(view.flags & VIDEO_SHM_FLAG_DISCONTINUITY);
	reading->told = false;
	enter_frame(reading, scratch, &view.meta);
	return size;
}

static int receive_one(struct reading *reading)
{
	static uint8_t data[SLOT_BYTES];
	video_frame_meta_t meta;
	const int size = video_shm_consumer_receive(&reading->consumer, data, sizeof(data), &meta, 0);

	if (size > 0)
		enter_frame(reading, data, &meta);
	return size;
}

static void read_on(void *argument)
{
	struct reading reading = {.index = *(const size_t *)argument};
	const video_shm_consumer_options_t options = {
		.struct_size = sizeof(options),
		.policy = (uint32_t[]){VIDEO_SHM_POLICY_EVERY, VIDEO_SHM_POLICY_EVERY, VIDEO_SHM_POLICY_NEWEST,
							   VIDEO_SHM_POLICY_KEYFRAMES}[reading.index],
		.reconnect = 1,
		.name = ring_name,
	};

	join(&reading.consumer, &options);
	(void)atomic_fetch_add(&shared->joined, 1);
	for (;;) {
		const int size = reading.index == 1 ? acquire_one(&reading) : receive_one(&reading);

		if (size > 0)
			continue;
		CHECK_EQ(size, -1);
		if (errno == EPIPE && atomic_load(&shared->over) != 0)
			break;
		CHECK(errno == EOWNERDEAD || errno == EPIPE); /* EPIPE: replaced, because of the read lock */
		reading.told = true;
		if (errno == EOWNERDEAD)
			atomic_store(&shared->known_ns[reading.index], now_ns());
	}
	CHECK_EQ(info_of(&reading.consumer).span, info_of(&reading.consumer).received +
												  info_of(&reading.consumer).missed +
												  info_of(&reading.consumer).skipped);
	video_shm_consumer_destroy(&reading.consumer);
}

/* ---- writers ---- */

/* A child of the writer's that outlives it. Nothing but system calls: after a raw clone libc knows nothing.
 */
static void leave_a_child_behind(enum variant variant)
{
	char byte;
	const pid_t pid = variant == FORKED ? fork() : (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	CHECK(pid >= 0);
	if (pid > 0) {
		atomic_store(&shared->child, (uint32_t)pid);
		return;
	}
	(void)close(lifeline[1]);
	(void)!read(lifeline[0], &byte, 1);
	_exit(0);
}

static void begin_frame(uint64_t frame)
{
	atomic_store(&shared->begun, frame + 1);
}

static void write_hard(void *argument)
{
	const enum variant variant = *(const enum variant *)argument;
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = SLOTS, .slot_size = SLOT_BYTES, .name = ring_name};
	video_shm_info_t info = {.struct_size = sizeof(info)};
	video_shm_producer_t producer;
	uint32_t random = (uint32_t)getpid(), capacity;
	uint8_t *data;

	CHECK_EQ(video_shm_producer_open(&producer, &options), 0);
	CHECK_EQ(video_shm_producer_info(&producer, &info), 0);
	/* Numbering goes on where the one before was killed. */
	CHECK(info.frames >= atomic_load(&shared->done) && info.frames <= atomic_load(&shared->begun));
	CHECK(info.epoch > atomic_load(&shared->epoch));
	atomic_store(&shared->epoch, info.epoch);
	if (variant == FORKED || variant == CLONED)
		leave_a_child_behind(variant);
	for (uint64_t frame = info.frames; atomic_load(&shared->over) == 0; frame++) {
		begin_frame(frame);
		if (variant == RESERVED && frame > info.frames + 20) {
			CHECK_EQ(video_shm_producer_reserve(&producer, &data, &capacity), 0);
			memset(data, 0x55, capacity / 2);
			atomic_store(&shared->reserved, 1);
			(void)pause();
		}
		CHECK_EQ(
			write_salted(&producer, frame, info.epoch, 1 + next_random(&random) % SLOT_BYTES, frame % 5 == 0),
			0);
		atomic_store(&shared->done, frame + 1);
		atomic_store(&shared->up, 1);
	}
	video_shm_producer_destroy(&producer);
}

/* Waits in line for a read lock on the ring, so that the next writer finds it locked. */
static void lock_for_reading(void *unused)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	const int fd = open(shm_path(ring_name), O_RDONLY | O_CLOEXEC);

	(void)unused;
	CHECK(fd >= 0);
	atomic_store(&shared->locked, 1);
	CHECK_EQ(fcntl(fd, F_OFD_SETLKW, &lock), 0);
	atomic_store(&shared->locked, 2);
	for (;;)
		(void)pause();
}

/* ---- the test ---- */

/* Each reader is told in time; a stalled host is allowed for. */
static void readers_know(uint64_t killed_ns, uint64_t stalled_before_ns)
{
	for (size_t at = 0; at < READERS; at++) {
		while (atomic_load(&shared->known_ns[at]) < killed_ns && now_ns() - killed_ns < GIVE_UP_NS)
			sleep_ms(1);
		const uint64_t known_ns = atomic_load(&shared->known_ns[at]);

		CHECK(known_ns >= killed_ns);
		if (known_ns - killed_ns > KNOWS_WITHIN_NS + (stalled_ns() - stalled_before_ns))
			check_failed(__FILE__, __LINE__, "every reader knows within a second", "reader %zu took %llu ms",
						 at, (unsigned long long)((known_ns - killed_ns) / 1000000));
	}
}

/* What must outlive a writer until the next one is up. */
struct leftovers {
	pid_t locker;
	pid_t child;
};

static void clear_away(struct leftovers *left)
{
	if (left->locker != 0)
		kill_child(left->locker);
	if (left->child != 0)
		kill_child(left->child); /* ours since its parent died */
	*left = (struct leftovers){0, 0};
}

static uint64_t ring_inode(void)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	return video_shm_inspect(ring_name, &info) == 0 ? info.inode : 0;
}

static pid_t start_writer(const enum variant *variant)
{
	atomic_store(&shared->up, 0);
	atomic_store(&shared->reserved, 0);
	atomic_store(&shared->locked, 0);
	atomic_store(&shared->child, 0);
	return start_child(write_hard, (void *)(uintptr_t)variant);
}

static void one_death(enum variant variant, uint32_t *random, struct leftovers *left)
{
	const bool in_place = variant != CLONED && variant != READ_LOCKED;
	const uint64_t inode = ring_inode();
	const pid_t writer = start_writer(&variant);
	uint64_t killed_ns, stalled_before_ns;

	if (variant == PLAIN && inode != 0 && next_random(random) % 4 == 0) {
		(void)usleep(next_random(random) % 3000); /* on its way up; readers may never come to see it */
		kill_child(writer);
		return;
	}
	await_least(variant == RESERVED ? &shared->reserved : &shared->up, 1);
	await_least(&shared->joined, READERS);
	if (inode != 0)
		CHECK_EQ(ring_inode() == inode, in_place);
	clear_away(left);
	left->child = (pid_t)atomic_load(&shared->child);
	if (variant == READ_LOCKED) {
		left->locker = start_child(lock_for_reading, NULL);
		await_least(&shared->locked, 1);
	}
	(void)usleep(next_random(random) % 20000);
	stalled_before_ns = stalled_ns();
	killed_ns = now_ns();
	kill_child(writer);
	readers_know(killed_ns, stalled_before_ns);
	if (variant == READ_LOCKED)
		await_least(&shared->locked, 2);
}

static void kill_many(enum variant variant, unsigned deaths)
{
	const size_t indexes[READERS] = {0, 1, 2, 3};
	const int channel = fresh_channel();
	struct leftovers left = {0, 0};
	uint32_t random = 20 + variant;
	pid_t readers[READERS], writer;

	shared = share(sizeof(*shared));
	ring_name = channel_ring(channel);
	CHECK_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	CHECK_EQ(pipe(lifeline), 0);
	watch_stalls();
	for (size_t at = 0; at < READERS; at++)
		readers[at] = start_child(read_on, (void *)(uintptr_t)&indexes[at]);
	for (unsigned death = 0; death < deaths; death++)
		one_death(variant, &random, &left);
	writer = start_writer(&(enum variant){PLAIN});
	await_least(&shared->up, 1);
	clear_away(&left);
	for (size_t at = 0; at < READERS; at++) /* all have gone over to it: who has not would wait for another */
		await_least(&shared->received[at], atomic_load(&shared->received[at]) + 1);
	atomic_store(&shared->over, 1);
	child_succeeds(writer);
	for (size_t at = 0; at < READERS; at++) {
		child_succeeds(readers[at]);
		CHECK(atomic_load(&shared->received[at]) > deaths / 2);
	}
	CHECK(!shm_exists(ring_name));
	CHECK(!semaphores_exist(channel));
}

static void a_writer_killed_anywhere_is_noticed_and_replaced(void)
{
	kill_many(PLAIN, pick(50, 500));
}

static void a_writer_killed_with_a_reservation_out_leaves_no_half_frame(void)
{
	kill_many(RESERVED, pick(10, 100));
}

static void a_writer_killed_while_its_forked_child_lives_is_replaced_in_place(void)
{
	kill_many(FORKED, pick(10, 100));
}

static void a_writer_killed_while_a_child_keeps_its_hold_is_noticed_and_replaced(void)
{
	kill_many(CLONED, pick(10, 100));
}

static void a_writer_killed_while_a_reader_locks_the_file_is_noticed_and_replaced(void)
{
	kill_many(READ_LOCKED, pick(10, 100));
}

TEST_MAIN(pick(100, 600), TEST(a_writer_killed_anywhere_is_noticed_and_replaced),
		  TEST(a_writer_killed_with_a_reservation_out_leaves_no_half_frame),
		  TEST(a_writer_killed_while_its_forked_child_lives_is_replaced_in_place),
		  TEST(a_writer_killed_while_a_child_keeps_its_hold_is_noticed_and_replaced),
		  TEST(a_writer_killed_while_a_reader_locks_the_file_is_noticed_and_replaced))
