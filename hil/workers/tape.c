/* SPDX-License-Identifier: Apache-2.0 */
#include "tape.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static uint64_t read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t cpu_ns(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

static int is_tape(const struct tape_header *header, uint64_t bytes)
{
	return header->magic == TAPE_MAGIC && header->record_bytes == sizeof(struct tape_record) &&
		   header->capacity && !(header->capacity & (header->capacity - 1)) &&
		   bytes == sizeof(*header) + (uint64_t)header->capacity * sizeof(struct tape_record);
}

/* Maps the tape populated, because page faults during a measurement would be part of it. */
int tape_open(struct tape *tape, const char *path)
{
	struct stat status;
	void *memory = MAP_FAILED;
	const int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd >= 0 && !fstat(fd, &status) && status.st_size > (off_t)sizeof(*tape->header))
		memory = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (fd >= 0)
		close(fd);
	if (memory == MAP_FAILED || !is_tape(memory, (uint64_t)status.st_size)) {
		fprintf(stderr, "%s: no tape: %s\n", path, errno ? strerror(errno) : "another layout");
		return -1;
	}
	tape->header = memory;
	tape->records = (struct tape_record *)(tape->header + 1);
	return 0;
}

void tape_add(struct tape *tape, const struct tape_record *record)
{
	struct tape_header *header = tape->header;
	const uint32_t added = atomic_load_explicit(&header->added, memory_order_relaxed);
	const struct timespec moment = {.tv_nsec = 1000000};

	if (added - atomic_load_explicit(&header->taken, memory_order_acquire) >= header->capacity) {
		atomic_fetch_add(&header->stalls, 1);
		while (added - atomic_load_explicit(&header->taken, memory_order_acquire) >= header->capacity)
			nanosleep(&moment, NULL);
	}
	tape->records[added % header->capacity] = *record;
	atomic_store_explicit(&header->added, added + 1, memory_order_release);
}
