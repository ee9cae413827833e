/* SPDX-License-Identifier: Apache-2.0 */
/* Clock and futex behind a small table, which tests can replace. */
#ifndef VSHM_WAIT_H
#define VSHM_WAIT_H

#include <stdatomic.h>
#include <stdint.h>

#define WAIT_FOREVER UINT64_MAX
#define WAIT_WORDS_MAX 128u /* the kernel's FUTEX_WAITV_MAX */

/* A word to sleep on beside others, as the kernel takes it (struct futex_waitv). */
struct wait_word {
	uint64_t expected;
	uint64_t address;
	uint32_t flags;
	uint32_t reserved;
};

struct wait_ops {
	/* CLOCK_MONOTONIC, in ns. */
	uint64_t (*now)(void);
	/*
	 * Sleeps until deadline_ns, while *word is expected, for any of bits. The word may be in a read-only
	 * mapping. Returns 0 when woken, when the word has changed, at the deadline, or spuriously; -1 with EINTR
	 * after a signal handler ran.
	 */
	int (*wait)(const _Atomic uint32_t *word, uint32_t expected, uint64_t deadline_ns, uint32_t bits);
	/* Wakes all who sleep on the word for any of bits. Async-signal-safe. */
	void (*wake)(const _Atomic uint32_t *word, uint32_t bits);
	/*
	 * Sleeps until deadline_ns, while each word is as expected, for any wake-up of any of them: there are no
	 * bits. Returns the number of the word by which it was woken; count when a word has changed, at the
	 * deadline, or spuriously; -1 with EINTR after a signal handler ran, or with ENOSYS if the system can't.
	 */
	int (*wait_any)(const struct wait_word *words, uint32_t count, uint64_t deadline_ns);
};

/* Returns when a wait of timeout_ms, as in the public calls, is over: in ns of CLOCK_MONOTONIC, or
 * WAIT_FOREVER; 0 for VIDEO_SHM_NO_WAIT. */
uint64_t wait_deadline(const struct wait_ops *ops, uint32_t timeout_ms);

/* Returns the word as wait_any takes it. */
struct wait_word wait_word(const _Atomic uint32_t *word, uint32_t expected);

extern const struct wait_ops wait_system;

/* Returns how many threads sleep on the word; also 0 if that can't be asked. */
int wait_count_asleep(const _Atomic uint32_t *word);

/* Returns CLOCK_REALTIME in ns, for the time in frames; no wait uses it. */
uint64_t wait_wall_clock(void);

#endif
