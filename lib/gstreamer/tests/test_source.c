/* SPDX-License-Identifier: Apache-2.0 */
/* vshmsrc: frames, their caps and flags, and what it says of frames that are missing. */
#include "rig.h"

static struct rig rig;

static void caps_are(const char *expected)
{
	GstCaps *caps = gst_pad_get_current_caps(rig.harness->sinkpad), *wanted = gst_caps_from_string(expected);
	char *text = gst_caps_to_string(caps);

	if (!gst_caps_is_equal(caps, wanted))
		check_failed(__FILE__, __LINE__, expected, "but %s", text);
	g_free(text);
	gst_caps_unref(caps);
	gst_caps_unref(wanted);
}

static void flags_are(guint64 frame, gboolean discont, gboolean delta, gboolean corrupted)
{
	GstBuffer *buffer = pull_frame(&rig, frame);

	CHECK_EQ(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT) != 0, discont);
	CHECK_EQ(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT) != 0, delta);
	CHECK_EQ(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_CORRUPTED) != 0, corrupted);
	CHECK_EQ(GST_BUFFER_DURATION(buffer), GST_SECOND / 25);
	gst_buffer_unref(buffer);
}

static void each_frame_is_a_buffer_with_its_flags(void)
{
	rig_open(&rig);
	put_frame(&rig, FALSE, 0, 0); /* nothing can be decoded from it */
	put_frame(&rig, TRUE, 0, 0);
	put_frame(&rig, FALSE, 0, VIDEO_SHM_FLAG_CORRUPT);
	rig_play(&rig, "");
	flags_are(1, TRUE, FALSE, FALSE);
	flags_are(2, FALSE, TRUE, TRUE);
	put_frame(&rig, TRUE, 0, VIDEO_SHM_FLAG_DISCONTINUITY);
	flags_are(3, TRUE, FALSE, FALSE);
	put_frame(&rig, FALSE, 0, 0);
	flags_are(4, FALSE, TRUE, FALSE);
	caps_are("video/x-h264, stream-format=byte-stream, alignment=au, width=320, height=240, framerate=25/1");
	rig_close(&rig);
}

static void the_caps_follow_the_frames(void)
{
	static const struct {
		video_frame_meta_t meta;
		const char *caps;
	} formats[] = {
		{{.codec = VIDEO_SHM_CODEC_H264, .width = 640, .height = 480, .fps = 30},
		 "video/x-h264, stream-format=byte-stream, alignment=au, width=640, height=480, framerate=30/1"},
		{{.codec = VIDEO_SHM_CODEC_H264, .width = 320, .height = 480, .fps = 30},
		 "video/x-h264, stream-format=byte-stream, alignment=au, width=320, height=480, framerate=30/1"},
		{{.codec = VIDEO_SHM_CODEC_H265, .width = 640, .height = 480},
		 "video/x-h265, stream-format=byte-stream, alignment=au, width=640, height=480"},
		{{.codec = VIDEO_SHM_CODEC_H265}, "video/x-h265, stream-format=byte-stream, alignment=au"},
		{{.codec = VIDEO_SHM_CODEC_JPEG, .width = 64, .height = 48, .fps = 5},
		 "image/jpeg, width=64, height=48, framerate=5/1"},
		{{.codec = VIDEO_SHM_CODEC_PCM_S16LE, .width = 960, .height = 2, .fps = VIDEO_SHM_SAMPLE_RATE_48000},
		 "audio/x-raw, format=S16LE, layout=interleaved, rate=48000, channels=2, channel-mask=(bitmask)3"},
		{{.codec = VIDEO_SHM_CODEC_PCM_S16LE, .width = 441, .height = 1, .fps = VIDEO_SHM_SAMPLE_RATE_44100},
		 "audio/x-raw, format=S16LE, layout=interleaved, rate=44100, channels=1"},
		{{.codec = VIDEO_SHM_CODEC_AAC, .width = 1024, .height = 2, .fps = VIDEO_SHM_SAMPLE_RATE_44100},
		 "audio/mpeg, mpegversion=4, stream-format=adts, framed=true, rate=44100, channels=2"},
		{{.codec = VIDEO_SHM_CODEC_OPUS, .width = 960, .height = 1, .fps = VIDEO_SHM_SAMPLE_RATE_48000},
		 "audio/x-opus, channel-mapping-family=0, rate=48000, channels=1"},
	};

	rig_open(&rig);
	rig_play(&rig, "resync=false");
	for (guint at = 0; at < G_N_ELEMENTS(formats); at++) {
		rig.meta = formats[at].meta;
		put_frame(&rig, TRUE, 0, 0);
		pull_frames(&rig, at, at + 1);
		caps_are(formats[at].caps);
	}
	rig_close(&rig);
}

static void a_frame_of_sound_lasts_as_long_as_its_samples(void)
{
	GstBuffer *buffer;

	rig_open(&rig);
	rig.meta = (video_frame_meta_t){
		.codec = VIDEO_SHM_CODEC_OPUS, .width = 120, .height = 1, .fps = VIDEO_SHM_SAMPLE_RATE_48000};
	put_frame(&rig, TRUE, 0, 0);
	rig_play(&rig, "start=oldest");
	buffer = pull_frame(&rig, 0);
	CHECK_EQ(GST_BUFFER_DURATION(buffer), 2500 * GST_USECOND);
	gst_buffer_unref(buffer);
	rig_close(&rig);
}

static void an_unknown_codec_is_refused(void)
{
	rig_open(&rig);
	rig.meta.codec = VIDEO_SHM_CODEC_AV1;
	put_frame(&rig, TRUE, 0, 0);
	rig_play(&rig, "start=oldest");
	await_message(&rig, GST_MESSAGE_ERROR, "codec 3, which this version does not know");
	rig_close(&rig);
}

static void what_the_next_element_does_not_take_is_refused(void)
{
	rig_open(&rig);
	put_frame(&rig, TRUE, 0, 0);
	rig_make_source(&rig, "");
	gst_harness_set_sink_caps_str(rig.harness, "video/x-h265");
	gst_harness_play(rig.harness);
	await_message(&rig, GST_MESSAGE_ERROR, "video/x-h264");
	rig_close(&rig);
}

/* A pause holds the source up while the writer laps it: eight slots hold frames 13 to 20, of which 16 is a
 * keyframe. */
static void lost_frames_are_a_gap_and_a_discontinuity(void)
{
	const guint64 base = now_ns() - 20 * GST_SECOND, interval = GST_SECOND / 25;
	GstClockTime at, lasts;
	GstGapFlags flags;
	GstEvent *event;
	GstBuffer *buffer;

	rig_open(&rig);
	put_frame(&rig, TRUE, base, 0);
	rig_make_source(&rig, "");
	gst_harness_use_systemclock(rig.harness);
	gst_element_set_base_time(rig.harness->element, base);
	gst_harness_play(rig.harness);
	pull_frames(&rig, 0, 1);
	CHECK_EQ(gst_element_set_state(rig.harness->element, GST_STATE_PAUSED), GST_STATE_CHANGE_NO_PREROLL);
	while (rig.frame < 21)
		put_frame(&rig, rig.frame % 16 == 0, base + rig.frame * interval, 0);
	CHECK_EQ(gst_element_set_state(rig.harness->element, GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
	buffer = gst_harness_pull(rig.harness);
	if (GST_BUFFER_OFFSET(buffer) == 1) { /* which it held already */
		gst_buffer_unref(buffer);
		buffer = gst_harness_pull(rig.harness);
	}
	CHECK_EQ(GST_BUFFER_OFFSET(buffer), 16);
	CHECK_EQ(GST_BUFFER_PTS(buffer), 16 * interval);
	CHECK(GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT));
	event = pull_event(&rig, GST_EVENT_GAP);
	gst_event_parse_gap(event, &at, &lasts);
	gst_event_parse_gap_flags(event, &flags);
	CHECK_EQ(flags, GST_GAP_FLAG_MISSING_DATA);
	CHECK(at == interval || at == 2 * interval);
	CHECK_EQ(at + lasts, GST_BUFFER_PTS(buffer));
	gst_event_unref(event);
	gst_buffer_unref(buffer);
	buffer = pull_frame(&rig, 17);
	CHECK(!GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT));
	gst_buffer_unref(buffer);
	rig_close(&rig);
}

static void the_policy_chooses_frames_and_loses_none(void)
{
	rig_open(&rig);
	for (int frame = 0; frame < 8; frame++)
		put_frame(&rig, frame % 3 == 0, 0, 0);
	rig_play(&rig, "policy=keyframes start=oldest");
	flags_are(0, TRUE, FALSE, FALSE);
	flags_are(3, FALSE, FALSE, FALSE);
	flags_are(6, FALSE, FALSE, FALSE);
	CHECK_EQ(gst_harness_events_in_queue(rig.harness), 3); /* stream-start, caps and segment, and no gap */
	rig_close(&rig);
}

static void the_statistics_balance(void)
{
	GstStructure *stats;
	guint64 received, missed, skipped;

	rig_open(&rig);
	for (int frame = 0; frame < 5; frame++)
		put_frame(&rig, frame == 2, 0, 0);
	rig_play(&rig, "start=oldest");
	pull_frames(&rig, 2, 5);
	g_object_get(rig.harness->element, "stats", &stats, NULL);
	CHECK(gst_structure_get(stats, "received", G_TYPE_UINT64, &received, "missed", G_TYPE_UINT64, &missed,
							"skipped", G_TYPE_UINT64, &skipped, NULL));
	CHECK_EQ(received, 3);
	CHECK_EQ(missed, 0);
	CHECK_EQ(skipped, 2);
	gst_structure_free(stats);
	rig_close(&rig);
}

TEST_MAIN(120, TEST(each_frame_is_a_buffer_with_its_flags), TEST(the_caps_follow_the_frames),
		  TEST(a_frame_of_sound_lasts_as_long_as_its_samples), TEST(an_unknown_codec_is_refused),
		  TEST(what_the_next_element_does_not_take_is_refused),
		  TEST(lost_frames_are_a_gap_and_a_discontinuity), TEST(the_policy_chooses_frames_and_loses_none),
		  TEST(the_statistics_balance))
