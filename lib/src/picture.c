/* SPDX-License-Identifier: Apache-2.0 */
/* Raw pictures: where their planes lie in a slot, and what their numbers mean, in five bytes of the metadata.
 */
#include <errno.h>
#include <stdbool.h>

#include "layout.h"
#include "options.h"

#define PADDING_LOW 0 /* in video_frame_meta_t.reserved: bytes behind each row of the first plane */
#define PADDING_HIGH 1
#define PRIMARIES 2
#define TRANSFER 3
#define MATRIX_RANGE 4 /* the matrix, and from RANGE_SHIFT on the range */
#define RANGE_SHIFT 6
#define MOST_PADDING 65535u
#define MOST_MATRIX 63u
#define UNSPECIFIED 2u /* ITU-T H.273's number of what is not known */

static uint32_t halved(uint32_t value)
{
	return (value + 1) / 2;
}

/* Bytes of a row of the first plane, without padding. */
static uint32_t row_of(const video_frame_meta_t *meta)
{
	switch (meta->codec) {
	case VIDEO_SHM_CODEC_NV12:
		return 2 * halved(meta->width); /* a row of its second plane has two bytes for every two pixels */
	case VIDEO_SHM_CODEC_YUYV:
		return 4 * halved(meta->width);
	case VIDEO_SHM_CODEC_RGB24:
	case VIDEO_SHM_CODEC_BGR24:
		return 3u * meta->width;
	default:
		return meta->width;
	}
}

static uint32_t planes_of(uint8_t codec)
{
	return codec == VIDEO_SHM_CODEC_I420 ? 3 : codec == VIDEO_SHM_CODEC_NV12 ? 2 : 1;
}

static bool is_rgb(uint8_t codec)
{
	return codec == VIDEO_SHM_CODEC_RGB24 || codec == VIDEO_SHM_CODEC_BGR24;
}

static int invalid(void)
{
	errno = EINVAL;
	return -1;
}

static bool is_known(const video_frame_meta_t *meta)
{
	return meta->codec >= VIDEO_SHM_CODEC_NV12 && meta->codec <= VIDEO_SHM_CODEC_GREY && meta->width != 0 &&
		   meta->height != 0;
}

/* Places the planes one behind the other. Returns 0, or -1 with EINVAL: larger than any slot. */
static int place(video_shm_picture_t *picture, const video_frame_meta_t *meta, uint32_t stride)
{
	uint64_t size = 0;

	picture->planes = planes_of(meta->codec);
	for (uint32_t plane = 0; plane < picture->planes; plane++) {
		picture->offset[plane] = (uint32_t)size;
		picture->stride[plane] = plane > 0 && picture->planes == 3 ? halved(stride) : stride;
		picture->rows[plane] = plane > 0 ? halved(meta->height) : meta->height;
		size += (uint64_t)picture->stride[plane] * picture->rows[plane];
		if (size > LAYOUT_MAX_SLOT_SIZE)
			return invalid();
	}
	picture->size = (uint32_t)size;
	return 0;
}

static uint8_t told(uint8_t code)
{
	return code != 0 ? code : UNSPECIFIED;
}

int video_shm_picture_layout(const video_frame_meta_t *meta, video_shm_picture_t *picture)
{
	if (meta == NULL || picture == NULL || picture->struct_size == 0 || !is_known(meta))
		return invalid();
	const uint8_t *bytes = meta->reserved;
	const uint8_t matrix = bytes[MATRIX_RANGE] & MOST_MATRIX;
	video_shm_picture_t all = {
		.struct_size = picture->struct_size,
		.primaries = told(bytes[PRIMARIES]),
		.transfer = told(bytes[TRANSFER]),
		.matrix = is_rgb(meta->codec) ? 0 : told(matrix),
		.range = bytes[MATRIX_RANGE] >> RANGE_SHIFT,
	};

	if (place(&all, meta, row_of(meta) + bytes[PADDING_LOW] + 256u * bytes[PADDING_HIGH]) != 0)
		return -1;
	if (meta->size != 0 && meta->size != all.size) {
		errno = EBADMSG;
		return -1;
	}
	return options_fill(picture, picture->struct_size, &all, sizeof(all));
}

int video_shm_picture_describe(video_frame_meta_t *meta, const video_shm_picture_t *picture)
{
	video_shm_picture_t all;

	if (meta == NULL || !is_known(meta) ||
		options_copy(&all, sizeof(all), picture, picture != NULL ? picture->struct_size : 0) != 0)
		return invalid();
	const uint32_t row = row_of(meta), padding = all.stride[0] != 0 ? all.stride[0] - row : 0;

	if (padding > MOST_PADDING || all.matrix > MOST_MATRIX || all.range > VIDEO_SHM_RANGE_FULL ||
		place(&all, meta, row + padding) != 0)
		return invalid();
	meta->reserved[PADDING_LOW] = (uint8_t)padding;
	meta->reserved[PADDING_HIGH] = (uint8_t)(padding >> 8);
	meta->reserved[PRIMARIES] = all.primaries;
	meta->reserved[TRANSFER] = all.transfer;
	meta->reserved[MATRIX_RANGE] = (uint8_t)(all.matrix | all.range << RANGE_SHIFT);
	return 0;
}
