/* SPDX-License-Identifier: Apache-2.0 */
/* Identifies a process by more than its pid, which the kernel reuses. */
#ifndef VSHM_PROCESS_H
#define VSHM_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct process {
	uint32_t pid;
	uint64_t start;  /* clock ticks since boot in the initial time namespace; 0: not known */
	uint64_t pid_ns; /* inode of its pid namespace; 0: not known */
};

void process_self(struct process *process);

/* Returns what this process's time namespace adds to CLOCK_MONOTONIC, modulo 2^64, since it may be negative;
 * 0 if it is not known. */
uint64_t process_clock_shift_ns(void);

/* Returns whether the process is certainly gone; false if that can't be told from this pid namespace. */
bool process_gone(const struct process *process);

/* Returns the same by its pid alone: one system call, but it does not notice that a pid was reused. */
bool process_gone_at_a_glance(const struct process *process, uint64_t own_pid_ns);

#endif
