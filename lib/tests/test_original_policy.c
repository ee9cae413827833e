/* SPDX-License-Identifier: Apache-2.0 */
/* Which frames a program of the original's gets, where its environment says so. */
#include "channels.h"
#include "check.h"
#include "frames.h"

#define FRAME_BYTES 700u

static video_shm_producer_t writer;
static video_shm_consumer_t reader;
static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];

/* It lies there. */
static void gets(uint64_t frame)
{
	video_frame_meta_t meta;

	CHECK_EQ(video_shm_consumer_read(&reader, data, &meta), FRAME_BYTES);
	CHECK_EQ(meta.sequence, frame);
	CHECK(has_pattern(data, FRAME_BYTES, frame));
}

static void join_with(int channel, const char *policy)
{
	CHECK_EQ(policy != NULL ? setenv("VIDEO_SHM_POLICY", policy, 1) : unsetenv("VIDEO_SHM_POLICY"), 0);
	open_channel_consumer(&reader, channel);
}

/* Writes three frames for each that is read. Returns how many frames behind the newest a reader is. */
static uint64_t frames_behind(int channel, const char *policy)
{
	video_frame_meta_t meta = {0};
	uint64_t frame = 0;

	open_channel_producer(&writer, channel);
	join_with(channel, policy);
	for (; frame < 90; frame += 3) {
		write_patterns(&writer, frame, frame + 3, FRAME_BYTES, 5);
		CHECK_EQ(video_shm_consumer_wait(&reader, data, &meta, 1000), FRAME_BYTES);
		CHECK(has_pattern(data, FRAME_BYTES, meta.sequence));
	}
	CHECK_EQ(info_of(&reader).received, 30);
	CHECK_EQ(info_of(&reader).span, meta.sequence + 1);
	video_shm_consumer_destroy(&reader);
	video_shm_producer_destroy(&writer);
	return frame - 1 - meta.sequence;
}

static void the_newest_frame_is_to_be_had_without_a_change_of_the_program(void)
{
	const int channel = fresh_channel();

	CHECK_EQ(frames_behind(channel, "newest"), 0);
	CHECK(frames_behind(channel, NULL) >= 29);
	CHECK(frames_behind(channel, "every") >= 29);
}

static void so_are_keyframes_alone(void)
{
	const int channel = fresh_channel();

	open_channel_producer(&writer, channel);
	join_with(channel, "keyframes");
	write_patterns(&writer, 0, 12, FRAME_BYTES, 5);
	gets(0);
	gets(5);
	gets(10);
	CHECK_EQ(video_shm_consumer_read(&reader, data, &(video_frame_meta_t){0}), 0);
	CHECK_EQ(info_of(&reader).skipped, 9);
	video_shm_consumer_destroy(&reader);
	video_shm_producer_destroy(&writer);
}

/* A service's settings have an empty word if the variable was left out. */
static void an_empty_word_is_none(void)
{
	const int channel = fresh_channel();

	open_channel_producer(&writer, channel);
	join_with(channel, "");
	write_patterns(&writer, 0, 2, FRAME_BYTES, 5);
	gets(0);
	gets(1);
	video_shm_consumer_destroy(&reader);
	video_shm_producer_destroy(&writer);
}

static char said[256];

static void keep_line(int level, const char *message, void *context)
{
	(void)context;
	CHECK_EQ(level, VIDEO_SHM_LOG_WARNING);
	(void)snprintf(said, sizeof(said), "%s", message);
}

static void another_word_is_refused_and_logged(void)
{
	const char *const words[] = {"Newest", "newest ", "latest", "1"};
	const int channel = fresh_channel();

	open_channel_producer(&writer, channel);
	video_shm_set_log(keep_line, NULL);
	for (unsigned at = 0; at < sizeof(words) / sizeof(*words); at++) {
		said[0] = '\0';
		CHECK_EQ(setenv("VIDEO_SHM_POLICY", words[at], 1), 0);
		CHECK_FAILS(video_shm_consumer_init_channel(&reader, channel), EINVAL);
		CHECK_FAILS(video_shm_consumer_read(&reader, data, &(video_frame_meta_t){0}), EBADF);
		CHECK(strstr(said, "newest or keyframes") != NULL);
	}
	video_shm_producer_destroy(&writer);
}

/* Who states options has said what is wanted. */
static void options_stand_above_it(void)
{
	const int channel = fresh_channel();

	CHECK_EQ(setenv("VIDEO_SHM_POLICY", "newest", 1), 0);
	open_channel_producer(&writer, channel);
	open_consumer(&reader, channel_ring(channel));
	write_patterns(&writer, 0, 3, FRAME_BYTES, 5);
	for (uint64_t frame = 0; frame < 3; frame++)
		gets(frame);
	video_shm_consumer_destroy(&reader);
	video_shm_producer_destroy(&writer);
}

TEST_MAIN(60, TEST(the_newest_frame_is_to_be_had_without_a_change_of_the_program),
		  TEST(so_are_keyframes_alone), TEST(an_empty_word_is_none), TEST(another_word_is_refused_and_logged),
		  TEST(options_stand_above_it))
