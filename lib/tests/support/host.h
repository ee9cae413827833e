/* SPDX-License-Identifier: Apache-2.0 */
/* What the host itself does to a test: stalls, and other programs. */
#ifndef VSHM_HOST_H
#define VSHM_HOST_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Begins to watch the host: a process that only sleeps, 1 ms at a time. By how much it was late, in all, is
 * what the host's own stalls have cost anybody else too; the longest one alone is what they cost at once.
 */
void watch_stalls(void);
uint64_t stalled_ns(void);
uint64_t longest_stall_ns(void);

/* How much the host itself got in the way while something was timed. */
struct host_watch {
	pthread_t thread;
	atomic_bool over;
	uint64_t worst_stall_ns; /* by which a sleep of 1 ms came late */
	double others_share;     /* of all processors, used by processes that are not ours */
	uint64_t begin_ns;
	double begin_busy_s;
	double begin_own_s;
};

void host_watch_begin(struct host_watch *watch);
/* Children whose work is ours must have been reaped. */
void host_watch_end(struct host_watch *watch);
/* Whether a claim about time may be judged. */
bool host_was_fit(const struct host_watch *watch);
/* Whether other processes used so much of it that another attempt would see the same. */
bool host_had_other_work(const struct host_watch *watch);

#endif
