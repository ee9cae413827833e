/* SPDX-License-Identifier: Apache-2.0 */
/* How old frames are when they come into the ring: what a pipeline has to wait for them. */
#ifndef VSHM_LATENCY_H
#define VSHM_LATENCY_H

#include <glib.h>

#define LATENCY_FRAMES 32

struct latency {
	guint64 ages_ns[LATENCY_FRAMES]; /* of the last frames, as a ring */
	guint measured;                  /* frames, all in all */
	guint64 told_ns;                 /* what the pipeline was told; 0: nothing yet */
};

void latency_reset(struct latency *latency);

/* Takes the times of a frame, both CLOCK_MONOTONIC; nothing if either is 0. Returns whether more has to be
 * told now. */
gboolean latency_take(struct latency *latency, guint64 capture_ns, guint64 publish_ns);

#endif
