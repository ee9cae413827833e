/* SPDX-License-Identifier: Apache-2.0 */
/* The source's side to the library: joining the ring, waiting for frames, being told to stop waiting. */
#ifndef VSHM_SOURCE_READING_H
#define VSHM_SOURCE_READING_H

#include "source.h"

/* Looks at the ring before it is joined. Returns FALSE, and posts why, if there is no use in going on. */
gboolean source_look(VshmSource *self);

/*
 * Waits for the next frame. GST_FLOW_OK: *view is out, for source_give_back. GST_FLOW_FLUSHING:
 * source_interrupt was called. GST_FLOW_EOS: the writer is gone. GST_FLOW_ERROR was posted.
 */
GstFlowReturn source_next(VshmSource *self, video_shm_view_t *view);

/* Returns whether the frame stayed whole while it was looked at. */
gboolean source_give_back(VshmSource *self, video_shm_view_t *view);

void source_interrupt(VshmSource *self);
void source_resume(VshmSource *self);
void source_leave(VshmSource *self);

#endif
