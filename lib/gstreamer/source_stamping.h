/* SPDX-License-Identifier: Apache-2.0 */
/* What a buffer says of its frame: time, duration, number, flags; and what is said of frames that are
 * missing. */
#ifndef VSHM_SOURCE_STAMPING_H
#define VSHM_SOURCE_STAMPING_H

#include "source.h"

void source_reset_times(VshmSource *self);

/* Sets all of it in the buffer. For frames lost before this one it pushes a GAP event. */
void source_stamp(VshmSource *self, GstBuffer *buffer, const video_shm_view_t *view);

#endif
