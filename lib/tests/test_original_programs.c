/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs as users of the original have them (original/): a recorder, a slow reader of QR codes, the
 * example. They run unchanged, and go on over every restart of the writer.
 */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channels.h"
#include "check.h"
#include "frames.h"
#include "original_program.h"
#include "processes.h"

#define FRAME_BYTES 900u
#define AT_ONCE 3u /* frames for each that is looked at, as where 10 of 30 a second are */

static int channel;
static video_shm_producer_t writer;

/* ---- the reader of QR codes ---- */

/* All of them come while it does something else. */
static void write_at_once(pid_t reader, uint64_t from, uint64_t to)
{
	int status;

	CHECK_EQ(kill(reader, SIGSTOP), 0);
	CHECK_EQ(waitpid(reader, &status, WUNTRACED), reader);
	CHECK(WIFSTOPPED(status));
	write_patterns(&writer, from, to, FRAME_BYTES, 1);
	CHECK_EQ(kill(reader, SIGCONT), 0);
}

static void sees(const struct original_program *reader, uint64_t frame)
{
	char expected[64];

	(void)snprintf(expected, sizeof(expected), "seq=%llu age_ms=", (unsigned long long)frame);
	says(reader->output, expected);
}

static struct original_program start_qr_reader(const char *policy)
{
	CHECK_EQ(policy != NULL ? setenv("VIDEO_SHM_POLICY", policy, 1) : unsetenv("VIDEO_SHM_POLICY"), 0);
	return original_start(QR_READER, "0", channel_text(channel), channel_ring(channel));
}

static void where_the_environment_says_newest_a_slow_reader_sees_what_there_is_now(void)
{
	struct original_program newest, every;

	channel = fresh_channel();
	open_channel_producer(&writer, channel);
	newest = start_qr_reader("newest");
	for (uint64_t look = 0; look < 10; look++) {
		write_at_once(newest.pid, look * AT_ONCE, (look + 1) * AT_ONCE);
		sees(&newest, (look + 1) * AT_ONCE - 1);
	}
	original_ends_with(&newest, "frames=10 last=29\n");
	every = start_qr_reader(NULL);
	write_at_once(every.pid, 30, 30 + AT_ONCE);
	for (uint64_t frame = 30; frame < 30 + AT_ONCE; frame++)
		sees(&every, frame);
	original_ends_with(&every, "frames=3 last=32\n");
	video_shm_producer_destroy(&writer);
}

static void a_reader_that_ends_at_the_first_error_outlives_every_restart(void)
{
	struct original_program reader;

	channel = fresh_channel();
	open_channel_producer(&writer, channel);
	reader = start_qr_reader("newest");
	for (uint64_t turn = 0; turn < 5; turn++) {
		write_patterns(&writer, 0, 1, FRAME_BYTES, 1);
		sees(&reader, 0);
		video_shm_producer_destroy(&writer);
		sleep_ms(120); /* it asks at least once where nobody is */
		open_channel_producer(&writer, channel);
	}
	original_ends_with(&reader, "frames=5 last=0\n");
	video_shm_producer_destroy(&writer);
}

/* ---- the example ---- */

static void the_example_polls_and_its_statistics_go_on_over_a_restart(void)
{
	struct original_program example;

	channel = fresh_channel();
	open_channel_producer(&writer, channel);
	example = original_start(EXAMPLE, channel_text(channel), NULL, channel_ring(channel));
	CHECK_FAILS(write_pattern(&writer, 0, VIDEO_SHM_MAX_FRAME_SIZE + 1, true), EMSGSIZE);
	for (unsigned turn = 0; turn < 2; turn++) {
		write_patterns(&writer, 0, 2, FRAME_BYTES, 1);
		says(example.output, "Frame seq=0 size=900 codec=0 keyframe=1 ");
		says(example.output, "Frame seq=1 size=900 codec=0 keyframe=1 ");
		video_shm_producer_destroy(&writer);
		open_channel_producer(&writer, channel);
	}
	CHECK_EQ(kill(example.pid, SIGTERM), 0);
	says(example.output, "total=4 dropped=1 missed=0\n");
	original_ends_with(&example, "frames=4 last=1\n");
	video_shm_producer_destroy(&writer);
}

/* ---- all of them ---- */

static void ctrl_c_ends_each_with_0_with_or_without_a_writer(void)
{
	const char *const programs[][2] = {{RECORDER, "/dev/null"}, {QR_READER, "0"}, {EXAMPLE, NULL}};

	for (unsigned at = 0; at < 6; at++) {
		const char *const first = programs[at / 2][1];
		struct original_program program;

		channel = fresh_channel();
		open_channel_producer(&writer, channel);
		program = original_start(programs[at / 2][0], first != NULL ? first : channel_text(channel),
								 first != NULL ? channel_text(channel) : NULL, channel_ring(channel));
		if (at % 2 == 1)
			video_shm_producer_destroy(&writer);
		if (first == NULL) {
			CHECK_EQ(kill(program.pid, SIGINT), 0); /* it polls */
			says(program.output, "total=0 ");
		}
		original_ends_with(&program, "frames=0 last=0\n");
		video_shm_producer_destroy(&writer);
	}
}

static void a_program_without_a_channel_finds_the_ring_by_either_name_and_the_next_by_the_other(void)
{
	const char *const names[] = {VIDEO_SHM_NAME, VIDEO_SHM_NAME "_ch0"};

	if (!have_own_shm("200m"))
		skip_test("needs a /dev/shm of its own: run it as root");
	for (unsigned first = 0; first < 2; first++) {
		struct original_program reader;

		open_producer(&writer, names[first]);
		reader = original_start(QR_READER, "0", NULL, names[first]);
		write_patterns(&writer, 0, 1, FRAME_BYTES, 1);
		sees(&reader, 0);
		video_shm_producer_destroy(&writer);
		open_producer(&writer, names[1 - first]);
		write_patterns(&writer, 0, 2, FRAME_BYTES, 1);
		sees(&reader, 0);
		sees(&reader, 1);
		original_ends_with(&reader, "frames=3 last=1\n");
		video_shm_producer_destroy(&writer);
	}
}

TEST_MAIN(60, TEST(where_the_environment_says_newest_a_slow_reader_sees_what_there_is_now),
		  TEST(a_reader_that_ends_at_the_first_error_outlives_every_restart),
		  TEST(the_example_polls_and_its_statistics_go_on_over_a_restart),
		  TEST(ctrl_c_ends_each_with_0_with_or_without_a_writer),
		  TEST(a_program_without_a_channel_finds_the_ring_by_either_name_and_the_next_by_the_other))
