/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bare futex floor of lib/bench under the names that the block worker calls, so that the same processes
 * measure both. It carries only bytes: of the metadata a reader gets the size, which is the same for all
 * frames, and the number.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <video_shm.h>

#include "floor.h"

#define FUTEX_WAIT 0
#define MS_PER_S 1000
#define NS_PER_MS 1000000
#if !defined(SYS_futex) && defined(SYS_futex_time64)
#define SYS_futex SYS_futex_time64
#endif

struct side {
	struct floor ring;
	uint32_t first; /* number of a reader's first frame */
	uint32_t received;
};

_Static_assert(sizeof(struct side) <= sizeof(video_shm_producer_t), "fits into a handle");
_Static_assert(sizeof(struct side) <= sizeof(video_shm_consumer_t), "fits into a handle");

static struct side *side_of(void *handle)
{
	return handle;
}

/* Returns the place of the size, after the count, where a ring has its header. */
static uint32_t *size_in(const struct floor *ring)
{
	return (uint32_t *)(void *)ring->base + 1;
}

static void path_of(char path[64], int channel)
{
	(void)snprintf(path, 64, "/dev/shm/video_stream_ch%d", channel);
}

int video_shm_producer_init_channel(video_shm_producer_t *producer, int channel)
{
	struct side *const side = side_of(producer);
	char path[64], made[64];

	path_of(path, channel);
	memset(side, 0, sizeof(*side));
	if (floor_make(&side->ring) != 0)
		return -1;
	(void)snprintf(made, sizeof(made), "/proc/self/fd/%d", side->ring.fd);
	if (linkat(AT_FDCWD, made, AT_FDCWD, path, AT_SYMLINK_FOLLOW) != 0)
		return -1;
	return floor_map(&side->ring, true);
}

int video_shm_producer_write(video_shm_producer_t *producer, const uint8_t *data, uint32_t size,
							 const video_frame_meta_t *meta)
{
	(void)meta;
	*size_in(&side_of(producer)->ring) = size;
	floor_write(&side_of(producer)->ring, data, size);
	return 0;
}

/* The name is removed with the channel, by the process that started the block. */
void video_shm_producer_destroy(video_shm_producer_t *producer)
{
	floor_unmap(&side_of(producer)->ring);
	floor_discard(&side_of(producer)->ring);
}

int video_shm_consumer_init_channel(video_shm_consumer_t *consumer, int channel)
{
	struct side *const side = side_of(consumer);
	char path[64];

	path_of(path, channel);
	memset(side, 0, sizeof(*side));
	side->ring.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (side->ring.fd < 0 || floor_map(&side->ring, false) != 0)
		return -1;
	side->first = side->ring.next;
	return 0;
}

int video_shm_consumer_wait(video_shm_consumer_t *consumer, uint8_t *data, video_frame_meta_t *meta,
							uint32_t timeout_ms)
{
	struct side *const side = side_of(consumer);
	_Atomic uint32_t *const count = (_Atomic uint32_t *)(void *)side->ring.base;
	const struct timespec timeout = {timeout_ms / MS_PER_S, timeout_ms % MS_PER_S * NS_PER_MS};

	/* floor_receive() has no timeout, so the wait is done here. */
	if (atomic_load_explicit(count, memory_order_acquire) == side->ring.next &&
		syscall(SYS_futex, count, FUTEX_WAIT, side->ring.next, &timeout, NULL, 0) != 0 && errno != EAGAIN)
		return errno == ETIMEDOUT ? 0 : -1;
	if (atomic_load_explicit(count, memory_order_acquire) == side->ring.next)
		return 0;
	memset(meta, 0, sizeof(*meta));
	meta->size = *size_in(&side->ring);
	meta->sequence = floor_receive(&side->ring, data, meta->size);
	side->received++;
	return (int)meta->size;
}

int video_shm_consumer_stats(video_shm_consumer_t *consumer, uint32_t *total, uint32_t *dropped,
							 uint32_t *missed)
{
	const struct side *const side = side_of(consumer);

	if (total != NULL)
		*total = side->ring.next;
	if (dropped != NULL)
		*dropped = 0;
	if (missed != NULL)
		*missed = side->ring.next - side->first - side->received;
	return 0;
}

void video_shm_consumer_destroy(video_shm_consumer_t *consumer)
{
	floor_unmap(&side_of(consumer)->ring);
	floor_discard(&side_of(consumer)->ring);
}
