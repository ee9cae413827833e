/* SPDX-License-Identifier: Apache-2.0 */
/* Rings as the library itself writes them, for the fuzzer to begin with. */
#ifndef VSHM_FUZZ_IMAGES_H
#define VSHM_FUZZ_IMAGES_H

#include "geometry.h"

#define IMAGE_PAGE 4096u

enum { IMAGE_SMALL, IMAGE_V1_EXTENDED, IMAGE_V1_PLAIN, IMAGES };

struct image {
	uint8_t *bytes;
	struct geometry geometry;
	uint64_t size;
	uint32_t *used; /* pages that hold more than zeros */
	uint32_t used_count;
};

extern struct image images[IMAGES];

/* Makes the images under that name, which leads to that path. To be called once. */
void images_make(const char *name, const char *path);

#endif
