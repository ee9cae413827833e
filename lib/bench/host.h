/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the host was fit for a measurement: a control beside it that sleeps 1 ms at a time on every core
 * and records how much too late it wakes, the time that a hypervisor stole, and what other programs used.
 */
#ifndef BENCH_HOST_H
#define BENCH_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Above these a timing is INVALID. Shares are of all cores' time. */
#define HOST_STALL_NS 1000000u /* a sleep that ends this much too late is a stall */
#define HOST_STALLED_SHARE                                                                                   \
	0.005 /* judged if the control had real-time priority: else our own load delays it */
#define HOST_STOLEN_SHARE 0.01
#define HOST_FOREIGN_SHARE 0.10

struct host_report {
	bool real_time; /* the control ran above all else */
	uint64_t stalls;
	double longest_stall_ms;
	double stalled_share;
	double stolen_share;
	double foreign_share;
	bool fit;
};

/* The running control. */
struct host {
	struct host_control *control;
	pid_t pid;
	uint64_t begin_ns;
	uint64_t busy_ticks;
	uint64_t stolen_ticks;
	double own_s;
};

void host_begin(struct host *host);

/* After all our children have been reaped. */
void host_end(struct host *host, struct host_report *report);

/* The processor's name, or "unknown". */
void host_model(char *name, unsigned size);

#endif
