/* SPDX-License-Identifier: Apache-2.0 */
#include "geometry.h"

#include <errno.h>
#include <string.h>

#define META_SIZE sizeof(video_frame_meta_t)

/*
 * Some processors copy 4 KB to 460 KB many times slower when (target - source) modulo 4096 is 1 to 31. Most
 * buffers begin at the start of a page or a little after it, so payload begins in the middle of a page.
 */
#define PAGE 4096u
#define PAYLOAD_IN_PAGE 2048u

static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

int geometry_plan(struct geometry *geometry, uint32_t slots, uint32_t slot_size, uint32_t media)
{
	if (slots < 2 || slots > LAYOUT_MAX_SLOTS || slot_size == 0 || slot_size > LAYOUT_MAX_SLOT_SIZE ||
		media > VIDEO_SHM_MEDIA_AUDIO) {
		errno = EINVAL;
		return -1;
	}
	const bool v1 = slots == VIDEO_SHM_RING_SIZE && slot_size == VIDEO_SHM_MAX_FRAME_SIZE;

	*geometry = (struct geometry){.version = v1 ? VIDEO_SHM_VERSION : LAYOUT_VERSION_OTHER,
								  .slots = slots,
								  .slot_size = slot_size,
								  .media = media};
	geometry->slot_offset = v1 ? sizeof(struct layout_header) : PAYLOAD_IN_PAGE - META_SIZE;
	geometry->slot_stride = v1 ? LAYOUT_V1_STRIDE : round_up(META_SIZE + slot_size, PAGE);
	geometry->extension_offset = round_up(geometry->slot_offset + slots * geometry->slot_stride, LAYOUT_UNIT);
	geometry->line_offset = geometry->extension_offset + sizeof(struct layout_extension);
	geometry->object_size = geometry->line_offset + slots * sizeof(struct layout_line);
	return 0;
}

int geometry_extension_offset(const struct layout_header *header, uint64_t object_size, uint64_t *offset)
{
	const uint32_t magic = atomic_load_explicit(&header->magic, memory_order_relaxed);
	const uint32_t version = atomic_load_explicit(&header->version, memory_order_relaxed);
	const uint32_t units = atomic_load_explicit(&header->extension, memory_order_relaxed);

	/* A version 1 writer sets the size, clears all, then stores magic, then version. */
	if (object_size == LAYOUT_V1_SIZE && units == 0 &&
		((magic == 0 && version <= VIDEO_SHM_VERSION) || (magic == VIDEO_SHM_MAGIC && version == 0))) {
		errno = EAGAIN;
		return -1;
	}
	*offset = (uint64_t)units * LAYOUT_UNIT;
	if (magic != VIDEO_SHM_MAGIC || (version != VIDEO_SHM_VERSION && version != LAYOUT_VERSION_OTHER) ||
		(version == VIDEO_SHM_VERSION && object_size < LAYOUT_V1_SIZE) ||
		(version == LAYOUT_VERSION_OTHER && units == 0) ||
		(units != 0 && *offset + sizeof(struct layout_extension) > object_size)) {
		errno = EPROTO;
		return -1;
	}
	return 0;
}

/* Every product below is less than 2^41, since slots and slot_size are checked first. */
static bool fits(const struct geometry *geometry, uint64_t extension_size)
{
	const uint64_t slots = geometry->slots;

	if (geometry->slots < 2 || geometry->slots > LAYOUT_MAX_SLOTS || geometry->slot_size == 0 ||
		geometry->slot_size > LAYOUT_MAX_SLOT_SIZE || geometry->media > VIDEO_SHM_MEDIA_AUDIO)
		return false;
	if (geometry->slot_stride < META_SIZE + geometry->slot_size || geometry->slot_stride % 8 != 0 ||
		geometry->slot_stride > META_SIZE + geometry->slot_size + 2 * PAGE ||
		geometry->slot_offset < sizeof(struct layout_header) || geometry->slot_offset % 8 != 0 ||
		geometry->slot_offset > PAGE)
		return false;
	return extension_size >= sizeof(struct layout_extension) && extension_size <= PAGE &&
		   extension_size % LAYOUT_UNIT == 0 &&
		   geometry->slot_offset + slots * geometry->slot_stride <= geometry->extension_offset &&
		   geometry->line_offset == geometry->extension_offset + extension_size &&
		   geometry->line_offset + slots * sizeof(struct layout_line) <= geometry->object_size;
}

int geometry_read(struct geometry *geometry, const struct layout_header *header,
				  const struct layout_extension *extension, uint64_t object_size)
{
	uint64_t extension_offset;
	struct geometry v1;

	if (geometry_extension_offset(header, object_size, &extension_offset) != 0)
		return -1;
	(void)geometry_plan(&v1, VIDEO_SHM_RING_SIZE, VIDEO_SHM_MAX_FRAME_SIZE, VIDEO_SHM_MEDIA_VIDEO);
	if (extension == NULL || extension_offset == 0) {
		*geometry = v1;
		geometry->extension_offset = geometry->line_offset = 0;
		geometry->object_size = LAYOUT_V1_SIZE;
		return 0;
	}
	*geometry = (struct geometry){
		.version = atomic_load_explicit(&header->version, memory_order_relaxed),
		.slots = extension->slots,
		.slot_size = extension->slot_size,
		.media = extension->media,
		.slot_offset = extension->slot_offset,
		.slot_stride = extension->slot_stride,
		.extension_offset = extension_offset,
		.line_offset = extension->line_offset,
		.object_size = extension->object_size,
	};
	const bool known =
		atomic_load_explicit(&extension->magic, memory_order_relaxed) == LAYOUT_EXTENSION_MAGIC;

	v1.media = geometry->media;
	if (!known || geometry->object_size > object_size || !fits(geometry, extension->size) ||
		(geometry->version == VIDEO_SHM_VERSION && !geometry_same(geometry, &v1))) {
		errno = EPROTO;
		return -1;
	}
	return 0;
}

bool geometry_same(const struct geometry *a, const struct geometry *b)
{
	return a->version == b->version && a->slots == b->slots && a->slot_size == b->slot_size &&
		   a->media == b->media && a->slot_offset == b->slot_offset && a->slot_stride == b->slot_stride &&
		   a->extension_offset == b->extension_offset && a->line_offset == b->line_offset &&
		   a->object_size == b->object_size;
}
