/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stamp is a sequence lock, one for each slot. Partners:
 *   P1, P2 with C4, C5: who has read any byte of a new frame sees at [C5] that the stamp is no longer the old
 * one. P3 with C3: who sees the even stamp reads the whole frame. P4 with C2: who sees the count sees the
 * stamps of all frames in it, so that a frame is never taken for lost. P5 with C1: who sees the signal sees
 * the count behind it, so that nobody goes to sleep over a frame. model/ has the proof that each of them is
 * needed.
 */
#include "ring.h"

#include <string.h>

#include "hot.h"
#include "ring_v1.h"
#include "shared.h"

#define RELAXED memory_order_relaxed
#define ACQUIRE memory_order_acquire
#define RELEASE memory_order_release

void ring_place(struct ring *ring, void *base, const struct geometry *geometry)
{
	ring->base = base;
	ring->header = base;
	ring->geometry = *geometry;
	ring->extension = NULL;
	ring->lines = NULL;
	if (geometry->extension_offset != 0) {
		ring->extension = (void *)(ring->base + geometry->extension_offset);
		ring->lines = (void *)(ring->base + geometry->line_offset);
	}
}

/* write_idx is the low 32 bits of the frame number, so at 2^32 the slots begin anew at 0. */
HOT static uint32_t slot_of(const struct ring *ring, uint64_t frame)
{
	return (uint32_t)frame % ring->geometry.slots;
}

HOT bool ring_is_keyframe(const video_frame_meta_t *meta)
{
	return meta->is_keyframe != 0 || meta->codec == VIDEO_SHM_CODEC_JPEG || layout_is_raw(meta);
}

/* ---- writer ---- */

HOT static void store_v1_counts(const struct ring *ring, uint64_t frames)
{
	/* A version 1 reader looks at the count, then at the slot before write_idx. */
	shared_store32(&ring->header->write_idx, (uint32_t)frames, RELEASE);
	shared_store32(&ring->header->frame_count, (uint32_t)frames, RELEASE);
}

void ring_format(const struct ring *ring, const struct ring_counts *counts)
{
	const struct geometry *geometry = &ring->geometry;
	struct layout_extension *extension = ring->extension;

	extension->size = sizeof(*extension);
	extension->slots = geometry->slots;
	extension->slot_size = geometry->slot_size;
	extension->slot_offset = geometry->slot_offset;
	extension->slot_stride = geometry->slot_stride;
	extension->line_offset = geometry->line_offset;
	extension->object_size = geometry->object_size;
	extension->first_frame = counts->frames;
	extension->media = geometry->media;
	for (uint32_t slot = 0; slot < geometry->slots; slot++)
		shared_store64(&ring->lines[slot].frame, LAYOUT_NO_FRAME, RELAXED);
	shared_store64(&extension->keyframes, counts->keyframes, RELAXED);
	shared_store64(&extension->bytes, counts->bytes, RELAXED);
	shared_store64(&extension->frames, counts->frames, RELEASE);
	store_v1_counts(ring, counts->frames);
	shared_store32(&extension->magic, LAYOUT_EXTENSION_MAGIC, RELAXED);
	shared_store32(&ring->header->extension, (uint32_t)(geometry->extension_offset / LAYOUT_UNIT), RELAXED);
	shared_store32(&ring->header->magic, VIDEO_SHM_MAGIC, RELAXED);
	shared_store32(&ring->header->version, geometry->version, RELEASE);
}

/*
 * Empties a slot. Its stamp becomes odd: any even stamp belongs to some frame, and a reader of that frame
 * would trust what it has read.
 */
static void void_line(struct layout_line *line)
{
	shared_store64(&line->frame, LAYOUT_NO_FRAME, RELAXED);
	shared_store32(&line->stamp, LAYOUT_EMPTY_STAMP, RELAXED);
}

void ring_recover(const struct ring *ring, struct ring_counts *counts)
{
	const struct layout_extension *extension = ring->extension;
	const uint32_t v1_count = atomic_load_explicit(&ring->header->frame_count, RELAXED);
	const uint64_t counted = atomic_load_explicit(&extension->frames, ACQUIRE);
	struct ring_look newest;

	counts->frames = counted;
	counts->keyframes = atomic_load_explicit(&extension->keyframes, RELAXED);
	counts->bytes = atomic_load_explicit(&extension->bytes, RELAXED);
	/* Take the larger of the two counters if they are close: version 1 readers may have changed theirs. */
	if (v1_count - (uint32_t)counts->frames <= ring->geometry.slots)
		counts->frames += v1_count - (uint32_t)counts->frames;
	for (uint32_t slot = 0; slot < ring->geometry.slots; slot++) {
		struct layout_line *line = &ring->lines[slot];
		const uint64_t frame = atomic_load_explicit(&line->frame, RELAXED);

		if (atomic_load_explicit(&line->stamp, RELAXED) % 2 != 0 ||
			(frame != LAYOUT_NO_FRAME && frame >= counted))
			void_line(line);
	}
	/* The writer may have died after counting a keyframe, but before counting its frame. */
	if (counts->frames > 0 && ring_look(ring, counts->frames - 1, &newest))
		counts->keyframes = newest.keyframes;
	shared_store64(&ring->extension->keyframes, counts->keyframes, RELAXED);
	shared_store64(&ring->extension->frames, counts->frames, RELEASE);
	store_v1_counts(ring, counts->frames);
}

uint64_t ring_payload_offset(const struct ring *ring, uint64_t frame)
{
	return geometry_slot(&ring->geometry, slot_of(ring, frame)) + sizeof(video_frame_meta_t);
}

HOT uint8_t *ring_begin(const struct ring *ring, const struct ring_counts *counts)
{
	const uint32_t slot = slot_of(ring, counts->frames);

	/* [P1] The old frame is gone. Relaxed, since [P2] orders it. */
	shared_store32(&ring->lines[slot].stamp, layout_stamp(counts->frames) - 1, RELAXED);
	/* [P2] No byte of the new frame is seen before the odd stamp. Pairs with [C4]. */
	atomic_thread_fence(RELEASE);
	return ring->base + geometry_slot(&ring->geometry, slot) + sizeof(video_frame_meta_t);
}

HOT void ring_prefetch_to_publish(const struct ring *ring, uint64_t frame)
{
	__builtin_prefetch(ring->header, 1);
	__builtin_prefetch((const void *)&ring->extension->frames, 1);
	__builtin_prefetch(&ring->lines[slot_of(ring, frame)], 1);
	__builtin_prefetch(ring->base + geometry_slot(&ring->geometry, slot_of(ring, frame)), 1);
}

void ring_cancel(const struct ring *ring, const struct ring_counts *counts)
{
	void_line(&ring->lines[slot_of(ring, counts->frames)]);
}

HOT void ring_publish(const struct ring *ring, struct ring_counts *counts, const video_frame_meta_t *meta,
					  const struct ring_stamp *stamp)
{
	struct layout_extension *extension = ring->extension;
	const uint64_t frame = counts->frames;
	struct layout_line *line = &ring->lines[slot_of(ring, frame)];
	video_frame_meta_t stored;
	const bool keyframe = ring_is_keyframe(meta);

	/* Not copied from *meta as a whole, since the padding must be zero too. */
	memset(&stored, 0, sizeof(stored));
	stored.timestamp_ms = meta->timestamp_ms;
	stored.size = meta->size;
	stored.sequence = (uint32_t)frame;
	stored.is_keyframe = meta->is_keyframe;
	stored.codec = meta->codec;
	stored.width = meta->width;
	stored.height = meta->height;
	stored.fps = meta->fps;
	memcpy(stored.reserved, meta->reserved, sizeof(stored.reserved));
	shared_copy_in(ring->base + geometry_slot(&ring->geometry, slot_of(ring, frame)), &stored,
				   sizeof(stored));

	counts->keyframes += keyframe;
	counts->bytes += meta->size;
	counts->frames++;
	shared_store32(&line->flags, stamp->flags | (keyframe ? (uint32_t)VIDEO_SHM_FLAG_KEYFRAME : 0), RELAXED);
	shared_store64(&line->frame, frame, RELAXED);
	shared_store64(&line->capture_ns, stamp->capture_ns, RELAXED);
	shared_store64(&line->publish_ns, stamp->publish_ns, RELAXED);
	shared_store64(&line->keyframes, counts->keyframes, RELAXED);
	/* [P3] Relaxed: nobody looks at it before [P4] has counted it. */
	shared_store32(&line->stamp, layout_stamp(frame), RELAXED);
	shared_store64(&extension->keyframes, counts->keyframes, RELAXED);
	shared_store64(&extension->bytes, counts->bytes, RELAXED);
	/* [P4] The frame is whole, and its stamp even, before it is counted. Pairs with [C2]. */
	shared_store64(&extension->frames, counts->frames, RELEASE);
	store_v1_counts(ring, counts->frames);
}

HOT void ring_signal(const struct ring *ring)
{
	const uint32_t signal = atomic_load_explicit(&ring->extension->signal, RELAXED);

	/* [P5] What happened is there before the word changes. Pairs with [C1], and with the kernel's own look at
	 * it. */
	shared_store32(&ring->extension->signal, signal + 1, RELEASE);
}

/* ---- reader ---- */

HOT void ring_prefetch_to_look(const struct ring *ring, uint64_t frame)
{
	const uint32_t slot = slot_of(ring, frame);

	__builtin_prefetch(ring->base + geometry_slot(&ring->geometry, slot));
	if (ring->extension == NULL)
		return;
	__builtin_prefetch((const void *)&ring->extension->epoch);
	__builtin_prefetch((const void *)&ring->extension->frames);
	__builtin_prefetch(&ring->lines[slot]);
}

HOT uint64_t ring_frames(const struct ring *ring, uint64_t near)
{
	/* [C2] All frames counted, and their stamps, are seen. Pairs with [P4]. */
	if (ring->extension != NULL)
		return atomic_load_explicit(&ring->extension->frames, ACQUIRE);
	const uint32_t count = atomic_load_explicit(&ring->header->frame_count, ACQUIRE);
	const int64_t ahead = (int32_t)(count - (uint32_t)near);

	return ahead < 0 && near < (uint64_t)-ahead ? count : near + (uint64_t)ahead;
}

HOT uint64_t ring_first_frame(const struct ring *ring)
{
	return ring->extension != NULL ? ring->extension->first_frame : 0;
}

HOT static bool find_stamped(const struct ring *ring, uint64_t frame, uint32_t *slot, struct ring_look *look)
{
	const struct layout_line *line;

	*slot = slot_of(ring, frame);
	line = &ring->lines[*slot];
	/* [C3] Relaxed: [C2] has seen the frame. Only to save a copy, for [C5] decides. */
	if (atomic_load_explicit(&line->stamp, RELAXED) != layout_stamp(frame))
		return false;
	look->flags = atomic_load_explicit(&line->flags, RELAXED);
	look->capture_ns = atomic_load_explicit(&line->capture_ns, RELAXED);
	look->publish_ns = atomic_load_explicit(&line->publish_ns, RELAXED);
	look->keyframes = atomic_load_explicit(&line->keyframes, RELAXED);
	shared_copy_out(&look->meta, ring->base + geometry_slot(&ring->geometry, *slot), sizeof(look->meta));
	/* The stamp comes round after 2^31 frames, and a slot never used has the one that frame 2^31 - 1 will
	 * have. */
	return atomic_load_explicit(&line->frame, RELAXED) == frame;
}

HOT bool ring_look(const struct ring *ring, uint64_t frame, struct ring_look *look)
{
	uint32_t slot;

	memset(look, 0, sizeof(*look));
	look->frame = frame;
	if (ring->extension != NULL) {
		if (!find_stamped(ring, frame, &slot, look))
			return false;
	} else {
		if (!ring_v1_find(ring, frame, &slot, &look->meta))
			return false;
		look->flags = ring_is_keyframe(&look->meta) ? VIDEO_SHM_FLAG_KEYFRAME : 0;
	}
	look->offset = geometry_slot(&ring->geometry, slot) + sizeof(video_frame_meta_t);
	look->data = ring->base + look->offset;
	/* The size was copied once, and only the copy is used from here on. */
	if (look->meta.size == 0 || look->meta.size > ring->geometry.slot_size)
		return false;
	return ring_still_whole(ring, look);
}

HOT bool ring_still_whole(const struct ring *ring, const struct ring_look *look)
{
	/* [C4] All that was read was read before the stamp is looked at again. Pairs with [P2]. */
	atomic_thread_fence(ACQUIRE);
	if (ring->extension != NULL) {
		/* [C5] Relaxed, since [C4] orders it. */
		const uint32_t stamp = atomic_load_explicit(&ring->lines[slot_of(ring, look->frame)].stamp, RELAXED);

		return stamp == layout_stamp(look->frame);
	}
	return ring_v1_still_whole(ring, look);
}
