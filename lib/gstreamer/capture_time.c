/* SPDX-License-Identifier: Apache-2.0 */
#include "capture_time.h"

#include <time.h>

#define LOOKS 5
#define GOOD_SPREAD_NS 20000

static guint64 clock_ns(clockid_t clock)
{
	struct timespec time = {0, 0};

	(void)clock_gettime(clock, &time);
	return (guint64)time.tv_sec * GST_SECOND + (guint64)time.tv_nsec;
}

guint64 capture_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

gint64 capture_realtime_offset(void)
{
	return (gint64)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC));
}

/* Whether the clock is CLOCK_MONOTONIC itself, as most pipelines' is. A subclass, such as that of a sound
 * card, and a clock that is slaved to another one are not. */
static gboolean is_monotonic(GstClock *clock)
{
	GstClockType type;
	GstClockTime internal, external, numerator, denominator;

	if (G_OBJECT_TYPE(clock) != GST_TYPE_SYSTEM_CLOCK)
		return FALSE;
	g_object_get(clock, "clock-type", &type, NULL);
	gst_clock_get_calibration(clock, &internal, &external, &numerator, &denominator);
	return type == GST_CLOCK_TYPE_MONOTONIC && internal == external && numerator == denominator;
}

/*
 * Returns what the clock shows more than CLOCK_MONOTONIC. Both are looked at together, up to five times,
 * because this thread may lose the processor in between. The two may drift apart; over the age of a frame
 * that is nothing.
 */
static gint64 ahead_of_monotonic(GstClock *clock)
{
	guint64 least = G_MAXUINT64;
	gint64 ahead = 0;

	if (is_monotonic(clock))
		return 0;
	for (int look = 0; look < LOOKS && least > GOOD_SPREAD_NS; look++) {
		const guint64 before = capture_now();
		const GstClockTime shown = gst_clock_get_time(clock);
		const guint64 spread = capture_now() - before;

		if (spread < least) {
			least = spread;
			ahead = (gint64)(shown - (before + spread / 2));
		}
	}
	return ahead;
}

gint64 capture_on_clock(GstClock *clock, guint64 monotonic_ns)
{
	return (gint64)monotonic_ns + ahead_of_monotonic(clock);
}

guint64 capture_from_clock(GstClock *clock, GstClockTime time)
{
	const gint64 moment = (gint64)time - ahead_of_monotonic(clock);

	return moment > 0 ? (guint64)moment : 0;
}
