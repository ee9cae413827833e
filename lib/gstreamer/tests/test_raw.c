/* SPDX-License-Identifier: Apache-2.0 */
/* Raw pictures: rows that are padded one way in a ring, another way in GStreamer, and their colour. */
#include <gst/video/video.h>

#include "rig.h"

#define WIDTH 13 /* odd, and no multiple of 4 */
#define HEIGHT 7

static struct rig rig;

static const struct {
	guint8 codec;
	const char *format;
} formats[] = {{VIDEO_SHM_CODEC_NV12, "NV12"}, {VIDEO_SHM_CODEC_I420, "I420"},
			   {VIDEO_SHM_CODEC_YUYV, "YUY2"}, {VIDEO_SHM_CODEC_RGB24, "RGB"},
			   {VIDEO_SHM_CODEC_BGR24, "BGR"}, {VIDEO_SHM_CODEC_GREY, "GRAY8"}};

/* Each sample tells its component, row and column. */
static guint8 sample_at(guint component, guint row, guint column)
{
	return (guint8)(component * 85 + row * 16 + column);
}

/* By GStreamer's own knowledge of its formats. */
static gboolean is_the_picture(GstVideoFrame *frame)
{
	for (guint c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS(frame); c++)
		for (int row = 0; row < GST_VIDEO_FRAME_COMP_HEIGHT(frame, c); row++)
			for (int column = 0; column < GST_VIDEO_FRAME_COMP_WIDTH(frame, c); column++) {
				const guint8 *data = (const guint8 *)GST_VIDEO_FRAME_COMP_DATA(frame, c);
				const int at = row * GST_VIDEO_FRAME_COMP_STRIDE(frame, c) +
							   column * GST_VIDEO_FRAME_COMP_PSTRIDE(frame, c);

				if (data[at] != sample_at(c, (guint)row, (guint)column))
					return FALSE;
			}
	return TRUE;
}

/* By FORMAT.md: where component c of a ring's picture has that sample. */
static guint32 ring_offset(const video_shm_picture_t *picture, guint8 codec, guint c, guint row, guint column)
{
	switch (codec) {
	case VIDEO_SHM_CODEC_NV12:
		return c == 0 ? row * picture->stride[0] + column
					  : picture->offset[1] + row * picture->stride[1] + 2 * column + (c - 1);
	case VIDEO_SHM_CODEC_I420:
		return picture->offset[c] + row * picture->stride[c] + column;
	case VIDEO_SHM_CODEC_YUYV:
		return row * picture->stride[0] + (c == 0 ? 2 * column : 4 * column + (c == 1 ? 1 : 3));
	case VIDEO_SHM_CODEC_RGB24:
		return row * picture->stride[0] + 3 * column + c;
	case VIDEO_SHM_CODEC_BGR24:
		return row * picture->stride[0] + 3 * column + (2 - c);
	default:
		return row * picture->stride[0] + column;
	}
}

/* Calls visit for every sample: its place in the ring's picture, and its value. */
static void each_sample(const video_shm_picture_t *picture, guint8 codec, const char *format, guint8 *data,
						void (*visit)(guint8 *sample, guint8 value))
{
	GstVideoInfo info;

	gst_video_info_set_format(&info, gst_video_format_from_string(format), WIDTH, HEIGHT);
	for (guint c = 0; c < GST_VIDEO_INFO_N_COMPONENTS(&info); c++)
		for (guint row = 0; row < (guint)GST_VIDEO_INFO_COMP_HEIGHT(&info, c); row++)
			for (guint column = 0; column < (guint)GST_VIDEO_INFO_COMP_WIDTH(&info, c); column++)
				visit(data + ring_offset(picture, codec, c, row, column), sample_at(c, row, column));
}

static void set_sample(guint8 *sample, guint8 value)
{
	*sample = value;
}

static void check_sample(guint8 *sample, guint8 value)
{
	CHECK_EQ(*sample, value);
}

static void start_raw_writer(void)
{
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = 4, .slot_size = 65536, .name = rig.ring};

	video_shm_producer_destroy(&rig.producer);
	CHECK_EQ(video_shm_producer_open(&rig.producer, &options), 0);
}

static void put_picture(guint at, guint32 padding)
{
	video_frame_meta_t meta = {.codec = formats[at].codec, .width = WIDTH, .height = HEIGHT, .fps = 10};
	video_shm_picture_t picture = {.struct_size = sizeof(picture)};
	guint32 capacity;
	guint8 *data;

	CHECK_EQ(video_shm_picture_layout(&meta, &picture), 0);
	picture.stride[0] += padding;
	picture.primaries = picture.transfer = 1;
	picture.matrix = 1;
	picture.range = VIDEO_SHM_RANGE_FULL;
	CHECK_EQ(video_shm_picture_describe(&meta, &picture), 0);
	CHECK_EQ(video_shm_picture_layout(&meta, &picture), 0);
	CHECK_EQ(video_shm_producer_reserve(&rig.producer, &data, &capacity), 0);
	memset(data, 0xee, picture.size);
	each_sample(&picture, meta.codec, formats[at].format, data, set_sample);
	CHECK_EQ(video_shm_producer_commit(&rig.producer, picture.size, &meta, NULL), 0);
}

static void comes_out_of_the_ring(guint at, guint32 padding)
{
	GstVideoInfo info;
	GstVideoFrame frame;
	GstBuffer *buffer;
	GstCaps *caps;

	rig_open(&rig);
	start_raw_writer();
	put_picture(at, padding);
	rig_play(&rig, "start=oldest");
	buffer = gst_harness_pull(rig.harness);
	caps = gst_pad_get_current_caps(rig.harness->sinkpad);
	CHECK(gst_video_info_from_caps(&info, caps));
	CHECK_EQ(GST_VIDEO_INFO_FORMAT(&info), gst_video_format_from_string(formats[at].format));
	CHECK_EQ(GST_VIDEO_INFO_FPS_N(&info), 10);
	CHECK_EQ(info.colorimetry.range, GST_VIDEO_COLOR_RANGE_0_255);
	CHECK_EQ(info.colorimetry.primaries, GST_VIDEO_COLOR_PRIMARIES_BT709);
	CHECK(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ));
	CHECK(is_the_picture(&frame));
	gst_video_frame_unmap(&frame);
	gst_buffer_unref(buffer);
	gst_caps_unref(caps);
	rig_close(&rig);
}

static void pictures_come_out_of_a_ring_whatever_their_padding(void)
{
	for (guint at = 0; at < G_N_ELEMENTS(formats); at++) {
		comes_out_of_the_ring(at, 0);
		comes_out_of_the_ring(at, 6);
	}
}

static void a_picture_of_the_wrong_size_is_refused(void)
{
	video_frame_meta_t meta = {.codec = VIDEO_SHM_CODEC_GREY, .width = WIDTH, .height = HEIGHT};
	const guint8 data[WIDTH * HEIGHT - 1] = {0};

	rig_open(&rig);
	start_raw_writer();
	CHECK_EQ(video_shm_producer_write(&rig.producer, data, sizeof(data), &meta), 0);
	rig_play(&rig, "start=oldest");
	await_message(&rig, GST_MESSAGE_ERROR, "has 90 bytes, which is not its format's size");
	rig_close(&rig);
}

/* Returns a buffer with the picture, in rows that are longer than GStreamer itself would make them. */
static GstBuffer *wide_buffer(const GstVideoInfo *info)
{
	gsize offset[GST_VIDEO_MAX_PLANES] = {0}, size = 3;
	int stride[GST_VIDEO_MAX_PLANES] = {0};
	GstVideoFrame frame;
	GstBuffer *buffer;

	for (guint plane = 0; plane < GST_VIDEO_INFO_N_PLANES(info); plane++) {
		stride[plane] = GST_VIDEO_INFO_PLANE_STRIDE(info, plane) + 12;
		offset[plane] = size;
		size += (gsize)stride[plane] * HEIGHT + 5;
	}
	buffer = gst_buffer_new_allocate(NULL, size, NULL);
	gst_buffer_memset(buffer, 0, 0xee, size);
	gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(info), WIDTH,
								   HEIGHT, GST_VIDEO_INFO_N_PLANES(info), offset, stride);
	CHECK(gst_video_frame_map(&frame, info, buffer, GST_MAP_WRITE));
	for (guint c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS(&frame); c++)
		for (int row = 0; row < GST_VIDEO_FRAME_COMP_HEIGHT(&frame, c); row++)
			for (int column = 0; column < GST_VIDEO_FRAME_COMP_WIDTH(&frame, c); column++)
				((guint8 *)GST_VIDEO_FRAME_COMP_DATA(&frame,
													 c))[row * GST_VIDEO_FRAME_COMP_STRIDE(&frame, c) +
														 column * GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, c)] =
					sample_at(c, (guint)row, (guint)column);
	gst_video_frame_unmap(&frame);
	return buffer;
}

static void goes_into_the_ring(guint at)
{
	char *caps = g_strdup_printf("video/x-raw,format=%s,width=%d,height=%d,framerate=10/1%s",
								 formats[at].format, WIDTH, HEIGHT, at < 3 ? ",colorimetry=bt709" : "");
	const video_shm_consumer_options_t options = {
		.struct_size = sizeof(options), .start = VIDEO_SHM_START_OLDEST, .name = NULL};
	video_shm_consumer_options_t named = options;
	video_shm_picture_t picture = {.struct_size = sizeof(picture)};
	video_shm_view_t view = {.struct_size = sizeof(view)};
	video_shm_consumer_t reader;
	GstVideoInfo info;
	GstCaps *parsed;

	rig_make_sink(&rig, "", caps);
	parsed = gst_caps_from_string(caps);
	CHECK(gst_video_info_from_caps(&info, parsed));
	gst_caps_unref(parsed);
	CHECK_EQ(gst_harness_push(rig.harness, wide_buffer(&info)), GST_FLOW_OK);
	named.name = rig.ring;
	CHECK_EQ(video_shm_consumer_open(&reader, &named), 0);
	CHECK(video_shm_consumer_acquire(&reader, &view, VIDEO_SHM_NO_WAIT) > 0);
	CHECK_EQ(view.meta.codec, formats[at].codec);
	CHECK_EQ(view.meta.is_keyframe, 1);
	CHECK_EQ(video_shm_picture_layout(&view.meta, &picture), 0);
	each_sample(&picture, view.meta.codec, formats[at].format, (guint8 *)(guintptr)view.data, check_sample);
	if (at < 3) {
		CHECK_EQ(picture.range, VIDEO_SHM_RANGE_LIMITED);
		CHECK_EQ(picture.matrix, 1);
		CHECK_EQ(picture.primaries, 1);
	}
	CHECK_EQ(video_shm_consumer_release(&reader, &view), 0);
	video_shm_consumer_destroy(&reader);
	rig_close(&rig);
	g_free(caps);
}

static void pictures_go_into_a_ring_whatever_their_padding(void)
{
	for (guint at = 0; at < G_N_ELEMENTS(formats); at++)
		goes_into_the_ring(at);
}

static void has_slots(int width, int height, guint slots, guint spare)
{
	char *caps = g_strdup_printf("video/x-raw,format=GRAY8,width=%d,height=%d,framerate=10/1", width, height);
	video_shm_info_t info = {.struct_size = sizeof(info)};

	rig_make_sink(&rig, "", caps);
	CHECK_EQ(gst_harness_push(rig.harness, gst_buffer_new_allocate(NULL, (gsize)(width * height), NULL)),
			 GST_FLOW_OK);
	CHECK_EQ(video_shm_inspect(rig.ring, &info), 0);
	CHECK_EQ(info.slots, slots);
	CHECK_EQ(info.slot_size, width * height + (int)spare);
	CHECK_EQ(info.frames, 1);
	rig_close(&rig);
	g_free(caps);
}

static void a_ring_holds_32_mib_of_pictures(void)
{
	has_slots(64, 48, 30, 0);
	has_slots(2048, 1024, 16, 0);
	has_slots(4096, 4096, 4, 0);
	has_slots(1024, 512, 30, 64); /* 30 of this size would be a version 1 ring */
}

TEST_MAIN(120, TEST(a_ring_holds_32_mib_of_pictures),
		  TEST(pictures_come_out_of_a_ring_whatever_their_padding),
		  TEST(a_picture_of_the_wrong_size_is_refused), TEST(pictures_go_into_a_ring_whatever_their_padding))
