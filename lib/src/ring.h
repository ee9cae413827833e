/* SPDX-License-Identifier: Apache-2.0 */
/* The ring's algorithm on mapped memory: no system calls, no waiting, no policy. */
#ifndef VSHM_RING_H
#define VSHM_RING_H

#include <stdbool.h>

#include "geometry.h"

struct ring {
	uint8_t *base;
	struct layout_header *header;
	struct layout_extension *extension; /* NULL: a version 1 writer's ring */
	struct layout_line *lines;
	struct geometry geometry;
};

/* Sets up ring for the geometry.object_size bytes at base. */
void ring_place(struct ring *ring, void *base, const struct geometry *geometry);

/* ---- writer ---- */

/* The counters of the writer, which trusts its own copy only, and publishes it. */
struct ring_counts {
	uint64_t frames;
	uint64_t keyframes;
	uint64_t bytes;
};

/* What is stored with a frame besides its metadata. */
struct ring_stamp {
	uint32_t flags;
	uint64_t capture_ns;
	uint64_t publish_ns;
};

/* Writes header and extension of a new object, which must be zero; its first frame will be counts->frames. */
void ring_format(const struct ring *ring, const struct ring_counts *counts);

/* Repairs the slots that a dead writer left, and sets counts to go on from. */
void ring_recover(const struct ring *ring, struct ring_counts *counts);

/* Marks the next slot as being written, and returns its payload. */
uint8_t *ring_begin(const struct ring *ring, const struct ring_counts *counts);

/* Returns the offset of a frame's payload in the object. */
uint64_t ring_payload_offset(const struct ring *ring, uint64_t frame);

/* Prefetches what ring_publish will write for that frame, while the payload is copied. */
void ring_prefetch_to_publish(const struct ring *ring, uint64_t frame);

/* Empties the slot that was begun. */
void ring_cancel(const struct ring *ring, const struct ring_counts *counts);

/* Publishes the slot with meta->size bytes, and counts it. The caller wakes the readers. */
void ring_publish(const struct ring *ring, struct ring_counts *counts, const video_frame_meta_t *meta,
				  const struct ring_stamp *stamp);

/* Changes the futex word. Only the writer may call this. */
void ring_signal(const struct ring *ring);

/* ---- reader ---- */

/* A frame as it was seen in the ring. All of it is to be believed only once ring_still_whole says so. */
struct ring_look {
	uint64_t frame;
	video_frame_meta_t meta;
	uint32_t flags;
	uint64_t capture_ns;
	uint64_t publish_ns;
	uint64_t keyframes; /* up to and including this frame; 0 on a version 1 ring */
	const uint8_t *data;
	uint64_t offset; /* of data in the object */
};

/* Prefetches what a look at that frame will read. */
void ring_prefetch_to_look(const struct ring *ring, uint64_t frame);

/* Returns the number of frames written. near must be within 2^31 of it, since version 1 counts in 32 bits. */
uint64_t ring_frames(const struct ring *ring, uint64_t near);

/* Returns the number of the first frame that the object ever held. */
uint64_t ring_first_frame(const struct ring *ring);

/* Looks at a frame that ring_frames has counted. Returns false if it is gone. meta.size fits the slot. */
bool ring_look(const struct ring *ring, uint64_t frame, struct ring_look *look);

/* Returns whether everything that was read since ring_look belongs to that frame. */
bool ring_still_whole(const struct ring *ring, const struct ring_look *look);

/* Returns whether decoding can start at the frame. */
bool ring_is_keyframe(const video_frame_meta_t *meta);

#endif
