/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests with several real processes share beyond check.h. */
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

/*
 * Begins to watch the host: a process that only sleeps, 1 ms at a time. By how much it was late, in all, is
 * what the host's own stalls have cost anybody else too; the longest one alone is what they cost at once.
 */
void watch_stalls(void);
uint64_t stalled_ns(void);
uint64_t longest_stall_ns(void);

/* Joins a ring whose writer may still be starting. */
void join(video_shm_consumer_t *consumer, const video_shm_consumer_options_t *options);

/* Fills and checks a payload that tells its frame and something more (the epoch, the thread). */
uint64_t pattern_key(uint64_t frame, uint32_t salt);

/* Writes a frame of that pattern whose width is the salt; what write returned. */
int write_salted(video_shm_producer_t *producer, uint64_t frame, uint32_t salt, uint32_t size, bool keyframe);

/* A frame as a reader got it is what write_salted made of its number. */
bool is_salted(const uint8_t *data, const video_frame_meta_t *meta);

/* Name of a channel's ring; its semaphores are removed at the end, too. */
const char *channel_ring(int channel);
bool semaphores_exist(int channel);

/* Open descriptors of this process, and mappings of it whose line holds that text. */
unsigned count_descriptors(void);
unsigned count_mappings(const char *text);

/* A page that faults once, in the middle of whatever touches it first: then action runs, as a signal handler.
 * The page at the given address, which must begin a page, is writable afterwards. */
void fault_once(uint8_t *page, void (*action)(void));

#endif
