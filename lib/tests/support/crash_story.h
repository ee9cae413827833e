/* SPDX-License-Identifier: Apache-2.0 */
/* A process that dies at its k-th crash point, and what its parent knows of how far it came. */
#ifndef VSHM_CRASH_STORY_H
#define VSHM_CRASH_STORY_H

#include <stdbool.h>
#include <stdint.h>

#include "video_shm.h"

/* Geometry of the small rings; a larger one for take-overs that do not fit. */
#define STORY_SLOTS 6
#define STORY_SLOT_SIZE 512
#define STORY_OTHER_SLOTS 7

/* Lies in memory that parent and child share. */
struct story {
	_Atomic uint64_t committed; /* frames for which a write or a commit has returned */
	_Atomic uint64_t begun;     /* frames that may be in the ring */
	_Atomic uint32_t points;    /* crash points that were passed */
};

extern struct story *story;

/* Resets everything. */
void story_begin(void);

/* Lets this process die at its k-th crash point from now on; 0: at none. */
void story_arm(uint32_t k);

/* Puts the library's monotonic clock forward, in this process. */
void story_clock_ahead(unsigned ms);

/*
 * Gives this process a /dev/shm of its own, so that all that is left is seen. Returns false if not
 * permitted.
 */
bool story_own_shm(void);

/* Returns whether /dev/shm holds nothing of this test's, or nothing but the ring and its semaphores. */
bool story_shm_is_clean(const char *ring, bool may_hold_the_ring);

/*
 * Writes the next frame, whose size and payload follow from its number and its writer, so that bytes of two
 * writers never pass for a whole frame. Returns what write returns.
 */
int story_write(video_shm_producer_t *producer, uint16_t who, bool keyframe);
uint32_t story_size(uint64_t frame, uint16_t who);
uint64_t story_pattern(uint64_t frame, uint16_t who);

#endif
