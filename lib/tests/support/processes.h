/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that stop, die, fork, wait for each other, or are somebody else. */
#ifndef VSHM_PROCESSES_H
#define VSHM_PROCESSES_H

#include <stdatomic.h>

#include "check.h"

/* Memory that all children started later share with this process; all zero. */
void *share(size_t bytes);

/* Sleeps until *word is at least that. The watchdog ends it if that never comes. */
void await_least(_Atomic uint32_t *word, uint32_t least);

/* From here on, children of this process's children become its own when those die, where the kernel can. */
void adopt_orphans(void);
/* Kills such a child, and reaps it. */
void kill_orphan(pid_t pid);

void sleep_until_ns(uint64_t deadline_ns);

/* A cheap random number, the same ones in every run. */
uint32_t next_random(uint32_t *state);

/* Sleeps until the process has the ring mapped. */
void await_mapped(pid_t pid, const char *name);
/* Sleeps until the process sleeps. */
void await_sleep(pid_t pid);
/* Sleeps until the process has a handler for that signal. An emulator has one for all from the start: there
 * it is some time. */
void await_handler(pid_t pid, int signal);
/* The next line of a program's output begins so. */
void says(FILE *output, const char *expected);
/* The processor time that a process has had, in seconds. */
double cpu_s(pid_t pid);
/* From here on this process, a child, is that user, in these groups only. */
void become(uid_t user, gid_t group, gid_t extra);
/* Skips the test where it takes another user than this one. */
void needs_root(void);
/* From here on this process, and who is started by it, has a /dev/shm of its own, of that size ("40m").
 * False: that is root's to do. */
bool have_own_shm(const char *size);

#define FIRST_DESCRIPTOR 3
#define DESCRIPTORS_END 64

/* Closes all of these, as programs do that make themselves daemons. */
void close_descriptors(void);

/* Open descriptors of this process, and mappings of it whose line holds that text. */
unsigned count_descriptors(void);
unsigned count_mappings(const char *text);

#endif
