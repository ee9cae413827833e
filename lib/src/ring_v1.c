/* SPDX-License-Identifier: Apache-2.0 */
#include "ring_v1.h"

#include "shared.h"

/*
 * write_idx may run freely, as in version 1, or be kept modulo the slots. It is raised before frame_count, so
 * the slot may be off by one: the sequence number in the slot decides.
 */
bool ring_v1_find(const struct ring *ring, uint64_t frame, uint32_t *slot, video_frame_meta_t *meta)
{
	const uint32_t slots = ring->geometry.slots;
	const uint32_t count = atomic_load_explicit(&ring->header->frame_count, memory_order_acquire);
	const uint32_t next = atomic_load_explicit(&ring->header->write_idx, memory_order_acquire);
	const uint32_t back = count - (uint32_t)frame;
	const bool free_running = next - count <= 1;

	if (back == 0 || back >= slots)
		return false;
	for (uint32_t step = 0; step < 2; step++) {
		*slot = (free_running ? next - back - step : next % slots + 2 * slots - back - step) % slots;
		shared_copy_out(meta, ring->base + geometry_slot(&ring->geometry, *slot), sizeof(*meta));
		if (meta->sequence == (uint32_t)frame)
			return true;
	}
	return false;
}

bool ring_v1_still_whole(const struct ring *ring, const struct ring_look *look)
{
	/* The slot at write_idx is being written, all others are whole. After frame 2^32 - 1 the slots start
	 * again at 0, so the count alone does not tell. */
	const uint32_t slots = ring->geometry.slots;
	const uint32_t count = atomic_load_explicit(&ring->header->frame_count, memory_order_relaxed);
	const uint32_t dirty = atomic_load_explicit(&ring->header->write_idx, memory_order_relaxed) % slots;
	video_frame_meta_t meta;

	shared_copy_out(&meta, look->data - sizeof(meta), sizeof(meta));
	return count - (uint32_t)look->frame < slots && meta.sequence == (uint32_t)look->frame &&
		   look->offset != geometry_slot(&ring->geometry, dirty) + sizeof(meta);
}
