/* SPDX-License-Identifier: Apache-2.0 */
/* Who a process is, beyond its pid, which the kernel gives to others later. */
#ifndef VSHM_PROCESS_H
#define VSHM_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct process {
	uint32_t pid;
	uint64_t start;  /* clock ticks since boot, without what a time namespace adds; 0: not known */
	uint64_t pid_ns; /* inode of its pid namespace; 0: not known */
};

void process_self(struct process *process);

/* What this process's time namespace adds to CLOCK_MONOTONIC; 0 where it can't be known. Modulo 2^64: it may
 * be less than nothing. */
uint64_t process_clock_shift_ns(void);

/* Whether it is certain that the process is gone. False where it can't be told, as from another pid
 * namespace. */
bool process_gone(const struct process *process);

/* The same by its pid alone: one system call, and blind to a pid that was given away again. */
bool process_gone_at_a_glance(const struct process *process, uint64_t own_pid_ns);

#endif
