/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that stop, die, fork, wait for each other, or run as another user. */
#ifndef VSHM_PROCESSES_H
#define VSHM_PROCESSES_H

#include <stdatomic.h>

#include "check.h"

/* Returns zeroed memory that this process shares with all children that it starts later. */
void *share(size_t bytes);

/* Sleeps until *word is at least least. The watchdog ends the test if it never is. */
void await_least(_Atomic uint32_t *word, uint32_t least);

/* Makes orphaned grandchildren children of this process from now on, if the kernel can. */
void adopt_orphans(void);
/* Kills such an orphan, and reaps it. */
void kill_orphan(pid_t pid);

void sleep_until_ns(uint64_t deadline_ns);

/* Keeps a processor busy until this process, a child, is killed. */
void keep_busy(void *unused);

/* Returns a cheap random number; the sequence is the same in every run. */
uint32_t next_random(uint32_t *state);

/* Sleeps until the process has the ring mapped. */
void await_mapped(pid_t pid, const char *name);
/* Sleeps until the process sleeps. */
void await_sleep(pid_t pid);
/*
 * Sleeps until the process has a handler for that signal, or for some time under an emulator, which has
 * handlers from the start.
 */
void await_handler(pid_t pid, int signal);
/* Checks that the next line of a program's output begins with that. */
void says(FILE *output, const char *expected);
/* Returns the processor time of a process, in seconds. */
double cpu_s(pid_t pid);
/* Makes this process, a child, run as that user, in these groups only. */
void become(uid_t user, gid_t group, gid_t extra);
/* Skips the test if this process is not root's. */
void needs_root(void);
/*
 * Gives this process, and those that it starts, a /dev/shm of their own, of that size ("40m"). Returns
 * false if it is not root's.
 */
bool have_own_shm(const char *size);

#define FIRST_DESCRIPTOR 3
#define DESCRIPTORS_END 64

/* Closes all descriptors, as programs do that become daemons. */
void close_descriptors(void);

/*
 * Return the number of open descriptors of this process, and of its mappings whose line contains that text.
 */
unsigned count_descriptors(void);
unsigned count_mappings(const char *text);

#endif
