/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel alone takes to wake a thread that waits for 16 words, by futex_waitv, beside one that waits
 * for one, by futex, and by futex_waitv: least that any wait for several rings takes. 64 KB are copied in and
 * out each time.
 *
 * cc -O2 tests/bench/futexes.c -o futexes && ./futexes [FRAMES]    (3000, which take 100 s; needs Linux 5.16)
 */
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE 1
#define FUTEX_WAITV 449
#define WORD_OF_32_BITS 2
#define WORDS 16u
#define WRITTEN (WORDS / 2)
#define APART ((1u << 20) + 4096) /* as rings are */
#define FRAME 65536u
#define SLOTS 30u
#define KINDS 3u
#define EVERY_US 33333

static const char *const kinds[KINDS] = {"futex", "futex_waitv, 1 word", "futex_waitv, 16 words"};

struct word {
	uint64_t expected, address;
	uint32_t flags, reserved;
};

struct shared {
	_Atomic uint64_t sent_ns;
	uint8_t words[WORDS][APART];
	uint8_t slots[SLOTS][FRAME];
	double late_us[];
};

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static _Atomic uint32_t *word_of(struct shared *shared, unsigned at)
{
	return (_Atomic uint32_t *)(void *)shared->words[at];
}

static void wait_for(struct shared *shared, unsigned kind, uint32_t seen)
{
	const struct timespec never = {.tv_sec = INT_MAX};
	struct word words[WORDS];
	unsigned count = 0;

	if (kind == 0) {
		(void)syscall(SYS_futex, word_of(shared, WRITTEN), FUTEX_WAIT_BITSET, seen, &never, NULL, ~0u);
		return;
	}
	for (unsigned at = kind == 1 ? WRITTEN : 0; at < (kind == 1 ? WRITTEN + 1 : WORDS); at++)
		words[count++] = (struct word){.expected = at == WRITTEN ? seen : 0,
									   .address = (uint64_t)(uintptr_t)word_of(shared, at),
									   .flags = WORD_OF_32_BITS};
	(void)syscall(FUTEX_WAITV, words, count, 0, &never, CLOCK_MONOTONIC);
}

static void receive(struct shared *shared, uint32_t frames)
{
	static uint8_t target[FRAME];

	for (uint32_t frame = 0; frame < frames; frame++) {
		while (atomic_load(word_of(shared, WRITTEN)) == frame)
			wait_for(shared, frame % KINDS, frame);
		memcpy(target, shared->slots[frame % SLOTS], FRAME);
		shared->late_us[frame] = (double)(now_ns() - atomic_load(&shared->sent_ns)) / 1000;
	}
}

static void send(struct shared *shared, uint32_t frames)
{
	static uint8_t source[FRAME] = {1};

	for (uint32_t frame = 0; frame < frames; frame++) {
		(void)usleep(EVERY_US);
		atomic_store(&shared->sent_ns, now_ns());
		memcpy(shared->slots[frame % SLOTS], source, FRAME);
		atomic_fetch_add(word_of(shared, WRITTEN), 1);
		(void)syscall(SYS_futex, word_of(shared, WRITTEN), FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	}
}

static int compare(const void *one, const void *other)
{
	const double a = *(const double *)one, b = *(const double *)other;

	return (a > b) - (a < b);
}

int main(int count, char **words)
{
	const uint32_t frames = count > 1 ? (uint32_t)strtoul(words[1], NULL, 10) : 3000;
	const size_t size = sizeof(struct shared) + frames * sizeof(double);
	struct shared *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double *found = calloc(frames + 1, sizeof(double)), one_us = 0;
	pid_t reader;

	if (shared == MAP_FAILED || found == NULL || frames < KINDS)
		return perror("futexes"), 1;
	reader = fork();
	if (reader == 0) {
		receive(shared, frames);
		_exit(0);
	}
	if (reader < 0)
		return perror("fork"), 1;
	send(shared, frames);
	(void)waitpid(reader, NULL, 0);
	for (unsigned kind = 0; kind < KINDS; kind++) {
		size_t some = 0;

		for (uint32_t frame = kind; frame < frames; frame += KINDS)
			found[some++] = shared->late_us[frame];
		qsort(found, some, sizeof(*found), compare);
		one_us = kind == 0 ? found[some / 2] : one_us;
		printf("%-22s p50 %5.1f us: %.2f\n", kinds[kind], found[some / 2], found[some / 2] / one_us);
	}
	return 0;
}
