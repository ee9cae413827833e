/* SPDX-License-Identifier: Apache-2.0 */
/* vshmsrc on a version 1 writer, which knows the wall clock only. */
#include "rig.h"
#include "v1/v1.h"

static struct rig rig;
static struct v1_writer old;

/* The ring of a writer of version 1, and the source on it. */
static void play(void)
{
	static char properties[40];
	const int channel = fresh_channel();

	gst_init(NULL, NULL);
	rig.ring = "/unused";
	CHECK_EQ(v1_writer_init(&old, channel, 0), 0);
	(void)snprintf(properties, sizeof(properties), "channel=%d resync=false", channel);
	rig_make_source(&rig, properties);
	gst_harness_use_systemclock(rig.harness);
	gst_element_set_base_time(rig.harness->element, now_ns() - 100 * GST_SECOND);
	gst_harness_play(rig.harness);
}

/* Writes a frame with that time, and returns its age in the pipeline. */
static GstClockTime age_of(guint64 timestamp_ms)
{
	const struct v1_meta meta = {
		.timestamp_ms = timestamp_ms, .is_keyframe = 1, .width = 64, .height = 48, .fps = 30};
	const GstClockTime now = now_ns() - gst_element_get_base_time(rig.harness->element);
	GstClockTime time;
	GstBuffer *buffer;

	CHECK_EQ(v1_writer_write(&old, (const uint8_t *)"picture", 7, &meta), 0);
	buffer = gst_harness_pull(rig.harness);
	CHECK(buffer != NULL);
	CHECK_EQ(gst_buffer_get_size(buffer), 7);
	time = GST_BUFFER_PTS(buffer);
	gst_buffer_unref(buffer);
	return time < now ? now - time : 0;
}

static void its_wall_clock_is_the_time_of_capture(void)
{
	const guint64 now_ms = (guint64)g_get_real_time() / 1000;
	GstClockTime age;

	play();
	CHECK_EQ(age_of(5), 0);              /* no wall clock, but some count of its own: it was captured now */
	CHECK_EQ(age_of(now_ms - 80000), 0); /* nor was it in the ring for so long */
	age = age_of(now_ms - 2000);
	CHECK(age >= 1990 * GST_MSECOND);
	CHECK(age <= 2010 * GST_MSECOND + ((guint64)g_get_real_time() / 1000 - now_ms) * GST_MSECOND);
	CHECK_EQ(age_of(now_ms + 3600000), 0);
	v1_writer_destroy(&old);
	rig_close(&rig);
}

TEST_MAIN(60, TEST(its_wall_clock_is_the_time_of_capture))
