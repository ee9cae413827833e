/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithm on a mapped region: no system call, no waiting, no policy. */
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

/* A view onto base, which holds geometry.object_size bytes. */
void ring_place(struct ring *ring, void *base, const struct geometry *geometry);

/* ---- writer ---- */

/* What the writer counts. It trusts its own copy and only publishes it. */
struct ring_counts {
	uint64_t frames;
	uint64_t keyframes;
	uint64_t bytes;
};

/* What is stored with a frame beside its metadata. */
struct ring_stamp {
	uint32_t flags;
	uint64_t capture_ns;
	uint64_t publish_ns;
};

/* Writes header and extension of a new object, all of it zero so far; the first frame will be counts->frames.
 */
void ring_format(const struct ring *ring, const struct ring_counts *counts);

/* What a writer that died left behind: mends its slots, and tells where to go on. */
void ring_recover(const struct ring *ring, struct ring_counts *counts);

/* Marks the next slot as being written, and gives its payload. */
uint8_t *ring_begin(const struct ring *ring, const struct ring_counts *counts);

/* Where the payload of that frame lies, or will lie, from the object's begin on. */
uint64_t ring_payload_offset(const struct ring *ring, uint64_t frame);

/* Fetches, while the payload is copied, what ring_publish will write once that frame's turn comes. */
void ring_prefetch_to_publish(const struct ring *ring, uint64_t frame);

/* Gives the slot back empty. */
void ring_cancel(const struct ring *ring, const struct ring_counts *counts);

/* Publishes the slot with meta->size bytes in it, and counts it. Waking is the caller's. */
void ring_publish(const struct ring *ring, struct ring_counts *counts, const video_frame_meta_t *meta,
				  const struct ring_stamp *stamp);

/* Makes the futex word another one. Single writer. */
void ring_signal(const struct ring *ring);

/* ---- reader ---- */

/* A frame as it was seen in the ring. All of it is to be believed only once ring_still_whole says so. */
struct ring_look {
	uint64_t frame;
	video_frame_meta_t meta;
	uint32_t flags;
	uint64_t capture_ns;
	uint64_t publish_ns;
	uint64_t keyframes; /* up to and with this frame; 0 on a version 1 ring */
	const uint8_t *data;
	uint64_t offset; /* of data in the object */
};

/* Fetches what a look at that frame will read: all at once, not one after the other. */
void ring_prefetch_to_look(const struct ring *ring, uint64_t frame);

/* Frames written so far. near: a number at most 2^31 away from it, since version 1 counts in 32 bits. */
uint64_t ring_frames(const struct ring *ring, uint64_t near);

/* Number of the first frame that the object ever held. */
uint64_t ring_first_frame(const struct ring *ring);

/* Looks at a frame that ring_frames has counted. False: it is no longer there. meta.size is within the slot.
 */
bool ring_look(const struct ring *ring, uint64_t frame, struct ring_look *look);

/* Whether everything read since ring_look belongs to that frame. */
bool ring_still_whole(const struct ring *ring, const struct ring_look *look);

/* A frame from which a decoder can start. */
bool ring_is_keyframe(const video_frame_meta_t *meta);

#endif
