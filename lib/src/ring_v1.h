/* SPDX-License-Identifier: Apache-2.0 */
/* Finds frames in the ring of a version 1 writer, which has no stamps, and tells whether they are still
 * there. */
#ifndef VSHM_RING_V1_H
#define VSHM_RING_V1_H

#include "ring.h"

/* Sets the slot and the metadata of a frame. Returns false if it is gone. */
bool ring_v1_find(const struct ring *ring, uint64_t frame, uint32_t *slot, video_frame_meta_t *meta);

/* To be called after an acquire fence: returns whether all that was read before it belongs to that frame. */
bool ring_v1_still_whole(const struct ring *ring, const struct ring_look *look);

#endif
