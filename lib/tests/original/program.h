/* SPDX-License-Identifier: Apache-2.0 */
/* What the original's programs have in common: how they join, how they end, and what they say last. */
#ifndef ORIGINAL_PROGRAM_H
#define ORIGINAL_PROGRAM_H

#include "video_shm.h"

#include <stdatomic.h>

#define ENDED_BY_ERROR 3 /* exit code of those that take an error for the end */

/* 0 after SIGINT or SIGTERM, once the program has begun; for all threads. */
extern atomic_int program_running;
void program_begin(void);

/* A number is a channel, NULL the only ring there is. It complains where that fails: 0 or -1. */
int program_join(video_shm_consumer_t *consumer, const char *channel);

/* Counts a frame that was had. */
void program_count(const video_frame_meta_t *meta);

/* "frames=N last=SEQUENCE" on stdout: how many frames it had, and which came last. The exit code for main. */
int program_end(int code);

#endif
