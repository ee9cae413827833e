/* SPDX-License-Identifier: Apache-2.0 */
/* What a frame's metadata says, as GStreamer's caps. */
#ifndef VSHM_FORMATS_H
#define VSHM_FORMATS_H

#include <gst/gst.h>
#include <video_shm.h>

#include "raw.h"

#define FORMATS_H264 "video/x-h264, stream-format = (string) byte-stream, alignment = (string) au"
#define FORMATS_H265 "video/x-h265, stream-format = (string) byte-stream, alignment = (string) au"
#define FORMATS_JPEG "image/jpeg"
#define FORMATS_PCM                                                                                          \
	"audio/x-raw, format = (string) S16LE, layout = (string) interleaved, "                                  \
	"rate = (int) [ 8000, 192000 ], channels = (int) [ 1, 65535 ]"
#define FORMATS_AAC                                                                                          \
	"audio/mpeg, mpegversion = (int) 4, stream-format = (string) adts, framed = (boolean) true"
#define FORMATS_OPUS "audio/x-opus, channel-mapping-family = (int) 0"

#define FORMATS_ALL                                                                                          \
	FORMATS_H264 "; " FORMATS_H265 "; " FORMATS_JPEG "; " RAW_FORMATS "; " FORMATS_PCM "; " FORMATS_AAC      \
				 "; " FORMATS_OPUS

/* Returns caps, which the caller unrefs, or NULL: a codec that is not known here, sound without its rate. */
GstCaps *format_caps(const video_frame_meta_t *meta);

/* Returns whether both have the same caps. */
gboolean format_is_same(const video_frame_meta_t *one, const video_frame_meta_t *other);

/* Returns how long a frame lasts, or GST_CLOCK_TIME_NONE. */
GstClockTime format_duration(const video_frame_meta_t *meta);

gboolean format_is_sound(guint codec);

/* Returns VIDEO_SHM_SAMPLE_RATE_* of a rate in Hz. */
guint8 format_rate_number(int rate);

#endif
