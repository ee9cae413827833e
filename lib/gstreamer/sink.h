/* SPDX-License-Identifier: Apache-2.0 */
/* vshmsink: writes what a pipeline brings into a ring. */
#ifndef VSHM_SINK_H
#define VSHM_SINK_H

#include <gst/base/gstbasesink.h>
#include <video_shm.h>

#include "stream.h"

#define VSHM_TYPE_SINK (vshm_sink_get_type())
G_DECLARE_FINAL_TYPE(VshmSink, vshm_sink, VSHM, SINK, GstBaseSink)

struct _VshmSink {
	GstBaseSink parent;

	/* Properties. */
	char *ring;
	int channel;
	guint slots, slot_size, mode;

	/* Between start and stop. */
	char *name; /* of the ring; NULL: not yet known */
	video_shm_producer_t producer;
	video_shm_producer_options_t options; /* of the ring that is open */
	GMutex lock;                          /* of opening and closing, and of whether it is open */
	gboolean is_open;
	struct stream stream;
	gboolean refused;      /* a stream was, and why was posted: no other one is taken until the next start */
	gboolean broken;       /* what comes next does not continue what came before */
	gboolean warned_large; /* once is enough */
	gboolean warned_sets;  /* likewise */
	gboolean warned_no_room; /* likewise */
};

#endif
