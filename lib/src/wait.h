/* SPDX-License-Identifier: Apache-2.0 */
/* Clock and futex, behind one small table, so that tests can put their own in its place. */
#ifndef VSHM_WAIT_H
#define VSHM_WAIT_H

#include <stdatomic.h>
#include <stdint.h>

#define WAIT_FOREVER UINT64_MAX

struct wait_ops {
	/* CLOCK_MONOTONIC, in ns. */
	uint64_t (*now)(void);
	/*
	 * Sleeps until deadline_ns, while *word is expected, for any of bits. The word may lie in a read-only
	 * mapping. 0: woken, or changed, or time is up, or for no reason at all; -1 with EINTR: a signal handler
	 * ran.
	 */
	int (*wait)(const _Atomic uint32_t *word, uint32_t expected, uint64_t deadline_ns, uint32_t bits);
	/* Wakes everybody who sleeps on the word for any of bits. Async-signal-safe. */
	void (*wake)(const _Atomic uint32_t *word, uint32_t bits);
};

extern const struct wait_ops wait_system;

/* How many sleep on the word; 0 also where that can't be asked. */
int wait_count_asleep(const _Atomic uint32_t *word);

/* CLOCK_REALTIME, in ns: what a frame is dated with, never what anybody waits by. */
uint64_t wait_wall_clock(void);

#endif
