/* SPDX-License-Identifier: Apache-2.0 */
#include "formats.h"

#include <gst/audio/audio.h>
#include <string.h>

/* By VIDEO_SHM_SAMPLE_RATE_*, in Hz. */
static const int rates[] = {0,     8000,  11025, 12000, 16000, 22050,  24000, 32000,
							44100, 48000, 64000, 88200, 96000, 176400, 192000};

gboolean format_is_sound(guint codec)
{
	return codec >= VIDEO_SHM_CODEC_PCM_S16LE && codec < 128;
}

guint8 format_rate_number(int rate)
{
	for (guint8 number = 1; number < G_N_ELEMENTS(rates); number++)
		if (rates[number] == rate)
			return number;
	return VIDEO_SHM_SAMPLE_RATE_UNKNOWN;
}

static int rate_of(const video_frame_meta_t *meta)
{
	return meta->fps < G_N_ELEMENTS(rates) ? rates[meta->fps] : 0;
}

/* What the writer did not know is left open: a parser finds it in the stream. */
static GstCaps *coded_picture(const char *description, const video_frame_meta_t *meta)
{
	GstCaps *caps = gst_caps_from_string(description);

	if (meta->width != 0 && meta->height != 0)
		gst_caps_set_simple(caps, "width", G_TYPE_INT, (int)meta->width, "height", G_TYPE_INT,
							(int)meta->height, NULL);
	if (meta->fps != 0)
		gst_caps_set_simple(caps, "framerate", GST_TYPE_FRACTION, (int)meta->fps, 1, NULL);
	return caps;
}

static GstCaps *pcm(int rate, int channels)
{
	GstAudioInfo info;
	GstAudioChannelPosition positions[64];
	const gboolean known = channels <= 64 && channels > 2;

	if (known)
		gst_audio_channel_positions_from_mask(channels, gst_audio_channel_get_fallback_mask(channels),
											  positions);
	gst_audio_info_init(&info);
	gst_audio_info_set_format(&info, GST_AUDIO_FORMAT_S16LE, rate, channels, known ? positions : NULL);
	return gst_audio_info_to_caps(&info);
}

static GstCaps *sound(const video_frame_meta_t *meta)
{
	const int rate = rate_of(meta), channels = meta->height;
	GstCaps *caps;

	if (rate == 0 || channels == 0)
		return NULL;
	if (meta->codec == VIDEO_SHM_CODEC_PCM_S16LE)
		return pcm(rate, channels);
	if (meta->codec != VIDEO_SHM_CODEC_AAC && meta->codec != VIDEO_SHM_CODEC_OPUS)
		return NULL;
	caps = gst_caps_from_string(meta->codec == VIDEO_SHM_CODEC_AAC ? FORMATS_AAC : FORMATS_OPUS);
	gst_caps_set_simple(caps, "rate", G_TYPE_INT, rate, "channels", G_TYPE_INT, channels, NULL);
	return caps;
}

GstCaps *format_caps(const video_frame_meta_t *meta)
{
	if (format_is_sound(meta->codec))
		return sound(meta);
	if (raw_is(meta->codec))
		return raw_caps(meta);
	switch (meta->codec) {
	case VIDEO_SHM_CODEC_H264:
		return coded_picture(FORMATS_H264, meta);
	case VIDEO_SHM_CODEC_H265:
		return coded_picture(FORMATS_H265, meta);
	case VIDEO_SHM_CODEC_JPEG:
		return coded_picture(FORMATS_JPEG, meta);
	default:
		return NULL;
	}
}

gboolean format_is_same(const video_frame_meta_t *one, const video_frame_meta_t *other)
{
	if (one->codec != other->codec || one->height != other->height || one->fps != other->fps)
		return FALSE;
	if (raw_is(one->codec) &&
		memcmp(one->reserved, other->reserved, sizeof(one->reserved)) != 0) /* its colour */
		return FALSE;
	return one->width == other->width ||
		   format_is_sound(one->codec); /* frames of sound may differ in length */
}

GstClockTime format_duration(const video_frame_meta_t *meta)
{
	if (format_is_sound(meta->codec))
		return rate_of(meta) == 0 ? GST_CLOCK_TIME_NONE
								  : gst_util_uint64_scale(meta->width, GST_SECOND, (guint64)rate_of(meta));
	return meta->fps == 0 ? GST_CLOCK_TIME_NONE : GST_SECOND / meta->fps;
}
