/* SPDX-License-Identifier: Apache-2.0 */
/* The sink's side to the library: making the ring, and writing frames into it. */
#ifndef VSHM_SINK_WRITING_H
#define VSHM_SINK_WRITING_H

#include "sink.h"

/* Makes the ring that suits the stream, or keeps it if it is that already. Returns FALSE, and posts why. */
gboolean sink_open(VshmSink *self);
void sink_close(VshmSink *self);

/* Writes a buffer. A frame that finds no room is dropped, and counted in the ring. GST_FLOW_ERROR was posted.
 */
GstFlowReturn sink_write(VshmSink *self, GstBuffer *buffer);

#endif
