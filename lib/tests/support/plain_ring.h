/* SPDX-License-Identifier: Apache-2.0 */
/* A ring in plain memory with a writer in the same thread, so that a test decides what happens in between. */
#ifndef VSHM_PLAIN_RING_H
#define VSHM_PLAIN_RING_H

#include "cursor.h"
#include "ring.h"

#define PLAIN_FRAME_SIZE 40

struct plain_ring {
	struct ring ring;
	struct ring_counts counts;
};

/*
 * Makes a ring of small slots whose first frame has that number, in place of an earlier one: zero it before
 * the first call.
 */
void plain_make(struct plain_ring *plain, uint32_t slots, uint64_t first_frame);
/* Writes a frame with its own pattern. */
void plain_publish(struct plain_ring *plain, bool keyframe, uint8_t codec);
/* Writes that many frames, none of them a keyframe. */
void plain_publish_many(struct plain_ring *plain, uint32_t frames);

/* Returns whether that frame can be read, and checks its pattern. */
bool plain_holds(const struct plain_ring *plain, uint64_t frame);

/* Makes a version 1 writer's ring, without the extension, whose counters are at count. */
void plain_make_v1(struct plain_ring *plain, uint32_t count);
void plain_publish_v1(struct plain_ring *plain, bool keyframe);

/* Starts a cursor with that start, policy (VIDEO_SHM_START_*, VIDEO_SHM_POLICY_*) and resync. */
void plain_start(struct cursor *cursor, const struct plain_ring *plain, uint32_t at, uint32_t policy,
				 bool resync);
/* Takes the next frame. Returns its number, or -1 if there is none. */
int64_t plain_next(struct cursor *cursor, const struct plain_ring *plain);

#endif
