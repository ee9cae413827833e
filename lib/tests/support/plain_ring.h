/* SPDX-License-Identifier: Apache-2.0 */
/* A ring on plain memory, with a writer in the same thread: what happens in between is up to the test. */
#ifndef VSHM_PLAIN_RING_H
#define VSHM_PLAIN_RING_H

#include "cursor.h"
#include "ring.h"

#define PLAIN_FRAME_SIZE 40

struct plain_ring {
	struct ring ring;
	struct ring_counts counts;
};

/* In place of what was there before: zero it at first. A ring of ours, of small slots, whose first frame has
 * that number. */
void plain_make(struct plain_ring *plain, uint32_t slots, uint64_t first_frame);
/* A frame with its own pattern. */
void plain_publish(struct plain_ring *plain, bool keyframe, uint8_t codec);
/* So many frames, none of them a keyframe. */
void plain_publish_many(struct plain_ring *plain, uint32_t frames);

/* Whether that frame is handed out; if so, it has its pattern. */
bool plain_holds(const struct plain_ring *plain, uint64_t frame);

/* A version 1 writer's ring, without the extension, whose counters stand there. */
void plain_make_v1(struct plain_ring *plain, uint32_t count);
void plain_publish_v1(struct plain_ring *plain, bool keyframe);

/* A cursor of that start, policy (VIDEO_SHM_START_*, VIDEO_SHM_POLICY_*) and resync. */
void plain_start(struct cursor *cursor, const struct plain_ring *plain, uint32_t at, uint32_t policy,
				 bool resync);
/* Number of its next frame, which is then taken; -1: there is none. */
int64_t plain_next(struct cursor *cursor, const struct plain_ring *plain);

#endif
