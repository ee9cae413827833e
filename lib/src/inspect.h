/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VSHM_INSPECT_H
#define VSHM_INSPECT_H

#include "segment.h"

/* The ring's figures; the reader's part and what inspect_identity fills become zero. extension NULL:
 * version 1. */
void inspect_ring(video_shm_info_t *info, const struct geometry *geometry, const struct layout_header *header,
				  const struct layout_extension *extension);

void inspect_identity(video_shm_info_t *info, const struct segment_identity *identity);

#endif
