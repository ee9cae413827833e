/* SPDX-License-Identifier: Apache-2.0 */
#include "raw.h"

#include <string.h>

static const struct {
	guint8 codec;
	GstVideoFormat format;
} formats[] = {
	{VIDEO_SHM_CODEC_NV12, GST_VIDEO_FORMAT_NV12}, {VIDEO_SHM_CODEC_I420, GST_VIDEO_FORMAT_I420},
	{VIDEO_SHM_CODEC_YUYV, GST_VIDEO_FORMAT_YUY2}, {VIDEO_SHM_CODEC_RGB24, GST_VIDEO_FORMAT_RGB},
	{VIDEO_SHM_CODEC_BGR24, GST_VIDEO_FORMAT_BGR}, {VIDEO_SHM_CODEC_GREY, GST_VIDEO_FORMAT_GRAY8},
};

gboolean raw_is(guint codec)
{
	return codec >= VIDEO_SHM_CODEC_NV12 && codec < VIDEO_SHM_CODEC_PCM_S16LE;
}

/* ---- caps ---- */

static void add_colour(GstCaps *caps, const video_shm_picture_t *picture)
{
	const GstVideoColorimetry colour = {
		.range = picture->range == VIDEO_SHM_RANGE_FULL      ? GST_VIDEO_COLOR_RANGE_0_255
				 : picture->range == VIDEO_SHM_RANGE_LIMITED ? GST_VIDEO_COLOR_RANGE_16_235
															 : GST_VIDEO_COLOR_RANGE_UNKNOWN,
		.matrix = gst_video_color_matrix_from_iso(picture->matrix),
		.transfer = gst_video_transfer_function_from_iso(picture->transfer),
		.primaries = gst_video_color_primaries_from_iso(picture->primaries),
	};
	char *text = gst_video_colorimetry_to_string(&colour);

	if (text != NULL) /* NULL: nothing is known */
		gst_caps_set_simple(caps, "colorimetry", G_TYPE_STRING, text, NULL);
	g_free(text);
}

GstCaps *raw_caps(const video_frame_meta_t *meta)
{
	video_shm_picture_t picture = {.struct_size = sizeof(picture)};
	video_frame_meta_t unsized = *meta;
	GstCaps *caps;

	unsized.size = 0;
	if (video_shm_picture_layout(&unsized, &picture) != 0)
		return NULL;
	for (guint at = 0; at < G_N_ELEMENTS(formats); at++) {
		if (formats[at].codec != meta->codec)
			continue;
		caps = gst_caps_new_simple(
			"video/x-raw", "format", G_TYPE_STRING, gst_video_format_to_string(formats[at].format), "width",
			G_TYPE_INT, (int)meta->width, "height", G_TYPE_INT, (int)meta->height, "framerate",
			GST_TYPE_FRACTION, (int)meta->fps, 1, "interlace-mode", G_TYPE_STRING, "progressive", NULL);
		add_colour(caps, &picture);
		return caps;
	}
	return NULL;
}

gboolean raw_describe(const GstVideoInfo *info, video_frame_meta_t *meta, guint32 *size)
{
	const GstVideoColorimetry *colour = &info->colorimetry;
	video_shm_picture_t picture = {
		.struct_size = sizeof(picture),
		.primaries = (guint8)gst_video_color_primaries_to_iso(colour->primaries),
		.transfer = (guint8)gst_video_transfer_function_to_iso(colour->transfer),
		.matrix = (guint8)gst_video_color_matrix_to_iso(colour->matrix),
		.range = colour->range == GST_VIDEO_COLOR_RANGE_0_255    ? VIDEO_SHM_RANGE_FULL
				 : colour->range == GST_VIDEO_COLOR_RANGE_16_235 ? VIDEO_SHM_RANGE_LIMITED
																 : VIDEO_SHM_RANGE_UNKNOWN,
	};

	for (guint at = 0; at < G_N_ELEMENTS(formats); at++)
		if (formats[at].format == GST_VIDEO_INFO_FORMAT(info))
			meta->codec = formats[at].codec;
	meta->size = 0;
	if (!raw_is(meta->codec) || video_shm_picture_describe(meta, &picture) != 0 ||
		video_shm_picture_layout(meta, &picture) != 0)
		return FALSE;
	*size = picture.size;
	return TRUE;
}

/* ---- rows ---- */

/* Where the planes lie, and the bytes of their rows without padding. */
static gboolean planes_of(const video_frame_meta_t *meta, video_shm_picture_t *picture,
						  video_shm_picture_t *tight)
{
	video_frame_meta_t unpadded = *meta;

	*picture = *tight = (video_shm_picture_t){.struct_size = sizeof(*picture)};
	unpadded.size = 0;
	unpadded.reserved[0] = unpadded.reserved[1] = 0;
	return video_shm_picture_layout(meta, picture) == 0 && video_shm_picture_layout(&unpadded, tight) == 0;
}

static void copy_rows(guint8 *to, gsize to_stride, const guint8 *from, gsize from_stride, gsize row,
					  guint rows)
{
	if (to_stride == from_stride && row == to_stride) {
		memcpy(to, from, row * rows);
		return;
	}
	for (guint at = 0; at < rows; at++)
		memcpy(to + at * to_stride, from + at * from_stride, row);
}

gboolean raw_copy_out(GstBuffer *buffer, const GstVideoInfo *info, const guint8 *data,
					  const video_frame_meta_t *meta)
{
	video_shm_picture_t picture, tight;
	GstVideoFrame frame;

	if (!planes_of(meta, &picture, &tight) || !gst_video_frame_map(&frame, info, buffer, GST_MAP_WRITE))
		return FALSE;
	for (guint at = 0; at < picture.planes; at++)
		copy_rows(GST_VIDEO_FRAME_PLANE_DATA(&frame, at), (gsize)GST_VIDEO_FRAME_PLANE_STRIDE(&frame, at),
				  data + picture.offset[at], picture.stride[at], tight.stride[at], picture.rows[at]);
	gst_video_frame_unmap(&frame);
	return TRUE;
}

gboolean raw_copy_in(guint8 *data, const video_frame_meta_t *meta, GstBuffer *buffer,
					 const GstVideoInfo *info)
{
	video_shm_picture_t picture, tight;
	GstVideoFrame frame;

	if (!planes_of(meta, &picture, &tight) || !gst_video_frame_map(&frame, info, buffer, GST_MAP_READ))
		return FALSE;
	for (guint at = 0; at < picture.planes; at++)
		copy_rows(data + picture.offset[at], picture.stride[at], GST_VIDEO_FRAME_PLANE_DATA(&frame, at),
				  (gsize)GST_VIDEO_FRAME_PLANE_STRIDE(&frame, at), tight.stride[at], picture.rows[at]);
	gst_video_frame_unmap(&frame);
	return TRUE;
}
