/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that hands a picture of any size to readers that look at it where it lies: one memcpy into the
 * next of a few slots, a counter, one futex. One call a picture on either side, so that a caller in Python
 * can be measured.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FIRST 4096u
#define PAGE 4096u
#if !defined(SYS_futex) && defined(SYS_futex_time64)
#define SYS_futex SYS_futex_time64
#endif

static uint8_t *base;
static uint32_t slots, size, next;

static _Atomic uint32_t *count(void)
{
	return (_Atomic uint32_t *)(void *)base;
}

static size_t stride(void)
{
	return ((size_t)size + PAGE - 1) / PAGE * PAGE;
}

/* Maps the object of that path, which a writer makes. 0, or an errno. */
int picture_floor_open(const char *path, uint32_t of_slots, uint32_t of_size, int writable)
{
	const int fd = open(path, writable ? O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0600);
	size_t whole;

	slots = of_slots;
	size = of_size;
	whole = FIRST + slots * stride();
	if (fd < 0 || (writable && (errno = posix_fallocate(fd, 0, (off_t)whole)) != 0))
		return errno;
	base = mmap(NULL, whole, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (base == MAP_FAILED)
		return errno;
	next = atomic_load(count());
	(void)close(fd);
	return 0;
}

void picture_floor_write(const void *data)
{
	memcpy(base + FIRST + next % slots * stride(), data, size);
	next++;
	atomic_store_explicit(count(), next, memory_order_release);
	(void)syscall(SYS_futex, count(), FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Waits for a picture. newest: passes over all but the newest one; else over what is overwritten. Its
 * address. */
const void *picture_floor_read(int newest)
{
	uint32_t there;

	while ((there = atomic_load_explicit(count(), memory_order_acquire)) == next)
		(void)syscall(SYS_futex, count(), FUTEX_WAIT, there, NULL, NULL, 0);
	if (newest)
		next = there - 1;
	else if (there - next > slots - 1)
		next = there - (slots - 1);
	next++;
	return base + FIRST + (next - 1) % slots * stride();
}

/* Whether the picture that was read last is still whole. */
int picture_floor_whole(void)
{
	return atomic_load_explicit(count(), memory_order_acquire) - next < slots - 1;
}
