/* SPDX-License-Identifier: Apache-2.0 */
/* Times of capture, which are CLOCK_MONOTONIC's, on a pipeline's clock and back. */
#ifndef VSHM_CAPTURE_TIME_H
#define VSHM_CAPTURE_TIME_H

#include <gst/gst.h>

/* CLOCK_MONOTONIC, in ns. */
guint64 capture_now(void);

/* Returns what the clock shows, or showed, at that moment of CLOCK_MONOTONIC; it may be before the clock's
 * zero. */
gint64 capture_on_clock(GstClock *clock, guint64 monotonic_ns);

/* Returns the moment of CLOCK_MONOTONIC at which the clock shows, or showed, that time; 0 if it is before
 * boot. */
guint64 capture_from_clock(GstClock *clock, GstClockTime time);

/* Returns CLOCK_REALTIME minus CLOCK_MONOTONIC, in ns. */
gint64 capture_realtime_offset(void);

#endif
