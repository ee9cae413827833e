/* SPDX-License-Identifier: Apache-2.0 */
/* vshmsrc: a live source of what is in a ring. */
#ifndef VSHM_SOURCE_H
#define VSHM_SOURCE_H

#include <gst/base/gstpushsrc.h>
#include <gst/video/video.h>
#include <video_shm.h>

#include "latency.h"

#define VSHM_TYPE_SOURCE (vshm_source_get_type())
G_DECLARE_FINAL_TYPE(VshmSource, vshm_source, VSHM, SOURCE, GstPushSrc)

/* Which times the buffers have so far; the streaming thread's. */
struct source_times {
	GstClockTime base_time; /* of the pipeline when it last began to play; GST_CLOCK_TIME_NONE: not yet */
	GstClockTime
		floor; /* running time from which on buffers can lie: what was captured earlier begins here */
	GstClockTime highest; /* of any buffer so far */
	GstClockTime end;     /* of the last buffer, with its duration; GST_CLOCK_TIME_NONE: none so far */
	gboolean broken;      /* what comes next does not continue what came before */
	guint64 torn;         /* frames that the writer overtook while they were copied, since the last buffer */
};

struct _VshmSource {
	GstPushSrc parent;

	/* Properties. */
	char *ring;
	int channel;
	int start, policy, when_gone;
	gboolean resync;
	guint64 timeout_ns;

	/* Between start and stop. */
	char *name; /* of the ring */
	video_shm_consumer_t consumer;
	GMutex lock; /* of the next two, and of opening and closing */
	GCond woken;
	gboolean is_open;
	gboolean flushing;

	/* The streaming thread's. */
	gboolean has_format;
	gboolean looked_for_sets; /* for the stream's parameter sets: they came, or a warning was posted */
	video_frame_meta_t format;
	GstCaps *caps;
	GstVideoInfo raw;   /* of the caps, if they are raw */
	GstCaps *unix_time; /* of the meta with the time of capture */
	struct source_times times;

	/* The object's lock is over these. */
	struct latency latency;
	video_shm_info_t figures;
};

#endif
