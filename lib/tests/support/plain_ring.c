/* SPDX-License-Identifier: Apache-2.0 */
#include "plain_ring.h"

#include "check.h"
#include "frames.h"
#include "shared.h"

static void place(struct plain_ring *plain, const struct geometry *geometry)
{
	const size_t size = (size_t)(geometry->object_size + 63) / 64 * 64;
	void *base;

	free(plain->ring.base);
	base = aligned_alloc(64, size);

	CHECK(base != NULL);
	memset(base, 0, size);
	ring_place(&plain->ring, base, geometry);
}

void plain_make(struct plain_ring *plain, uint32_t slots, uint64_t first_frame)
{
	struct geometry geometry;

	CHECK_EQ(geometry_plan(&geometry, slots, 100, 0), 0);
	place(plain, &geometry);
	plain->counts = (struct ring_counts){.frames = first_frame};
	ring_format(&plain->ring, &plain->counts);
}

void plain_publish(struct plain_ring *plain, bool keyframe, uint8_t codec)
{
	const video_frame_meta_t meta = {.size = PLAIN_FRAME_SIZE, .is_keyframe = keyframe, .codec = codec};
	const struct ring_stamp stamp = {0};

	fill_pattern(ring_begin(&plain->ring, &plain->counts), PLAIN_FRAME_SIZE, plain->counts.frames);
	ring_publish(&plain->ring, &plain->counts, &meta, &stamp);
}

bool plain_holds(const struct plain_ring *plain, uint64_t frame)
{
	struct ring_look look;

	if (!ring_look(&plain->ring, frame, &look))
		return false;
	CHECK(look.frame == frame && has_pattern(look.data, look.meta.size, frame));
	return ring_still_whole(&plain->ring, &look);
}

void plain_publish_many(struct plain_ring *plain, uint32_t frames)
{
	for (uint32_t frame = 0; frame < frames; frame++)
		plain_publish(plain, false, VIDEO_SHM_CODEC_H264);
}

void plain_make_v1(struct plain_ring *plain, uint32_t count)
{
	struct geometry geometry;

	CHECK_EQ(geometry_plan(&geometry, VIDEO_SHM_RING_SIZE, VIDEO_SHM_MAX_FRAME_SIZE, 0), 0);
	geometry.extension_offset = geometry.line_offset = 0;
	geometry.object_size = LAYOUT_V1_SIZE;
	place(plain, &geometry);
	plain->ring.header->write_idx = plain->ring.header->frame_count = count;
}

void plain_publish_v1(struct plain_ring *plain, bool keyframe)
{
	struct layout_header *header = plain->ring.header;
	const video_frame_meta_t meta = {.size = 8, .sequence = header->frame_count, .is_keyframe = keyframe};

	shared_copy_in(plain->ring.base + 64 + header->write_idx % VIDEO_SHM_RING_SIZE * LAYOUT_V1_STRIDE, &meta,
				   sizeof(meta));
	header->write_idx = header->write_idx + 1;
	header->frame_count = header->frame_count + 1;
}

void plain_start(struct cursor *cursor, const struct plain_ring *plain, uint32_t at, uint32_t policy,
				 bool resync)
{
	memset(cursor, 0, sizeof(*cursor));
	cursor->policy = policy;
	cursor->resync = resync;
	cursor_place(cursor, &plain->ring, at);
}

int64_t plain_next(struct cursor *cursor, const struct plain_ring *plain)
{
	struct ring_look look;

	if (!cursor_find(cursor, &plain->ring, &look))
		return -1;
	cursor_take(cursor, &look, ring_still_whole(&plain->ring, &look));
	CHECK_EQ(cursor->received + cursor->missed + cursor->skipped, cursor->span);
	return (int64_t)look.frame;
}
