/* SPDX-License-Identifier: Apache-2.0 */
#include "source_stamping.h"

#include "capture_time.h"
#include "formats.h"

#define OLDEST_NS (60 * GST_SECOND) /* an older wall clock of a version 1 writer is no time of capture */

void source_reset_times(VshmSource *self)
{
	self->times = (struct source_times){
		.base_time = GST_CLOCK_TIME_NONE,
		.end = GST_CLOCK_TIME_NONE,
	};
}

/* Version 1 writers tell the wall clock only. Nothing was captured later than now. */
static guint64 captured(const video_shm_view_t *view)
{
	const guint64 now_ns = capture_now();
	guint64 capture_ns = view->capture_ns;

	if (capture_ns == 0)
		capture_ns = view->meta.timestamp_ms * GST_MSECOND - (guint64)capture_realtime_offset();
	if (view->capture_ns == 0 && now_ns - capture_ns > OLDEST_NS)
		return now_ns;
	return MIN(capture_ns, now_ns);
}

/*
 * Returns the running time of a moment of CLOCK_MONOTONIC. A buffer can't lie before the pipeline began to
 * play, nor in a pause: what was captured then follows what came before as closely as can be, in order.
 */
static GstClockTime running_time(VshmSource *self, guint64 capture_ns)
{
	struct source_times *times = &self->times;
	const GstClockTime base_time = gst_element_get_base_time(GST_ELEMENT(self));
	GstClock *clock = gst_element_get_clock(GST_ELEMENT(self));
	GstClockTime time = GST_CLOCK_TIME_NONE;
	gint64 exact;

	if (clock == NULL)
		return GST_CLOCK_TIME_NONE;
	exact = capture_on_clock(clock, capture_ns) - (gint64)base_time;
	gst_object_unref(clock);
	if (times->base_time != base_time)
		times->floor = GST_CLOCK_TIME_IS_VALID(times->base_time) ? times->highest + 1 : 0;
	times->base_time = base_time;
	time = exact < (gint64)times->floor ? times->floor++ : (GstClockTime)exact;
	times->highest = MAX(times->highest, time);
	return time;
}

/* Says that data is missing between the buffer before and this one. */
static void push_gap(VshmSource *self, GstClockTime from, GstClockTime until)
{
	GstPad *pad = GST_BASE_SRC_PAD(self);
	GstEvent *segment = gst_pad_get_sticky_event(pad, GST_EVENT_SEGMENT, 0);
	GstEvent *gap;

	if (segment == NULL) /* flushed meanwhile: nothing was before */
		return;
	gst_event_unref(segment);
	gap = gst_event_new_gap(from, until - from);
	gst_event_set_gap_flags(gap, GST_GAP_FLAG_MISSING_DATA);
	(void)gst_pad_push_event(pad, gap);
}

static void set_flags(VshmSource *self, GstBuffer *buffer, const video_shm_view_t *view, gboolean lost)
{
	if (lost || self->times.broken || (view->flags & VIDEO_SHM_FLAG_DISCONTINUITY) != 0)
		GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
	if ((view->flags & VIDEO_SHM_FLAG_KEYFRAME) == 0 && view->meta.is_keyframe == 0)
		GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
	if ((view->flags & VIDEO_SHM_FLAG_CORRUPT) != 0)
		GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_CORRUPTED);
}

void source_stamp(VshmSource *self, GstBuffer *buffer, const video_shm_view_t *view)
{
	struct source_times *times = &self->times;
	const guint64 capture_ns = captured(view);
	const gboolean lost = view->missed_before + times->torn > 0;

	GST_BUFFER_OFFSET(buffer) = view->frame;
	GST_BUFFER_OFFSET_END(buffer) = view->frame + 1;
	GST_BUFFER_DURATION(buffer) = format_duration(&view->meta);
	set_flags(self, buffer, view, lost);
	gst_buffer_add_reference_timestamp_meta(
		buffer, self->unix_time, capture_ns + (guint64)capture_realtime_offset(), GST_CLOCK_TIME_NONE);
	times->broken = FALSE;
	times->torn = 0;
	if (gst_base_src_get_do_timestamp(GST_BASE_SRC(self))) /* the base class takes the time of arrival */
		return;
	GST_BUFFER_PTS(buffer) = running_time(self, capture_ns);
	if (!GST_BUFFER_PTS_IS_VALID(buffer))
		return;
	if (lost && GST_CLOCK_TIME_IS_VALID(times->end) && times->end < GST_BUFFER_PTS(buffer))
		push_gap(self, times->end, GST_BUFFER_PTS(buffer));
	times->end = GST_BUFFER_PTS(buffer);
	if (GST_BUFFER_DURATION_IS_VALID(buffer))
		times->end += GST_BUFFER_DURATION(buffer);
}
