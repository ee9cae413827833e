/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many readers at an ordinary rate: nobody loses anything. Where the host stalls for longer than the ring can
 * bridge, the writer waits for the slowest: then, too, no frame may be lost.
 */
#include "check.h"
#include "frames.h"
#include "host.h"
#include "processes.h"

#define READERS 16
#define FPS 30
#define FRAME_BYTES (20 * 1024)
#define FAR_BEHIND 25u /* frames, of the 29 that the ring holds: 830 ms */
#define EXCUSABLE_STALL_NS 500000000u

static struct {
	_Atomic uint32_t ready;
	_Atomic uint32_t received[READERS];
	_Atomic uint64_t missed[READERS];
} * shared;

static const char *ring_name;

static void read_until_closed(void *argument)
{
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	const size_t index = *(const size_t *)argument;
	video_shm_consumer_t consumer;
	video_frame_meta_t meta;
	uint32_t next = 0;
	int size;

	join_ring(&consumer, &(video_shm_consumer_options_t){.struct_size = sizeof(video_shm_consumer_options_t),
														 .name = ring_name});
	(void)atomic_fetch_add(&shared->ready, 1);
	while ((size = video_shm_consumer_wait(&consumer, data, &meta, 0)) >= 0) {
		CHECK_EQ(size, FRAME_BYTES);
		CHECK_EQ(meta.size, FRAME_BYTES);
		CHECK(meta.sequence >= next); /* a frame handed out twice, or out of order */
		CHECK(has_pattern(data, FRAME_BYTES, meta.sequence));
		next = meta.sequence + 1;
		(void)atomic_fetch_add(&shared->received[index], 1);
	}
	CHECK_EQ(errno, EPIPE);
	CHECK_EQ(info_of(&consumer).received, atomic_load(&shared->received[index]));
	atomic_store(&shared->missed[index], info_of(&consumer).missed);
	video_shm_consumer_destroy(&consumer);
}

/* Writes at a steady rate. Returns how often a reader was far behind and was waited for. */
static unsigned write_paced(unsigned frames)
{
	video_shm_producer_t producer;
	unsigned held_up = 0;
	uint64_t next_ns;

	open_producer(&producer, ring_name);
	await_least(&shared->ready, READERS);
	next_ns = now_ns();
	for (unsigned frame = 0; frame < frames; frame++) {
		sleep_until_ns(next_ns);
		next_ns = now_ns() + 1000000000u / FPS; /* no burst after a stall */
		for (size_t at = 0; at < READERS && frame >= FAR_BEHIND; at++) {
			held_up += atomic_load(&shared->received[at]) < frame - FAR_BEHIND;
			await_least(&shared->received[at], frame - FAR_BEHIND);
		}
		CHECK_EQ(write_pattern(&producer, frame, FRAME_BYTES, frame % FPS == 0), 0);
	}
	video_shm_producer_destroy(&producer);
	return held_up;
}

static void sixteen_readers_each_receive_every_frame_in_order(void)
{
	const unsigned frames = pick(30, 60) * FPS;
	size_t indexes[READERS];
	pid_t readers[READERS];
	unsigned held_up;

	shared = share(sizeof(*shared));
	ring_name = fresh_name();
	watch_stalls();
	for (size_t at = 0; at < READERS; at++) {
		indexes[at] = at;
		readers[at] = start_child(read_until_closed, &indexes[at]);
	}
	held_up = write_paced(frames);
	for (size_t at = 0; at < READERS; at++) {
		child_succeeds(readers[at]);
		CHECK_EQ(atomic_load(&shared->received[at]), frames);
		CHECK_EQ(atomic_load(&shared->missed[at]), 0);
	}
	if (held_up > 0 && longest_stall_ns() <= EXCUSABLE_STALL_NS)
		check_failed(__FILE__, __LINE__, "no reader is far behind", "%u times; the host stalled for %.0f ms",
					 held_up, (double)longest_stall_ns() / 1e6);
}

TEST_MAIN(110, TEST(sixteen_readers_each_receive_every_frame_in_order))
