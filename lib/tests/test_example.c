/* SPDX-License-Identifier: Apache-2.0 */
/* The example consumer on a ring, as a user meets it. */
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "channels.h"
#include "check.h"
#include "example_session.h"
#include "frames.h"
#include "processes.h"

static video_shm_producer_t producer;
static char ring[64];

/* Slots for all frames of a test: none depends on how fast they are read. */
static void start_writer(void)
{
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = 100, .slot_size = 200000, .name = ring};

	CHECK_EQ(video_shm_producer_open(&producer, &options), 0);
}

static void set_up(void)
{
	(void)snprintf(ring, sizeof(ring), "%s", fresh_name());
	start_writer();
}

static const char *line_of(struct session *session)
{
	static char line[256];

	CHECK(fgets(line, sizeof(line), session->output) != NULL);
	return line;
}

static void write_one(uint64_t frame, uint32_t size, uint8_t codec, bool keyframe)
{
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	const video_frame_meta_t meta = {.timestamp_ms = 1000 + frame,
									 .is_keyframe = keyframe,
									 .codec = codec,
									 .width = 1280,
									 .height = 720,
									 .fps = 25};

	fill_pattern(data, size, frame);
	CHECK_EQ(video_shm_producer_write(&producer, data, size, &meta), 0);
}

static void a_line_for_each_frame_and_c_ends_it(void)
{
	struct session session;

	set_up();
	session_start_attached(&session, ring, "-c 4");
	write_one(0, 100, VIDEO_SHM_CODEC_H264, true);
	write_one(1, 200000, VIDEO_SHM_CODEC_H264, false);
	write_one(2, 1, VIDEO_SHM_CODEC_H265, false);
	write_one(3, 7, VIDEO_SHM_CODEC_JPEG, true);
	says(session.output, "Frame seq=0 size=100 codec=H.264 type=I-frame 1280x720 fps=25 timestamp=1000\n");
	says(session.output, "Frame seq=1 size=200000 codec=H.264 type=P-frame 1280x720 fps=25 timestamp=1001\n");
	says(session.output, "Frame seq=2 size=1 codec=H.265 type=P-frame 1280x720 fps=25 timestamp=1002\n");
	says(session.output, "Frame seq=3 size=7 codec=JPEG type=I-frame 1280x720 fps=25 timestamp=1003\n");
	says(session.output, "total 4, dropped 0 (0.00 %), missed 0 (0.00 %), received 4\n");
	session_ends_well(&session);
	video_shm_producer_destroy(&producer);
}

static void s_prints_statistics_every_30_frames_and_nothing_else(void)
{
	struct session session;

	set_up();
	session_start_attached(&session, ring, "-s -c 75");
	CHECK_FAILS(write_pattern(&producer, 0, VIDEO_SHM_MAX_FRAME_SIZE + 1, true), EMSGSIZE);
	for (uint64_t frame = 0; frame < 75; frame++)
		write_one(frame, 100, VIDEO_SHM_CODEC_H264, true);
	CHECK(strstr(line_of(&session), "received 30\n") != NULL);
	CHECK(strstr(line_of(&session), "received 60\n") != NULL);
	says(session.output, "total 75, dropped 1 (1.32 %), missed 0 (0.00 %), received 75\n");
	session_ends_well(&session);
	video_shm_producer_destroy(&producer);
}

static void o_saves_what_was_written(void)
{
	static uint8_t expected[3000];
	char path[64] = "/tmp/vshm_test_stream_XXXXXX", words[96];
	const int file = mkstemp(path);
	struct session session;

	CHECK(file >= 0);
	set_up();
	(void)snprintf(words, sizeof(words), "-o %s -c 20 -s", path);
	session_start_attached(&session, ring, words);
	for (uint64_t frame = 0; frame < 20; frame++)
		write_one(frame, 100 + (uint32_t)frame * 97, VIDEO_SHM_CODEC_H264, true);
	says(session.output, "total 20");
	session_ends_well(&session);
	for (uint64_t frame = 0; frame < 20; frame++) {
		const uint32_t size = 100 + (uint32_t)frame * 97;

		CHECK_EQ(read(file, expected, size), size);
		CHECK(has_pattern(expected, size, frame));
	}
	CHECK_EQ(read(file, expected, 1), 0);
	(void)close(file);
	(void)unlink(path);
	video_shm_producer_destroy(&producer);
}

static void k_gets_keyframes_only_and_starts_with_the_last_one(void)
{
	struct session session;

	set_up();
	for (uint64_t frame = 0; frame < 5; frame++)
		write_one(frame, 100, VIDEO_SHM_CODEC_H264, frame == 2);
	session_start_attached(&session, ring, "-k -c 3");
	for (uint64_t frame = 5; frame < 20; frame++)
		write_one(frame, 100, VIDEO_SHM_CODEC_H264, frame % 7 == 0);
	says(session.output, "Frame seq=2 ");
	says(session.output, "Frame seq=7 ");
	says(session.output, "Frame seq=14 ");
	CHECK(strstr(line_of(&session), "missed 0 (0.00 %), received 3, skipped 10\n") != NULL);
	session_ends_well(&session);
	video_shm_producer_destroy(&producer);
}

static void t_says_that_no_frame_comes_and_ctrl_c_ends_it(void)
{
	struct session session;
	struct stat status;
	char errors[ERRORS_BYTES];

	set_up();
	session_start_attached(&session, ring, "-t 50");
	while (fstat(fileno(session.errors), &status) == 0 && status.st_size == 0)
		sleep_ms(5);
	CHECK_EQ(kill(session.pid, SIGINT), 0);
	CHECK_EQ(session_end(&session, errors), 0);
	CHECK(strstr(errors, "no frame for 50 ms") != NULL);
	says(session.output, "total 0, dropped 0 (0.00 %), missed 0 (0.00 %), received 0\n");
	video_shm_producer_destroy(&producer);
}

/* Asleep without an end in sight, it must end at once, and say what it has seen. */
static void ctrl_c_ends_it_with_statistics_though_no_frame_ever_comes(void)
{
	struct session session;

	set_up();
	session_start_attached(&session, ring, "");
	CHECK_EQ(kill(session.pid, SIGINT), 0);
	says(session.output, "total 0, dropped 0 (0.00 %), missed 0 (0.00 %), received 0\n");
	session_ends_well(&session);
	session_start_attached(&session, ring, "");
	for (uint64_t frame = 0; frame < 7; frame++) {
		write_one(frame, 100, VIDEO_SHM_CODEC_H264, true);
		says(session.output, "Frame seq=");
	}
	CHECK_EQ(kill(session.pid, SIGTERM), 0);
	says(session.output, "total 7, dropped 0 (0.00 %), missed 0 (0.00 %), received 7\n");
	session_ends_well(&session);
	video_shm_producer_destroy(&producer);
}

static void it_goes_on_with_the_next_writer(void)
{
	struct session session;
	char errors[ERRORS_BYTES];

	set_up();
	session_start_attached(&session, ring, "-c 2");
	write_one(0, 100, VIDEO_SHM_CODEC_H264, true);
	says(session.output, "Frame seq=0 ");
	video_shm_producer_destroy(&producer);
	start_writer();
	write_one(1, 100, VIDEO_SHM_CODEC_H264, true);
	says(session.output, "Frame seq=0 "); /* the next one counts anew */
	CHECK_EQ(session_end(&session, errors), 0);
	CHECK(strstr(errors, "the writer has closed the ring") != NULL);
	video_shm_producer_destroy(&producer);
}

/* What a user tries first: a number alone is a channel, and 0 of anything is no limit. */
static void a_number_alone_is_a_channel_and_0_is_no_limit(void)
{
	const int channel = fresh_channel();
	char number[16], *argv[] = {(char *)(uintptr_t)VIDEO_CONSUMER, number, "-c", "0", "-t", "0", NULL};
	FILE *output;
	pid_t pid;

	(void)snprintf(number, sizeof(number), "%d", channel);
	open_channel_producer(&producer, channel);
	pid = start_program(argv, &output);
	await_mapped(pid, channel_ring(channel));
	await_handler(pid, SIGTERM);
	write_one(0, 100, VIDEO_SHM_CODEC_H264, true);
	says(output, "Frame seq=0 ");
	sleep_ms(100); /* in its wait again, which has no end */
	CHECK_EQ(kill(pid, SIGINT), 0);
	says(output, "total 1,");
	child_succeeds(pid);
	(void)fclose(output);
	video_shm_producer_destroy(&producer);
}

TEST_MAIN(60, TEST(a_line_for_each_frame_and_c_ends_it),
		  TEST(s_prints_statistics_every_30_frames_and_nothing_else), TEST(o_saves_what_was_written),
		  TEST(k_gets_keyframes_only_and_starts_with_the_last_one),
		  TEST(t_says_that_no_frame_comes_and_ctrl_c_ends_it),
		  TEST(ctrl_c_ends_it_with_statistics_though_no_frame_ever_comes),
		  TEST(it_goes_on_with_the_next_writer), TEST(a_number_alone_is_a_channel_and_0_is_no_limit))
