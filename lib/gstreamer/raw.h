/* SPDX-License-Identifier: Apache-2.0 */
/* Raw pictures: the same rows in a ring and in GStreamer's buffers, which pad them otherwise. */
#ifndef VSHM_RAW_H
#define VSHM_RAW_H

#include <gst/video/video.h>
#include <video_shm.h>

#define RAW_FORMATS                                                                                          \
	"video/x-raw, format = (string) { NV12, I420, YUY2, RGB, BGR, GRAY8 }, "                                 \
	"width = (int) [ 1, 65535 ], height = (int) [ 1, 65535 ]"

gboolean raw_is(guint codec);

/* Returns caps, which the caller unrefs, or NULL: a format that is not known here. */
GstCaps *raw_caps(const video_frame_meta_t *meta);

/* Sets codec, size and colour in the metadata, rows without padding, and the bytes that a picture takes.
 * Returns FALSE for a format that a ring does not have. */
gboolean raw_describe(const GstVideoInfo *info, video_frame_meta_t *meta, guint32 *size);

/* Copies a picture out of a ring into a buffer with the caps' format. Returns FALSE if its size is not its
 * format's, or the buffer is not large enough. */
gboolean raw_copy_out(GstBuffer *buffer, const GstVideoInfo *info, const guint8 *data,
					  const video_frame_meta_t *meta);

/* Copies a buffer's picture to where raw_describe said. Returns FALSE if the buffer is too small. */
gboolean raw_copy_in(guint8 *data, const video_frame_meta_t *meta, GstBuffer *buffer,
					 const GstVideoInfo *info);

#endif
