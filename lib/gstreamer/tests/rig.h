/* SPDX-License-Identifier: Apache-2.0 */
/* A ring, and an element that reads or writes it under GStreamer's harness. */
#ifndef VSHM_RIG_H
#define VSHM_RIG_H

#include <gst/check/gstharness.h>
#include <gst/check/gsttestclock.h>

#include "check.h"

struct rig {
	const char *ring;
	video_shm_producer_t producer;
	video_frame_meta_t meta; /* of the frames that put_frame writes */
	guint64 frame;           /* number of the next one */
	GstHarness *harness;
	GstBus *bus;
};

/* A ring of 8 small slots, and its writer; the elements come with rig_play. */
void rig_open(struct rig *rig);
/* Starts the writer: anew, after it was closed. */
void rig_start_writer(struct rig *rig);
/* The source with its properties, as in gst-launch; not playing. */
void rig_make_source(struct rig *rig, const char *properties);
void rig_play(struct rig *rig, const char *properties);
/* The sink, playing, which makes the ring with these caps. */
void rig_make_sink(struct rig *rig, const char *properties, const char *caps);
/* Ends all of it, and checks that the elements left no object behind. */
void rig_close(struct rig *rig);

/* Writes a patterned frame of 100 bytes and more, captured at that moment of CLOCK_MONOTONIC; 0: now. */
void put_frame(struct rig *rig, gboolean keyframe, guint64 capture_ns, guint32 flags);

/* Waits for the next buffer and checks that it is the frame of that number, byte by byte; the caller unrefs
 * it. */
GstBuffer *pull_frame(struct rig *rig, guint64 frame);
void pull_frames(struct rig *rig, guint64 from, guint64 until);

/* Waits for an event of that type and skips all before; the caller unrefs it. */
GstEvent *pull_event(struct rig *rig, GstEventType type);

/* Waits for an error or a warning on the bus and checks that it says that. */
void await_message(struct rig *rig, GstMessageType type, const char *words);

#endif
