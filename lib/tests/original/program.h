/* SPDX-License-Identifier: Apache-2.0 */
/* What the original's programs share: how they join, how they end, and what they print last. */
#ifndef ORIGINAL_PROGRAM_H
#define ORIGINAL_PROGRAM_H

#include "video_shm.h"

#include <stdatomic.h>

#define ENDED_BY_ERROR 3 /* exit code of those that take an error for the end */

/* 0 after SIGINT or SIGTERM, once the program has begun; for all threads. */
extern atomic_int program_running;
void program_begin(void);

/*
 * Joins the ring of a channel's number, or the only ring if NULL. Returns 0, or -1 with a message on
 * stderr.
 */
int program_join(video_shm_consumer_t *consumer, const char *channel);

/* Counts a frame that was received. */
void program_count(const video_frame_meta_t *meta);

/*
 * Prints "frames=N last=SEQUENCE": how many frames there were, and the last one's number. Returns the exit
 * code for main.
 */
int program_end(int code);

#endif
