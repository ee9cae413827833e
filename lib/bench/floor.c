/* SPDX-License-Identifier: Apache-2.0 */
#include "floor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "video_shm.h"

/* The kernel's own numbers: <linux/futex.h> is not there for every C library. Without FUTEX_PRIVATE_FLAG. */
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1

#if !defined(SYS_futex) && defined(SYS_futex_time64)
#define SYS_futex SYS_futex_time64
#endif

/* Where a ring has its payload. The bench's own test compares this with a real ring. */
#define SLOTS ((uint32_t)VIDEO_SHM_RING_SIZE)
#define FIRST 96u
#define STRIDE (32u + VIDEO_SHM_MAX_FRAME_SIZE)
#define OBJECT_SIZE (64u + SLOTS * STRIDE + 256u + SLOTS * 64u)

static _Atomic uint32_t *count_of(const struct floor *ring)
{
	return (_Atomic uint32_t *)(void *)ring->base;
}

static uint8_t *slot_of(const struct floor *ring, uint32_t frame)
{
	return ring->base + FIRST + (size_t)(frame % SLOTS) * STRIDE;
}

/*
 * Makes the floor in /dev/shm, as the ring is, so that both have the same kind of memory, huge pages or
 * not.
 */
int floor_make(struct floor *ring)
{
	*ring = (struct floor){.fd = open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
	if (ring->fd < 0)
		return -1;
	errno = posix_fallocate(ring->fd, 0, OBJECT_SIZE);
	return errno == 0 ? 0 : -1;
}

void floor_discard(struct floor *ring)
{
	if (ring->fd > 0)
		(void)close(ring->fd);
	ring->fd = -1;
}

int floor_map(struct floor *ring, bool writable)
{
	void *base = mmap(NULL, OBJECT_SIZE, writable ? PROT_READ | PROT_WRITE : PROT_READ,
					  MAP_SHARED | MAP_POPULATE, ring->fd, 0);

	if (base == MAP_FAILED)
		return -1;
	ring->base = base;
	ring->next = atomic_load(count_of(ring));
	return 0;
}

void floor_unmap(struct floor *ring)
{
	if (ring->base != NULL)
		(void)munmap(ring->base, OBJECT_SIZE);
	ring->base = NULL;
}

void floor_write(struct floor *ring, const uint8_t *data, uint32_t size)
{
	memcpy(slot_of(ring, ring->next), data, size);
	ring->next++;
	atomic_store_explicit(count_of(ring), ring->next, memory_order_release);
	(void)syscall(SYS_futex, count_of(ring), FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

uint32_t floor_receive(struct floor *ring, uint8_t *data, uint32_t size)
{
	for (;;) {
		const uint32_t count = atomic_load_explicit(count_of(ring), memory_order_acquire);

		if (count == ring->next) {
			(void)syscall(SYS_futex, count_of(ring), FUTEX_WAIT, count, NULL, NULL, 0);
			continue;
		}
		/* Without this a slow reader would be credited with frames that it never had. */
		if (count - ring->next > SLOTS - 1)
			ring->next = count - (SLOTS - 1);
		memcpy(data, slot_of(ring, ring->next), size);
		ring->next++;
		if (atomic_load_explicit(count_of(ring), memory_order_acquire) - ring->next < SLOTS - 1)
			return ring->next - 1;
	}
}
