/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VSHM_INSPECT_H
#define VSHM_INSPECT_H

#include "ring.h"
#include "segment.h"

/* Fills in the figures of a mapped ring; those of the reader, and those of inspect_identity, become zero. */
void inspect_ring(video_shm_info_t *info, const struct ring *ring, uint64_t clock_shift_ns);

/* Converts a time in the ring to this process's time namespace; 0, which means none, stays 0. */
static inline uint64_t inspect_time(uint64_t ns, uint64_t clock_shift_ns)
{
	return ns == 0 ? 0 : ns + clock_shift_ns;
}

void inspect_identity(video_shm_info_t *info, const struct segment_identity *identity);

#endif
