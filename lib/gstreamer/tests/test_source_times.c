/* SPDX-License-Identifier: Apache-2.0 */
/* vshmsrc: times of capture on the pipeline's clock, and latency. */
#include "rig.h"

static struct rig rig;

/* Returns the buffer's running time; its segment begins at 0. */
static GstClockTime time_of(guint64 frame)
{
	GstBuffer *buffer = pull_frame(&rig, frame);
	const GstClockTime time = GST_BUFFER_PTS(buffer);

	CHECK(GST_BUFFER_PTS_IS_VALID(buffer));
	gst_buffer_unref(buffer);
	return time;
}

static void on_the_monotonic_clock_the_time_is_that_of_capture(void)
{
	guint64 base;

	rig_open(&rig);
	rig_play(&rig, "");
	base = now_ns();
	gst_element_set_base_time(rig.harness->element, base);
	for (guint64 frame = 0; frame < 3; frame++) {
		const guint64 captured = now_ns();

		put_frame(&rig, TRUE, captured, 0);
		CHECK_EQ(time_of(frame), captured - base);
	}
	rig_close(&rig);
}

/* A clock that stands still shows what it shows now less the age of the frame, which is at least 2 s, and
 * what the test takes more. */
static void on_another_clock_the_time_is_that_of_capture_too(void)
{
	const GstClockTime shown = 1000 * GST_SECOND, base = 900 * GST_SECOND, age = 2 * GST_SECOND;
	guint64 before;
	GstClockTime time;

	rig_open(&rig);
	rig_make_source(&rig, "");
	gst_harness_set_time(rig.harness, shown);
	gst_harness_play(rig.harness);
	gst_element_set_base_time(rig.harness->element, base);
	before = now_ns();
	put_frame(&rig, TRUE, before - age, 0);
	time = time_of(0);
	CHECK(time <= shown - base - age);
	CHECK(time + (now_ns() - before) >= shown - base - age);
	rig_close(&rig);
}

static void what_was_captured_before_the_start_begins_with_it_in_order(void)
{
	rig_open(&rig);
	for (int frame = 0; frame < 4; frame++)
		put_frame(&rig, frame == 0, 0, 0);
	rig_make_source(&rig, "");
	gst_harness_use_systemclock(rig.harness);
	gst_element_set_base_time(rig.harness->element, now_ns());
	gst_harness_play(rig.harness);
	for (guint64 frame = 0; frame < 4; frame++)
		CHECK_EQ(time_of(frame), frame);
	rig_close(&rig);
}

static void after_a_pause_no_time_goes_back(void)
{
	GstClockTime before, after;
	guint64 base;

	rig_open(&rig);
	put_frame(&rig, TRUE, 0, 0);
	rig_make_source(&rig, "");
	gst_harness_use_systemclock(rig.harness);
	base = now_ns() - GST_SECOND;
	gst_element_set_base_time(rig.harness->element, base);
	gst_harness_play(rig.harness);
	before = time_of(0);
	CHECK_EQ(gst_element_set_state(rig.harness->element, GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
	put_frame(&rig, TRUE, 0, 0); /* it may be held already when the base time changes */
	put_frame(&rig, TRUE, 0, 0);
	gst_element_set_base_time(rig.harness->element, base + 5 * GST_SECOND); /* as a pause of 5 s does */
	CHECK_EQ(gst_element_set_state(rig.harness->element, GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
	after = time_of(1);
	CHECK(after > before);
	CHECK_EQ(time_of(2), after + 1);
	rig_close(&rig);
}

static void do_timestamp_takes_the_time_of_arrival(void)
{
	guint64 base, before;

	rig_open(&rig);
	rig_play(&rig, "do-timestamp=true");
	base = now_ns() - 3 * GST_SECOND;
	gst_element_set_base_time(rig.harness->element, base);
	before = now_ns();
	put_frame(&rig, TRUE, before - 2 * GST_SECOND, 0);
	CHECK(time_of(0) >= before - base);
	rig_close(&rig);
}

static void a_time_in_the_future_is_now(void)
{
	guint64 base;

	rig_open(&rig);
	rig_play(&rig, "");
	base = now_ns();
	gst_element_set_base_time(rig.harness->element, base);
	put_frame(&rig, TRUE, now_ns() + 3600 * GST_SECOND, 0);
	CHECK(time_of(0) <= now_ns() - base);
	rig_close(&rig);
}

static void the_wall_clock_of_capture_goes_along(void)
{
	const guint64 age = 2 * GST_SECOND;
	GstReferenceTimestampMeta *meta;
	GstBuffer *buffer;
	guint64 before;

	rig_open(&rig);
	rig_play(&rig, "");
	before = (guint64)g_get_real_time() * GST_USECOND;
	put_frame(&rig, TRUE, now_ns() - age, 0);
	buffer = pull_frame(&rig, 0);
	meta = gst_buffer_get_reference_timestamp_meta(buffer, NULL);
	CHECK(meta != NULL &&
		  gst_structure_has_name(gst_caps_get_structure(meta->reference, 0), "timestamp/x-unix"));
	CHECK(meta->timestamp >= before - age - GST_MSECOND);
	CHECK(meta->timestamp <= (guint64)g_get_real_time() * GST_USECOND - age + GST_MSECOND);
	gst_buffer_unref(buffer);
	rig_close(&rig);
}

static GstClockTime latency(GstClockTime *longest)
{
	GstQuery *query = gst_query_new_latency();
	GstClockTime shortest;
	gboolean live;

	CHECK(gst_element_query(rig.harness->element, query));
	gst_query_parse_latency(query, &live, &shortest, longest);
	CHECK(live);
	gst_query_unref(query);
	return shortest;
}

static void the_latency_is_measured_before_the_start_and_after(void)
{
	const GstClockTime frame = GST_SECOND / 25;
	GstClockTime longest, shortest;

	rig_open(&rig);
	put_frame(&rig, TRUE, now_ns() - 50 * GST_MSECOND, 0);
	rig_play(&rig, "");
	shortest = latency(&longest);
	CHECK(shortest >= 50 * GST_MSECOND);
	pull_frames(&rig, 0, 1);
	shortest = latency(&longest);
	CHECK_EQ(longest, shortest + 7 * frame);
	gst_bus_set_flushing(rig.bus, TRUE); /* what was told so far */
	gst_bus_set_flushing(rig.bus, FALSE);
	put_frame(&rig, TRUE, now_ns() - shortest - 50 * GST_MSECOND, 0);
	pull_frames(&rig, 1, 2);
	CHECK(latency(&longest) >= shortest + 50 * GST_MSECOND);
	gst_message_unref(gst_bus_timed_pop_filtered(rig.bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_LATENCY));
	rig_close(&rig);
}

static void one_late_frame_of_many_changes_no_latency(void)
{
	GstClockTime longest, shortest;

	rig_open(&rig);
	rig_play(&rig, "");
	for (guint64 frame = 0; frame < 40; frame++) {
		put_frame(&rig, TRUE, now_ns() - 20 * GST_MSECOND, 0);
		pull_frames(&rig, frame, frame + 1);
	}
	shortest = latency(&longest);
	put_frame(&rig, TRUE, now_ns() - 5 * GST_SECOND, 0);
	pull_frames(&rig, 40, 41);
	CHECK_EQ(latency(&longest), shortest);
	rig_close(&rig);
}

TEST_MAIN(120, TEST(on_the_monotonic_clock_the_time_is_that_of_capture),
		  TEST(on_another_clock_the_time_is_that_of_capture_too),
		  TEST(what_was_captured_before_the_start_begins_with_it_in_order),
		  TEST(after_a_pause_no_time_goes_back), TEST(do_timestamp_takes_the_time_of_arrival),
		  TEST(a_time_in_the_future_is_now), TEST(the_wall_clock_of_capture_goes_along),
		  TEST(the_latency_is_measured_before_the_start_and_after),
		  TEST(one_late_frame_of_many_changes_no_latency))
