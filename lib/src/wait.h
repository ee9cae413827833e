/* SPDX-License-Identifier: Apache-2.0 */
/* Clock and futex behind a small table, which tests can replace. */
#ifndef VSHM_WAIT_H
#define VSHM_WAIT_H

#include <stdatomic.h>
#include <stdint.h>

#define WAIT_FOREVER UINT64_MAX

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
};

extern const struct wait_ops wait_system;

/* Returns how many threads sleep on the word; also 0 if that can't be asked. */
int wait_count_asleep(const _Atomic uint32_t *word);

/* Returns CLOCK_REALTIME in ns, for the time in frames; no wait uses it. */
uint64_t wait_wall_clock(void);

#endif
