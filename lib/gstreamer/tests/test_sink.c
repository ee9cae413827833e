/* SPDX-License-Identifier: Apache-2.0 */
/* vshmsink: what comes in a pipeline is what a reader gets, with its times, flags and metadata. */
#include <gst/video/video.h>

#include "rig.h"

#define H264 "video/x-h264,stream-format=byte-stream,alignment=au,width=320,height=240,framerate=30000/1001"
#define JPEG "image/jpeg,width=64,height=48,framerate=5/1"

static struct rig rig;
static video_shm_consumer_t reader;
static video_shm_view_t view;

/* A reader that sees every frame since the first. */
static void join(void)
{
	const video_shm_consumer_options_t options = {
		.struct_size = sizeof(options), .start = VIDEO_SHM_START_OLDEST, .name = rig.ring};

	CHECK_EQ(video_shm_consumer_open(&reader, &options), 0);
}

static void leave(void)
{
	video_shm_consumer_destroy(&reader);
	rig_close(&rig);
}

static void next_frame(void)
{
	view = (video_shm_view_t){.struct_size = sizeof(view)};
	CHECK(video_shm_consumer_acquire(&reader, &view, VIDEO_SHM_NO_WAIT) > 0);
	CHECK_EQ(video_shm_consumer_release(&reader, &view),
			 0); /* its bytes stay where they are: nobody writes now */
}

static void next_is(const void *data, gsize size)
{
	view = (video_shm_view_t){.struct_size = sizeof(view)};
	CHECK_EQ(video_shm_consumer_acquire(&reader, &view, VIDEO_SHM_NO_WAIT), (int)size);
	CHECK(memcmp(view.data, data, size) == 0);
	CHECK_EQ(video_shm_consumer_release(&reader, &view), 0);
}

static void push(const void *data, gsize size, GstBufferFlags flags, GstClockTime pts)
{
	GstBuffer *buffer = gst_buffer_new_memdup(data, size);

	GST_BUFFER_PTS(buffer) = pts;
	GST_BUFFER_FLAG_SET(buffer, flags);
	CHECK_EQ(gst_harness_push(rig.harness, buffer), GST_FLOW_OK);
}

static void each_buffer_is_a_frame_with_its_flags(void)
{
	const guint8 key[] = {0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x65, 2}, delta[] = {0, 0, 0, 1, 0x41, 3};

	rig_make_sink(&rig, "", H264);
	push(key, sizeof(key), 0, 0);
	push(delta, sizeof(delta), GST_BUFFER_FLAG_DELTA_UNIT | GST_BUFFER_FLAG_CORRUPTED, 0);
	push(key, sizeof(key), GST_BUFFER_FLAG_DISCONT, 0);
	join();
	next_is(key, sizeof(key));
	CHECK_EQ(view.meta.is_keyframe, 1);
	CHECK_EQ(view.meta.codec, VIDEO_SHM_CODEC_H264);
	CHECK_EQ(view.meta.width, 320);
	CHECK_EQ(view.meta.height, 240);
	CHECK_EQ(view.meta.fps, 30);
	next_is(delta, sizeof(delta));
	CHECK_EQ(view.meta.is_keyframe, 0);
	CHECK_EQ(view.flags, VIDEO_SHM_FLAG_CORRUPT);
	next_is(key, sizeof(key));
	CHECK_EQ(view.flags, VIDEO_SHM_FLAG_KEYFRAME | VIDEO_SHM_FLAG_DISCONTINUITY);
	CHECK(gst_bus_pop_filtered(rig.bus, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR) == NULL);
	leave();
	CHECK(!shm_exists(rig.ring)); /* closed and removed with the pipeline */
}

static void a_frame_is_as_old_as_its_buffer(void)
{
	const guint64 base = now_ns() - 10 * GST_SECOND;

	rig_make_sink(&rig, "", JPEG);
	gst_element_set_base_time(rig.harness->element, base);
	push("one", 3, 0, 3 * GST_SECOND);
	push("two", 3, 0, 3600 * GST_SECOND); /* a file that is read as fast as it goes */
	push("three", 5, 0, GST_CLOCK_TIME_NONE);
	join();
	next_frame();
	CHECK_EQ(view.capture_ns, base + 3 * GST_SECOND);
	CHECK(view.meta.timestamp_ms / 1000 + 7 <= (guint64)g_get_real_time() / G_USEC_PER_SEC);
	for (int frame = 0; frame < 2; frame++) {
		next_frame();
		CHECK(view.capture_ns > base + 9 * GST_SECOND && view.capture_ns <= now_ns());
	}
	leave();
}

static void the_wall_clock_that_comes_along_is_kept(void)
{
	GstCaps *unix_time, *ntp_time;
	GstBuffer *buffer;

	rig_make_sink(&rig, "", JPEG);
	buffer = gst_buffer_new_memdup("x", 1);
	unix_time = gst_caps_new_empty_simple("timestamp/x-unix");
	ntp_time = gst_caps_new_empty_simple("timestamp/x-ntp");
	gst_buffer_add_reference_timestamp_meta(buffer, ntp_time, 7 * GST_SECOND, GST_CLOCK_TIME_NONE);
	gst_buffer_add_reference_timestamp_meta(buffer, unix_time, 1234567 * GST_MSECOND, GST_CLOCK_TIME_NONE);
	gst_caps_unref(unix_time);
	gst_caps_unref(ntp_time);
	CHECK_EQ(gst_harness_push(rig.harness, buffer), GST_FLOW_OK);
	join();
	next_frame();
	CHECK_EQ(view.meta.timestamp_ms, 1234567);
	leave();
}

static void sound_has_its_samples(const char *caps, const void *data, gsize size, guint codec, guint samples)
{
	rig_make_sink(&rig, "", caps);
	push(data, size, 0, 0);
	join();
	next_is(data, size);
	CHECK_EQ(view.meta.codec, codec);
	CHECK_EQ(view.meta.width, samples);
	CHECK_EQ(view.meta.height, 2);
	CHECK_EQ(view.meta.fps, VIDEO_SHM_SAMPLE_RATE_48000);
	CHECK_EQ(view.meta.is_keyframe, 1);
	leave();
}

static void sound_is_counted_in_samples(void)
{
	const guint8 adts[] = {0xff, 0xf1, 0x4c, 0x80, 0x01, 0x00, 0xfc, 1},
				 two_blocks[] = {0xff, 0xf1, 0, 0, 0, 0, 0xfd};
	const guint8 opus_20_ms[] = {31 << 3, 1}, opus_3_of_60_ms[] = {3 << 3 | 3, 3},
				 opus_2_of_10_ms[] = {14 << 3 | 1, 1};
	const char *aac = "audio/mpeg,mpegversion=4,stream-format=adts,framed=true,rate=48000,channels=2";
	const char *opus = "audio/x-opus,channel-mapping-family=0,rate=48000,channels=2";
	const char *pcm = "audio/x-raw,format=S16LE,layout=interleaved,rate=48000,channels=2";

	sound_has_its_samples(aac, adts, sizeof(adts), VIDEO_SHM_CODEC_AAC, 1024);
	sound_has_its_samples(aac, two_blocks, sizeof(two_blocks), VIDEO_SHM_CODEC_AAC, 2048);
	sound_has_its_samples(opus, opus_20_ms, sizeof(opus_20_ms), VIDEO_SHM_CODEC_OPUS, 960);
	sound_has_its_samples(opus, opus_3_of_60_ms, sizeof(opus_3_of_60_ms), VIDEO_SHM_CODEC_OPUS, 8640);
	sound_has_its_samples(opus, opus_2_of_10_ms, sizeof(opus_2_of_10_ms), VIDEO_SHM_CODEC_OPUS, 960);
	sound_has_its_samples(pcm, "12341234", 8, VIDEO_SHM_CODEC_PCM_S16LE, 2);
}

static void pcm_that_is_too_long_for_a_slot_is_several_frames(void)
{
	const guint64 base = now_ns() - 10 * GST_SECOND;

	rig_make_sink(&rig, "slot-size=10", "audio/x-raw,format=S16LE,layout=interleaved,rate=8000,channels=2");
	gst_element_set_base_time(rig.harness->element, base);
	push("aaaabbbbcccc", 12, 0, GST_SECOND);
	join();
	next_is("aaaabbbb", 8);
	CHECK_EQ(view.meta.width, 2);
	CHECK_EQ(view.capture_ns, base + GST_SECOND);
	next_is("cccc", 4);
	CHECK_EQ(view.meta.width, 1);
	CHECK_EQ(view.capture_ns, base + GST_SECOND + 250 * GST_USECOND);
	leave();
}

static void the_ring_is_as_its_user_wants_it(void)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	rig_make_sink(&rig, "slots=5 slot-size=1000 mode=0640", JPEG);
	CHECK_EQ(video_shm_inspect(rig.ring, &info), 0);
	CHECK_EQ(info.slots, 5);
	CHECK_EQ(info.slot_size, 1000);
	CHECK_EQ(info.mode & 0777, 0640);
	CHECK_EQ(info.media, VIDEO_SHM_MEDIA_VIDEO);
	rig_close(&rig);
	rig_make_sink(&rig, "", "audio/x-opus,channel-mapping-family=0,rate=48000,channels=2");
	CHECK_EQ(video_shm_inspect(rig.ring, &info), 0);
	CHECK_EQ(info.media, VIDEO_SHM_MEDIA_AUDIO);
	rig_close(&rig);
}

static void what_a_ring_cannot_hold_is_refused(void)
{
	static const char *const wrong[] = {"video/x-h264,stream-format=avc,alignment=au",
										"video/x-h264,stream-format=byte-stream,alignment=nal",
										"audio/x-raw,format=F32LE,layout=interleaved,rate=48000,channels=2",
										"video/x-raw,format=P010_10LE,width=8,height=8",
										"video/x-raw,format=NV12,width=8,height=8,interlace-mode=interleaved",
										"audio/x-raw,format=S16LE,layout=interleaved,rate=12345,channels=2"};

	for (guint at = 0; at < G_N_ELEMENTS(wrong); at++) {
		rig_make_sink(&rig, "", wrong[at]);
		CHECK_EQ(gst_harness_push(rig.harness, gst_buffer_new_memdup("x", 1)), GST_FLOW_NOT_NEGOTIATED);
		rig_close(&rig);
	}
}

static void a_frame_that_is_too_large_is_lost_and_told(void)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	rig_make_sink(&rig, "slot-size=4", JPEG);
	push("12345", 5, 0, 0);
	push("1234", 4, 0, 0);
	CHECK_EQ(video_shm_inspect(rig.ring, &info), 0);
	CHECK_EQ(info.dropped_too_large, 1);
	await_message(&rig, GST_MESSAGE_WARNING, "set slot-size=5 or more");
	join();
	next_is("1234", 4);
	CHECK(view.flags & VIDEO_SHM_FLAG_DISCONTINUITY);
	leave();
}

static void a_keyframe_without_parameter_sets_is_told_of_once(void)
{
	const guint8 h264[] = {0, 0, 1, 9, 0, 0, 0, 1, 0x65, 1}, h265[] = {0, 0, 0, 1, 19 << 1, 1, 0};

	rig_make_sink(&rig, "", H264);
	push(h264, sizeof(h264), 0, 0);
	push(h264, sizeof(h264), 0, 0);
	await_message(&rig, GST_MESSAGE_WARNING, "h264parse config-interval=-1");
	CHECK(gst_bus_pop_filtered(rig.bus, GST_MESSAGE_WARNING) == NULL);
	rig_close(&rig);
	rig_make_sink(&rig, "", "video/x-h265,stream-format=byte-stream,alignment=au");
	push(h265, sizeof(h265), 0, 0);
	await_message(&rig, GST_MESSAGE_WARNING, "h265parse config-interval=-1");
	rig_close(&rig);
}

static void another_writer_is_named(void)
{
	char words[80];

	rig_open(&rig);
	rig_make_sink(&rig, "", JPEG);
	(void)snprintf(words, sizeof(words), "Process %d writes to ring %s already", (int)getpid(), rig.ring);
	await_message(&rig, GST_MESSAGE_ERROR, words);
	CHECK_EQ(gst_harness_push(rig.harness, gst_buffer_new_memdup("x", 1)), GST_FLOW_NOT_NEGOTIATED);
	rig_close(&rig);
}

static void a_name_that_was_taken_over_is_told(void)
{
	GstFlowReturn result = GST_FLOW_OK;
	GstBuffer *buffer;

	rig_make_sink(&rig, "", JPEG);
	buffer = gst_buffer_new_memdup("x", 1);
	push("x", 1, 0, 0);
	CHECK_EQ(unlink(shm_path(rig.ring)), 0);
	rig_start_writer(&rig);
	while (result == GST_FLOW_OK)
		result = gst_harness_push(rig.harness, gst_buffer_ref(buffer));
	CHECK_EQ(result, GST_FLOW_ERROR);
	gst_buffer_unref(buffer);
	await_message(&rig, GST_MESSAGE_ERROR, "now leads to another writer's ring");
	rig_close(&rig);
}

TEST_MAIN(120, TEST(each_buffer_is_a_frame_with_its_flags), TEST(a_frame_is_as_old_as_its_buffer),
		  TEST(the_wall_clock_that_comes_along_is_kept), TEST(sound_is_counted_in_samples),
		  TEST(pcm_that_is_too_long_for_a_slot_is_several_frames), TEST(the_ring_is_as_its_user_wants_it),
		  TEST(what_a_ring_cannot_hold_is_refused), TEST(a_frame_that_is_too_large_is_lost_and_told),
		  TEST(a_keyframe_without_parameter_sets_is_told_of_once), TEST(another_writer_is_named),
		  TEST(a_name_that_was_taken_over_is_told))
