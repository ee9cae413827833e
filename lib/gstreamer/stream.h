/* SPDX-License-Identifier: Apache-2.0 */
/* What a sink's caps say of the frames to come, and what only a frame's own bytes tell. */
#ifndef VSHM_STREAM_H
#define VSHM_STREAM_H

#include "formats.h"

/* A stream as a ring takes it. */
struct stream {
	video_frame_meta_t meta; /* of each frame; of sound without its samples */
	GstVideoInfo raw;        /* if it is raw */
	guint32 picture_size;    /* bytes of a raw picture; 0: it is none */
	int rate;                /* of sound, Hz */
	guint sample_bytes;      /* of PCM, all channels; 0: it is none */
};

/* Returns FALSE for what a ring can't hold: a sample rate without a number. */
gboolean stream_from_caps(struct stream *stream, GstCaps *caps);

/* Returns how many samples a frame of sound has; 0: its bytes are none. */
guint16 stream_samples(const struct stream *stream, const guint8 *data, gsize size);

/* Returns whether a keyframe of that codec has the parameter sets that a decoder needs to begin there. */
gboolean stream_can_begin(guint8 codec, const guint8 *data, gsize size);

#endif
