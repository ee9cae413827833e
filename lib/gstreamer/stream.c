/* SPDX-License-Identifier: Apache-2.0 */
#include "stream.h"

#include <string.h>

#define OPUS_RATE 48000
#define AAC_SAMPLES 1024
#define ADTS_BYTES 7

/* ---- caps ---- */

static void set_picture(video_frame_meta_t *meta, const GstStructure *caps, guint8 codec)
{
	int width = 0, height = 0, numerator = 0, denominator = 1;

	(void)gst_structure_get_int(caps, "width", &width);
	(void)gst_structure_get_int(caps, "height", &height);
	(void)gst_structure_get_fraction(caps, "framerate", &numerator, &denominator);
	meta->codec = codec;
	meta->width = (uint16_t)CLAMP(width, 0, G_MAXUINT16);
	meta->height = (uint16_t)CLAMP(height, 0, G_MAXUINT16);
	meta->fps = (uint8_t)MIN(
		gst_util_uint64_scale_round((guint64)MAX(numerator, 0), 1, (guint64)MAX(denominator, 1)), G_MAXUINT8);
}

static gboolean set_sound(struct stream *stream, const GstStructure *caps, guint8 codec)
{
	int channels = 0;

	stream->rate = codec == VIDEO_SHM_CODEC_OPUS ? OPUS_RATE : 0;
	(void)gst_structure_get_int(caps, "rate", &stream->rate);
	(void)gst_structure_get_int(caps, "channels", &channels);
	stream->meta.codec = codec;
	stream->meta.height = (uint16_t)CLAMP(channels, 0, G_MAXUINT16);
	stream->meta.fps = format_rate_number(stream->rate);
	stream->sample_bytes = codec == VIDEO_SHM_CODEC_PCM_S16LE ? 2u * stream->meta.height : 0;
	return stream->meta.fps != VIDEO_SHM_SAMPLE_RATE_UNKNOWN && channels > 0;
}

static gboolean set_raw(struct stream *stream, GstCaps *caps)
{
	return gst_video_info_from_caps(&stream->raw, caps) && !GST_VIDEO_INFO_IS_INTERLACED(&stream->raw) &&
		   raw_describe(&stream->raw, &stream->meta, &stream->picture_size);
}

gboolean stream_from_caps(struct stream *stream, GstCaps *caps)
{
	const GstStructure *first = gst_caps_get_structure(caps, 0);
	const char *name = gst_structure_get_name(first);

	memset(stream, 0, sizeof(*stream));
	if (strcmp(name, "audio/x-raw") == 0)
		return set_sound(stream, first, VIDEO_SHM_CODEC_PCM_S16LE);
	if (strcmp(name, "audio/mpeg") == 0)
		return set_sound(stream, first, VIDEO_SHM_CODEC_AAC);
	if (strcmp(name, "audio/x-opus") == 0)
		return set_sound(stream, first, VIDEO_SHM_CODEC_OPUS);
	set_picture(&stream->meta, first,
				strcmp(name, "video/x-h264") == 0   ? VIDEO_SHM_CODEC_H264
				: strcmp(name, "video/x-h265") == 0 ? VIDEO_SHM_CODEC_H265
													: VIDEO_SHM_CODEC_JPEG);
	return strcmp(name, "video/x-raw") != 0 || set_raw(stream, caps);
}

/* ---- sound ---- */

/* RFC 6716, section 3.1: the first byte tells how long a frame is, and mostly how many there are. */
static guint opus_samples(const guint8 *data, gsize size)
{
	static const guint16 silk[] = {480, 960, 1920, 2880}, celt[] = {120, 240, 480, 960};
	const guint configuration = data[0] >> 3;
	const guint frame = configuration < 12   ? silk[configuration % 4]
						: configuration < 16 ? silk[configuration % 2]
											 : celt[configuration % 4];

	switch (data[0] & 3) {
	case 0:
		return frame;
	case 3:
		return size > 1 ? frame * (data[1] & 63u) : 0;
	default:
		return 2 * frame;
	}
}

guint16 stream_samples(const struct stream *stream, const guint8 *data, gsize size)
{
	if (stream->sample_bytes != 0)
		return (guint16)MIN(size / stream->sample_bytes, G_MAXUINT16);
	if (stream->meta.codec ==
		VIDEO_SHM_CODEC_AAC) /* the last field of the header: raw data blocks behind the first */
		return size < ADTS_BYTES || data[0] != 0xff ? 0 : (guint16)(((data[6] & 3) + 1) * AAC_SAMPLES);
	return size == 0
			   ? 0
			   : (guint16)gst_util_uint64_scale(opus_samples(data, size), (guint64)stream->rate, OPUS_RATE);
}

/* ---- parameter sets ---- */

enum unit { UNIT_OTHER, UNIT_SEQUENCE, UNIT_SLICE };

static enum unit unit_of(guint8 codec, guint8 header)
{
	if (codec == VIDEO_SHM_CODEC_H264) {
		const guint8 type = header & 31;

		return type == 7 ? UNIT_SEQUENCE : type >= 1 && type <= 5 ? UNIT_SLICE : UNIT_OTHER;
	}
	const guint8 type = header >> 1 & 63;

	return type == 33 ? UNIT_SEQUENCE : type < 32 ? UNIT_SLICE : UNIT_OTHER;
}

gboolean stream_can_begin(guint8 codec, const guint8 *data, gsize size)
{
	if (codec != VIDEO_SHM_CODEC_H264 && codec != VIDEO_SHM_CODEC_H265)
		return TRUE;
	for (gsize at = 0; at + 3 < size; at++) {
		if (data[at] != 0 || data[at + 1] != 0 || data[at + 2] != 1)
			continue;
		const enum unit unit = unit_of(codec, data[at + 3]);

		if (unit != UNIT_OTHER)
			return unit == UNIT_SEQUENCE;
	}
	return FALSE;
}
