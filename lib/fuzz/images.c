/* SPDX-License-Identifier: Apache-2.0 */
#include "images.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "object.h"

struct image images[IMAGES];

/* A ring that the library itself has written. */
static void keep_image(const char *name, const char *path, struct image *image, uint32_t slots,
					   uint32_t slot_size)
{
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = slots, .slot_size = slot_size, .name = name};
	video_shm_producer_t producer;
	video_frame_meta_t meta = {.width = 640, .height = 360};
	uint8_t frame[OBJECT_SLOT_SIZE] = {1, 2, 3};
	const struct memory_file *file;

	if (geometry_plan(&image->geometry, slots, slot_size, 0) != 0 ||
		video_shm_producer_open(&producer, &options) != 0)
		abort();
	for (uint32_t count = 0; count < 7; count++) {
		meta.is_keyframe = count % 3 == 0;
		if (video_shm_producer_write(&producer, frame, 100 + count, &meta) != 0)
			abort();
	}
	image->size = image->geometry.object_size;
	image->bytes = malloc(image->size);
	file = memory_find(path);
	if (image->bytes == NULL || file == NULL || file->size != image->size)
		abort();
	memcpy(image->bytes, file->data, image->size);
	video_shm_producer_destroy(&producer);
}

static void find_used(struct image *image)
{
	static const uint8_t zero[IMAGE_PAGE];
	const uint64_t bytes = image->size;

	image->used = calloc(bytes / IMAGE_PAGE + 1, sizeof(*image->used));
	image->used_count = 0;
	if (image->used == NULL)
		abort();
	for (uint64_t at = 0; at < bytes; at += IMAGE_PAGE)
		if (memcmp(image->bytes + at, zero, bytes - at < IMAGE_PAGE ? bytes - at : IMAGE_PAGE) != 0)
			image->used[image->used_count++] = (uint32_t)(at / IMAGE_PAGE);
}

void images_make(const char *name, const char *path)
{
	struct image *plain = &images[IMAGE_V1_PLAIN];

	keep_image(name, path, &images[IMAGE_SMALL], OBJECT_SLOTS, OBJECT_SLOT_SIZE);
	keep_image(name, path, &images[IMAGE_V1_EXTENDED], VIDEO_SHM_RING_SIZE, VIDEO_SHM_MAX_FRAME_SIZE);
	*plain = images[IMAGE_V1_EXTENDED];
	plain->size = LAYOUT_V1_SIZE;
	plain->bytes = malloc(LAYOUT_V1_SIZE);
	if (plain->bytes == NULL)
		abort();
	memcpy(plain->bytes, images[IMAGE_V1_EXTENDED].bytes, LAYOUT_V1_SIZE);
	memset(plain->bytes + offsetof(struct layout_header, extension), 0, sizeof(uint32_t));
	for (int at = 0; at < IMAGES; at++)
		find_used(&images[at]);
}
