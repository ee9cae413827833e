/* SPDX-License-Identifier: Apache-2.0 */
#include "mortals.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "frames.h"
#include "processes.h"

#define SLOTS 8
#define SLOT_BYTES (64 * 1024)
#define LAG_PAUSE_US 200
#define LAG_PAUSES 25  /* 5 ms, then it reads whatever comes */
#define REST_EVERY 100 /* frames after which the writer rests, as a camera does after each */
#define REST_US 1000

struct mortals *mortals;
const char *mortals_ring;
int mortals_lifeline[2];

/* ---- readers ---- */

struct reading {
	size_t index;
	video_shm_consumer_t consumer;
	uint64_t next;
	uint64_t received; /* by this reader, in this life */
	uint64_t before;   /* frame numbers up to its first frame, less those of its span */
	bool told;         /* of a death: what comes next does not follow */
};

/* Returns a frame's entry: low bits of its number, its writer's epoch as in its pattern, and its size. */
static uint64_t ledger_entry(uint64_t frame, uint32_t epoch, uint32_t size)
{
	return (frame & 0xfffffff) | (uint64_t)(epoch & 0xffff) << 28 | (uint64_t)size << 44;
}

/* What the writer wrote down, unless many have been written since. */
static void audit(struct reading *reading, const video_frame_meta_t *meta)
{
	const uint64_t entry = atomic_load(&mortals->ledger[meta->sequence % MORTALS_LEDGER]);

	if (((entry ^ meta->sequence) & 0xfffffff) != 0)
		return;
	CHECK_EQ(entry, ledger_entry(meta->sequence, meta->width, meta->size));
	(void)atomic_fetch_add(&mortals->audited[reading->index], 1);
}

/* What the library counts, held against the numbers of the frames that came. */
static void balance(struct reading *reading, const video_frame_meta_t *meta)
{
	const video_shm_info_t info = info_of(&reading->consumer);

	reading->received++;
	CHECK_EQ(info.received, reading->received);
	CHECK_EQ(info.received + info.missed + info.skipped, info.span);
	if (reading->received == 1)
		reading->before = meta->sequence + 1 - info.span;
	else
		(void)atomic_fetch_add(&mortals->lost[reading->index], meta->sequence - reading->next);
	CHECK_EQ(reading->before + info.span, meta->sequence + 1);
}

static void enter_frame(struct reading *reading, const uint8_t *data, const video_frame_meta_t *meta)
{
	CHECK(is_salted(data, meta));           /* torn, or of two writers */
	CHECK(meta->sequence >= reading->next); /* twice, or out of order */
	CHECK(meta->sequence < atomic_load(&mortals->begun));
	audit(reading, meta);
	balance(reading, meta);
	reading->next = (uint64_t)meta->sequence + 1;
	(void)atomic_fetch_add(&mortals->received[reading->index], 1);
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

/* Returns the frames in the ring if nobody writes, or 0 before the first frame or while one is written. */
static uint64_t frames_at_rest(void)
{
	const uint64_t begun = atomic_load(&mortals->begun);

	return atomic_load(&mortals->done) == begun ? begun : 0;
}

/* Lets itself be lapped, and asks while nobody writes: then it is known which frame it must get. */
static int receive_late(struct reading *reading)
{
	static uint8_t data[SLOT_BYTES];
	video_frame_meta_t meta;
	const uint64_t next = reading->next;
	uint64_t frames = 0;
	int size;

	for (int pause = 0; pause < LAG_PAUSES && frames <= next + SLOTS; pause++) {
		(void)usleep(LAG_PAUSE_US);
		frames = frames_at_rest();
	}
	size = video_shm_consumer_receive(&reading->consumer, data, sizeof(data), &meta, 0);
	if (size <= 0)
		return size;
	if (reading->received > 0 && frames > next + SLOTS && frames >= atomic_load(&mortals->first) + SLOTS &&
		frames_at_rest() == frames) {
		CHECK_EQ(meta.sequence, frames - SLOTS);
		(void)atomic_fetch_add(&mortals->oldest, 1);
	}
	enter_frame(reading, data, &meta);
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

void mortals_read(void *number)
{
	static int (*const receive[MORTALS_READERS])(struct reading *) = {receive_one, acquire_one, receive_one,
																	  receive_one, receive_late};
	struct reading reading = {.index = *(const size_t *)number};
	const video_shm_consumer_options_t options = {
		.struct_size = sizeof(options),
		.policy = (uint32_t[]){VIDEO_SHM_POLICY_EVERY, VIDEO_SHM_POLICY_EVERY, VIDEO_SHM_POLICY_NEWEST,
							   VIDEO_SHM_POLICY_KEYFRAMES, VIDEO_SHM_POLICY_EVERY}[reading.index],
		.reconnect = 1,
		.name = mortals_ring,
	};

	join_ring(&reading.consumer, &options);
	(void)atomic_fetch_add(&mortals->joined, 1);
	for (;;) {
		const int size = receive[reading.index](&reading);

		if (size > 0)
			continue;
		CHECK_EQ(size, -1);
		if (errno == EPIPE && atomic_load(&mortals->over) != 0)
			break;
		CHECK(errno == EOWNERDEAD || errno == EPIPE); /* EPIPE: replaced, because of the read lock */
		reading.told = true;
		if (errno == EOWNERDEAD)
			atomic_store(&mortals->known_ns[reading.index], now_ns());
	}
	CHECK_EQ(info_of(&reading.consumer).span, info_of(&reading.consumer).received +
												  info_of(&reading.consumer).missed +
												  info_of(&reading.consumer).skipped);
	video_shm_consumer_destroy(&reading.consumer);
}

/* ---- writers ---- */

/* A child of the writer's that outlives it. Nothing but system calls: after a raw clone libc knows nothing.
 */
static void leave_a_child_behind(enum mortal_variant variant)
{
	char byte;
	const pid_t pid = variant == MORTAL_FORKED ? fork() : (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	CHECK(pid >= 0);
	if (pid > 0) {
		atomic_store(&mortals->child, (uint32_t)pid);
		return;
	}
	(void)close(mortals_lifeline[1]);
	(void)!read(mortals_lifeline[0], &byte, 1);
	_exit(0);
}

static void begin_frame(uint64_t frame, uint32_t epoch, uint32_t size)
{
	atomic_store(&mortals->ledger[frame % MORTALS_LEDGER], ledger_entry(frame, epoch, size));
	atomic_store(&mortals->begun, frame + 1);
}

void mortals_write(void *argument)
{
	const enum mortal_variant variant = *(const enum mortal_variant *)argument;
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = SLOTS, .slot_size = SLOT_BYTES, .name = mortals_ring};
	video_shm_info_t info = {.struct_size = sizeof(info)};
	video_shm_producer_t producer;
	uint32_t random = (uint32_t)getpid(), capacity;
	uint8_t *data;

	CHECK_EQ(video_shm_producer_open(&producer, &options), 0);
	CHECK_EQ(video_shm_producer_info(&producer, &info), 0);
	/* Numbering goes on where the one before was killed. */
	CHECK(info.frames >= atomic_load(&mortals->done) && info.frames <= atomic_load(&mortals->begun));
	CHECK(info.epoch > atomic_load(&mortals->epoch));
	atomic_store(&mortals->first, info.frames);
	atomic_store(&mortals->epoch, info.epoch);
	if (variant == MORTAL_FORKED || variant == MORTAL_CLONED)
		leave_a_child_behind(variant);
	for (uint64_t frame = info.frames; atomic_load(&mortals->over) == 0; frame++) {
		const uint32_t size = 1 + next_random(&random) % SLOT_BYTES;

		begin_frame(frame, info.epoch, size);
		if (variant == MORTAL_RESERVED && frame > info.frames + 20) {
			CHECK_EQ(video_shm_producer_reserve(&producer, &data, &capacity), 0);
			memset(data, 0x55, capacity / 2);
			atomic_store(&mortals->reserved, 1);
			(void)pause();
		}
		CHECK_EQ(write_salted(&producer, frame, info.epoch, size, frame % 5 == 0), 0);
		atomic_store(&mortals->done, frame + 1);
		atomic_store(&mortals->up, 1);
		if (frame % REST_EVERY == 0)
			(void)usleep(REST_US);
	}
	video_shm_producer_destroy(&producer);
}

/* Waits in line for a read lock on the ring, so that the next writer finds it locked. */
void mortals_lock_for_reading(void *unused)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
	const int fd = open(shm_path(mortals_ring), O_RDONLY | O_CLOEXEC);

	(void)unused;
	CHECK(fd >= 0);
	atomic_store(&mortals->locked, 1);
	CHECK_EQ(fcntl(fd, F_OFD_SETLKW, &lock), 0);
	atomic_store(&mortals->locked, 2);
	for (;;)
		(void)pause();
}
