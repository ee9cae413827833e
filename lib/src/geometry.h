/* SPDX-License-Identifier: Apache-2.0 */
/* The offsets in a ring, given its number and size of slots. */
#ifndef VSHM_GEOMETRY_H
#define VSHM_GEOMETRY_H

#include <stdbool.h>

#include "layout.h"

struct geometry {
	uint32_t version; /* header.version */
	uint32_t slots;
	uint32_t slot_size; /* bytes of payload in a slot */
	uint32_t media;
	uint64_t slot_offset; /* of the first slot's metadata; its payload follows after 32 bytes */
	uint64_t slot_stride;
	uint64_t extension_offset; /* 0: plain version 1 */
	uint64_t line_offset;
	uint64_t object_size;
};

/* Computes the layout of a ring. Returns 0, or -1 with EINVAL. */
int geometry_plan(struct geometry *geometry, uint32_t slots, uint32_t slot_size, uint32_t media);

/* Reads the offset of the extension from header; 0 if there is none. Returns 0, or -1 with EAGAIN (not ready
 * yet) or EPROTO. */
int geometry_extension_offset(const struct layout_header *header, uint64_t object_size, uint64_t *offset);

/*
 * Reads the geometry from private copies of header and extension (NULL: plain version 1) of an object of
 * object_size bytes. It trusts neither. Returns 0, or -1 with EPROTO.
 */
int geometry_read(struct geometry *geometry, const struct layout_header *header,
				  const struct layout_extension *extension, uint64_t object_size);

/* Returns the offset of a slot's metadata in the object; the payload follows it. */
static inline uint64_t geometry_slot(const struct geometry *geometry, uint32_t slot)
{
	return geometry->slot_offset + slot * geometry->slot_stride;
}

bool geometry_same(const struct geometry *a, const struct geometry *b);

#endif
