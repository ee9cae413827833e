/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VSHM_INSPECT_H
#define VSHM_INSPECT_H

#include "ring.h"
#include "segment.h"

/* A mapped ring's figures; the reader's part and what inspect_identity fills become zero. */
void inspect_ring(video_shm_info_t *info, const struct ring *ring);

void inspect_identity(video_shm_info_t *info, const struct segment_identity *identity);

#endif
