/* SPDX-License-Identifier: Apache-2.0 */
/* picture.c: how a raw picture lies in its slot, as its metadata says; and which rings may hold one. */
#include "check.h"
#include "frames.h"
#include "v1.h"

struct sample {
	uint8_t codec;
	uint16_t width, height;
	uint32_t stride; /* given to describe; 0: no padding */
	uint32_t planes, size;
	uint32_t strides[3], offsets[3];
};

static const struct sample samples[] = {
	{VIDEO_SHM_CODEC_NV12, 640, 480, 0, 2, 460800, {640, 640}, {0, 307200}},
	{VIDEO_SHM_CODEC_NV12, 1920, 1080, 2048, 2, 3317760, {2048, 2048}, {0, 2211840}},
	{VIDEO_SHM_CODEC_NV12, 5, 3, 0, 2, 30, {6, 6}, {0, 18}},
	{VIDEO_SHM_CODEC_I420, 640, 480, 0, 3, 460800, {640, 320, 320}, {0, 307200, 384000}},
	{VIDEO_SHM_CODEC_I420, 5, 3, 0, 3, 27, {5, 3, 3}, {0, 15, 21}},
	{VIDEO_SHM_CODEC_I420, 100, 2, 128, 3, 384, {128, 64, 64}, {0, 256, 320}},
	{VIDEO_SHM_CODEC_YUYV, 640, 480, 0, 1, 614400, {1280}, {0}},
	{VIDEO_SHM_CODEC_YUYV, 5, 2, 0, 1, 24, {12}, {0}},
	{VIDEO_SHM_CODEC_RGB24, 320, 320, 0, 1, 307200, {960}, {0}},
	{VIDEO_SHM_CODEC_BGR24, 5, 2, 16, 1, 32, {16}, {0}},
	{VIDEO_SHM_CODEC_GREY, 1, 2, 0, 1, 2, {1}, {0}},
	{VIDEO_SHM_CODEC_GREY, 3, 2, 65538, 1, 131076, {65538}, {0}},
};

static video_frame_meta_t meta_of(uint8_t codec, uint16_t width, uint16_t height)
{
	return (video_frame_meta_t){.codec = codec, .width = width, .height = height};
}

static void is_sample(const video_shm_picture_t *picture, const struct sample *sample)
{
	CHECK_EQ(picture->planes, sample->planes);
	CHECK_EQ(picture->size, sample->size);
	for (uint32_t plane = 0; plane < 3; plane++) {
		CHECK_EQ(picture->stride[plane], sample->strides[plane]);
		CHECK_EQ(picture->offset[plane], sample->offsets[plane]);
	}
}

static void planes_lie_one_behind_the_other(void)
{
	for (size_t at = 0; at < sizeof(samples) / sizeof(samples[0]); at++) {
		const struct sample *sample = &samples[at];
		const video_shm_picture_t described = {.struct_size = sizeof(described), .stride = {sample->stride}};
		video_shm_picture_t picture = {.struct_size = sizeof(picture)};
		video_frame_meta_t meta = meta_of(sample->codec, sample->width, sample->height);

		CHECK_EQ(video_shm_picture_describe(&meta, &described), 0);
		CHECK_EQ(video_shm_picture_layout(&meta, &picture), 0);
		is_sample(&picture, sample);
		CHECK_EQ(picture.rows[0], sample->height);
		if (sample->planes > 1)
			CHECK_EQ(picture.rows[1], (sample->height + 1) / 2);
		meta.size = picture.size;
		CHECK_EQ(video_shm_picture_layout(&meta, &picture), 0);
		/* A program that trusted the size would read beyond what was written. */
		meta.size = picture.size - 1;
		CHECK_FAILS(video_shm_picture_layout(&meta, &picture), EBADMSG);
		meta.size = picture.size + 1;
		CHECK_FAILS(video_shm_picture_layout(&meta, &picture), EBADMSG);
		is_sample(&picture, sample);
	}
}

/* The bytes that FORMAT.md describes, so that programs without the library agree. */
static void the_description_lies_where_the_format_says(void)
{
	const video_shm_picture_t described = {.struct_size = sizeof(described),
										   .stride = {640 + 0x0201},
										   .primaries = 9,
										   .transfer = 16,
										   .matrix = 10,
										   .range = VIDEO_SHM_RANGE_FULL};
	static const uint8_t expected[5] = {1, 2, 9, 16, 10 | 2 << 6};
	video_shm_picture_t picture = {.struct_size = sizeof(picture)};
	video_frame_meta_t meta = meta_of(VIDEO_SHM_CODEC_NV12, 640, 480);

	CHECK_EQ(video_shm_picture_describe(&meta, &described), 0);
	CHECK(memcmp(meta.reserved, expected, sizeof(expected)) == 0);
	CHECK_EQ(video_shm_picture_layout(&meta, &picture), 0);
	CHECK_EQ(picture.stride[1], 640 + 0x0201);
	CHECK(picture.primaries == 9 && picture.transfer == 16 && picture.matrix == 10);
	CHECK_EQ(picture.range, VIDEO_SHM_RANGE_FULL);
	CHECK_EQ(video_shm_picture_describe(&meta, NULL), 0);
	CHECK(memcmp(meta.reserved, (uint8_t[5]){0}, 5) == 0);
}

static void what_was_not_told_is_not_known(void)
{
	video_shm_picture_t picture = {.struct_size = sizeof(picture)};
	video_frame_meta_t meta = meta_of(VIDEO_SHM_CODEC_YUYV, 64, 48);

	CHECK_EQ(video_shm_picture_layout(&meta, &picture), 0);
	CHECK(picture.primaries == 2 && picture.transfer == 2 && picture.matrix == 2);
	CHECK_EQ(picture.range, VIDEO_SHM_RANGE_UNKNOWN);
	meta = meta_of(VIDEO_SHM_CODEC_RGB24, 64, 48);
	CHECK_EQ(video_shm_picture_layout(&meta, &picture), 0);
	CHECK_EQ(picture.matrix, 0);
}

static void what_is_no_raw_picture_is_refused(void)
{
	static const uint8_t codecs[] = {VIDEO_SHM_CODEC_H264,     VIDEO_SHM_CODEC_JPEG, 31, 38, 63,
									 VIDEO_SHM_CODEC_PCM_S16LE};
	video_shm_picture_t picture = {.struct_size = sizeof(picture)};
	video_frame_meta_t meta;

	for (size_t at = 0; at < sizeof(codecs); at++) {
		meta = meta_of(codecs[at], 64, 48);
		CHECK_FAILS(video_shm_picture_layout(&meta, &picture), EINVAL);
		CHECK_FAILS(video_shm_picture_describe(&meta, &picture), EINVAL);
	}
	meta = meta_of(VIDEO_SHM_CODEC_GREY, 0, 48);
	CHECK_FAILS(video_shm_picture_layout(&meta, &picture), EINVAL);
	meta = meta_of(VIDEO_SHM_CODEC_GREY, 64, 0);
	CHECK_FAILS(video_shm_picture_layout(&meta, &picture), EINVAL);
	meta = meta_of(VIDEO_SHM_CODEC_RGB24, 65535, 65535); /* 4 times as large as any slot */
	CHECK_FAILS(video_shm_picture_layout(&meta, &picture), EINVAL);
	CHECK_FAILS(video_shm_picture_describe(&meta, NULL), EINVAL);
	meta = meta_of(VIDEO_SHM_CODEC_GREY, 64, 48);
	CHECK_FAILS(video_shm_picture_layout(&meta, NULL), EINVAL);
	CHECK_FAILS(video_shm_picture_layout(NULL, &picture), EINVAL);
	CHECK_FAILS(video_shm_picture_describe(NULL, &picture), EINVAL);
	picture.struct_size = 0;
	CHECK_FAILS(video_shm_picture_layout(&meta, &picture), EINVAL);
	CHECK_FAILS(video_shm_picture_describe(&meta, &picture), EINVAL);
}

static void what_can_not_be_described_is_refused(void)
{
	const uint32_t size = sizeof(video_shm_picture_t);
	const video_shm_picture_t wrong[] = {
		{.struct_size = size, .stride = {191}},
		{.struct_size = size, .stride = {192 + 65536}},
		{.struct_size = size, .matrix = 64},
		{.struct_size = size, .range = 3},
	};
	video_frame_meta_t meta = meta_of(VIDEO_SHM_CODEC_RGB24, 64, 48);

	for (size_t at = 0; at < sizeof(wrong) / sizeof(wrong[0]); at++) {
		CHECK_FAILS(video_shm_picture_describe(&meta, &wrong[at]), EINVAL);
		CHECK(memcmp(meta.reserved, (uint8_t[5]){0}, 5) == 0);
	}
}

/* A version 1 program would hand the picture to a decoder. Another geometry it refuses. */
static void a_ring_of_version_1s_geometry_takes_no_raw_picture(void)
{
	static const uint8_t bytes[12];
	const char *name = fresh_name();
	video_shm_producer_t producer;
	video_shm_info_t info = {.struct_size = sizeof(info)};
	uint8_t *data;
	uint32_t capacity;
	video_frame_meta_t meta = meta_of(VIDEO_SHM_CODEC_GREY, 4, 3);
	video_shm_producer_options_t options = {.struct_size = sizeof(options), .name = name};

	CHECK_EQ(video_shm_producer_open(&producer, &options), 0);
	CHECK_FAILS(video_shm_producer_write(&producer, bytes, sizeof(bytes), &meta), EINVAL);
	CHECK_EQ(video_shm_producer_reserve(&producer, &data, &capacity), 0);
	CHECK_FAILS(video_shm_producer_commit(&producer, sizeof(bytes), &meta, NULL), EINVAL);
	meta.codec = VIDEO_SHM_CODEC_H264;
	CHECK_EQ(video_shm_producer_commit(&producer, sizeof(bytes), &meta, NULL), 0);
	video_shm_producer_destroy(&producer);

	options.slots = 31;
	meta.codec = VIDEO_SHM_CODEC_GREY;
	CHECK_EQ(video_shm_producer_open(&producer, &options), 0);
	CHECK_EQ(video_shm_producer_write(&producer, bytes, sizeof(bytes), &meta), 0);
	CHECK_EQ(video_shm_inspect(name, &info), 0);
	CHECK_EQ(info.version, 2);
	CHECK_EQ(info.keyframes, 1); /* each picture stands for itself */
	video_shm_producer_destroy(&producer);
}

/* As it was deployed, with nothing of ours in it. */
static void a_version_1_program_refuses_a_ring_of_raw_pictures(void)
{
	static const uint8_t bytes[12];
	char name[32];
	const int channel = fresh_channel();
	video_shm_producer_t producer;
	struct v1_reader reader;
	video_shm_info_t info = {.struct_size = sizeof(info)};
	const video_frame_meta_t meta = meta_of(VIDEO_SHM_CODEC_GREY, 4, 3);
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .name = name, .slots = 8, .slot_size = sizeof(bytes)};

	(void)snprintf(name, sizeof(name), "/video_stream_ch%d", channel);
	CHECK_EQ(video_shm_producer_open(&producer, &options), 0);
	CHECK_EQ(video_shm_producer_write(&producer, bytes, sizeof(bytes), &meta), 0);
	CHECK_FAILS(v1_reader_init(&reader, channel), EPROTO);
	CHECK_EQ(video_shm_producer_info(&producer, &info), 0);
	CHECK_EQ(info.v1_readers, 0);
	video_shm_producer_destroy(&producer);
}

TEST_MAIN(20, TEST(planes_lie_one_behind_the_other), TEST(the_description_lies_where_the_format_says),
		  TEST(what_was_not_told_is_not_known), TEST(what_is_no_raw_picture_is_refused),
		  TEST(what_can_not_be_described_is_refused),
		  TEST(a_ring_of_version_1s_geometry_takes_no_raw_picture),
		  TEST(a_version_1_program_refuses_a_ring_of_raw_pictures))
