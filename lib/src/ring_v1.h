/* SPDX-License-Identifier: Apache-2.0 */
/* Frames in the ring of a version 1 writer, which has no stamps: where they are, and whether they still are.
 */
#ifndef VSHM_RING_V1_H
#define VSHM_RING_V1_H

#include "ring.h"

/* Its slot and metadata. False: it is no longer there. */
bool ring_v1_find(const struct ring *ring, uint64_t frame, uint32_t *slot, video_frame_meta_t *meta);

/* After an acquire fence: whether all that was read before it belongs to that frame. */
bool ring_v1_still_whole(const struct ring *ring, const struct ring_look *look);

#endif
