/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VSHM_INSPECT_H
#define VSHM_INSPECT_H

#include "ring.h"
#include "segment.h"

/* A mapped ring's figures; the reader's part and what inspect_identity fills become zero. */
void inspect_ring(video_shm_info_t *info, const struct ring *ring, uint64_t clock_shift_ns);

/* A time of the ring as this process's time namespace has it; 0, which is none, stays so. */
static inline uint64_t inspect_time(uint64_t ns, uint64_t clock_shift_ns)
{
	return ns == 0 ? 0 : ns + clock_shift_ns;
}

void inspect_identity(video_shm_info_t *info, const struct segment_identity *identity);

#endif
