/* SPDX-License-Identifier: Apache-2.0 */
/* What hooks.h puts in the place of system calls. */
#include <sanitizer/asan_interface.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "object.h"

#define PAGE ((size_t)4096)
#define GUARD ((size_t)16 << 20) /* more than a slot's stride on both sides */

void fuzz_turn(void);
int fuzz_clock(clockid_t clock, struct timespec *time);
void *fuzz_map(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int fuzz_unmap(void *base, size_t size);
int fuzz_sleep(void);
long fuzz_futex(long number, ...);

static uint64_t passed_ns;

void object_time_passes(uint32_t ms)
{
	passed_ns += (uint64_t)ms * 1000000;
}

/* A clock of its own: it goes on by being looked at, so that nothing takes for ever or depends on the host.
 */
int fuzz_clock(clockid_t clock, struct timespec *time)
{
	(void)clock;
	passed_ns += 100000;
	time->tv_sec = (time_t)(1000 + passed_ns / 1000000000);
	time->tv_nsec = (long)(passed_ns % 1000000000);
	return 0;
}

int fuzz_sleep(void)
{
	fuzz_turn();
	object_time_passes(5);
	return 0;
}

long fuzz_futex(long number, ...)
{
	(void)number;
	return fuzz_sleep();
}

static size_t whole_pages(size_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

/* Between guards that fault, and what is behind the object's real end, up to the next page, is poisoned. */
void *fuzz_map(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	const size_t room = whole_pages(size);
	size_t real = size;
	struct stat status;
	uint8_t *base;

	if ((flags & MAP_FIXED) != 0)
		return mmap(at, size, protection, flags, fd, offset);
	flags &= ~MAP_POPULATE; /* 15 MB each time: for speed */
	base = mmap(NULL, room + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return MAP_FAILED;
	if (mmap(base + GUARD, size, protection, flags | MAP_FIXED, fd, offset) == MAP_FAILED) {
		(void)munmap(base, room + 2 * GUARD);
		return MAP_FAILED;
	}
	if (fstat(fd, &status) == 0 && (size_t)status.st_size < size)
		real = (size_t)status.st_size;
	ASAN_POISON_MEMORY_REGION(base + GUARD + real, room - real);
	return base + GUARD;
}

int fuzz_unmap(void *base, size_t size)
{
	const size_t room = whole_pages(size);

	ASAN_UNPOISON_MEMORY_REGION(base, room);
	return munmap((uint8_t *)base - GUARD, room + 2 * GUARD);
}
