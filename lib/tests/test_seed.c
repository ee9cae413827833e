/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The original's loops, unchanged (seed/): wait without a time limit, a flag that a handler sets, destroy
 * from a handler. Some of them sit in deployed programs and are not going to change.
 */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "channels.h"
#include "check.h"
#include "processes.h"

#define IDLE_MS 4000u
#define MOST_CPU 0.01

struct result {
	unsigned frames, first, last;
};

static char *channel_text(int channel)
{
	static char text[16];

	(void)snprintf(text, sizeof(text), "%d", channel);
	return text;
}

static pid_t start_consumer(int channel, bool destroys, FILE **output)
{
	char *argv[] = {(char *)(uintptr_t)SEED_CONSUMER, "-c", channel_text(channel), destroys ? "-D" : NULL,
					NULL};
	const pid_t pid = start_program(argv, output);

	await_mapped(pid, channel_ring(channel)); /* its handlers are set before */
	return pid;
}

static pid_t start_producer(int channel, const char *fps)
{
	char *argv[] = {(char *)(uintptr_t)SEED_PRODUCER, "-c", channel_text(channel), "-f",
					(char *)(uintptr_t)fps,           NULL};

	return start_program(argv, NULL);
}

static uint64_t frames_written(int channel)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	return video_shm_inspect(channel_ring(channel), &info) == 0 ? info.frames : 0;
}

static void await_frames(int channel, uint64_t frames)
{
	while (frames_written(channel) < frames)
		sleep_ms(10);
}

static void end_by_sigint(pid_t pid)
{
	CHECK_EQ(kill(pid, SIGINT), 0);
	child_succeeds(pid);
}

static struct result result_of(pid_t pid, FILE *output)
{
	struct result result = {0, 0, 0};

	CHECK_EQ(kill(pid, SIGINT), 0);
	CHECK_EQ(fscanf(output, "{\"frames\":%u,\"first\":%u,\"last\":%u}", &result.frames, &result.first,
					&result.last),
			 3);
	(void)fclose(output);
	child_succeeds(pid);
	return result;
}

/* CPU time, not time: a busy host does not add to it. */
static void sleeps(pid_t pid)
{
	const double before = cpu_s(pid);
	const uint64_t begin_ns = now_ns();

	sleep_ms(IDLE_MS);
	const double share = (cpu_s(pid) - before) * 1e9 / (double)(now_ns() - begin_ns);

	fprintf(stderr, "%.3f %% CPU\n", 100 * share);
	CHECK(share < MOST_CPU);
}

/* A loop that is told of the end again and again spins; one that is never told anything hangs. */
static void the_loop_sleeps_after_its_writer_was_killed_and_gets_the_next_ones_frames(void)
{
	const int channel = fresh_channel();
	pid_t producer = start_producer(channel, "100"), consumer;
	struct result result;
	uint64_t written;
	FILE *output;

	await_frames(channel, 1);
	consumer = start_consumer(channel, false, &output);
	await_frames(channel, frames_written(channel) + 20);
	kill_child(producer);
	written = frames_written(channel);
	sleep_ms(1500);
	sleeps(consumer);
	producer = start_producer(channel, "100");
	await_frames(channel, written + 100);
	result = result_of(consumer, output);
	CHECK(result.last >= written + 50);
	CHECK_EQ(result.frames, result.last - result.first + 1);
	end_by_sigint(producer);
	CHECK(!shm_exists(channel_ring(channel)));
}

/* The same where the writer went as it should: its ring is gone, and the loop has to find another one. */
static void the_loop_sleeps_after_its_writer_left_and_gets_the_next_ones_frames(void)
{
	const int channel = fresh_channel();
	pid_t producer = start_producer(channel, "100"), consumer;
	struct result result;
	FILE *output;

	await_frames(channel, 1);
	consumer = start_consumer(channel, false, &output);
	await_frames(channel, 200);
	end_by_sigint(producer);
	sleep_ms(1000);
	sleeps(consumer);
	producer = start_producer(channel, "100");
	await_frames(channel, 100);
	result = result_of(consumer, output);
	CHECK(result.last < 200); /* the next one counts anew */
	CHECK(result.last >= 50);
	CHECK(result.frames > result.last);
	end_by_sigint(producer);
}

static void the_loop_goes_over_to_a_version_1_writer(void)
{
	const int channel = fresh_channel();
	char *argv[] = {
		(char *)(uintptr_t)V1_WRITER, "-c", channel_text(channel), "-f", "100", "-b", "1000000", NULL};
	pid_t producer = start_producer(channel, "100"), consumer;
	struct result result;
	FILE *output, *ignored;

	await_frames(channel, 1);
	consumer = start_consumer(channel, false, &output);
	await_frames(channel, frames_written(channel) + 20);
	kill_child(producer);
	sleep_ms(1500);
	producer = start_program(argv, &ignored);
	await_frames(channel, 1000200);
	result = result_of(consumer, output);
	CHECK(result.last >= 1000100);
	end_by_sigint(producer);
	(void)fclose(ignored);
}

/* Handlers set with signal() restart a sleep in the kernel behind the program's back. */
static void sigint_ends_it_though_no_frame_ever_comes(void)
{
	for (int destroys = 0; destroys < 2; destroys++) {
		const int channel = fresh_channel();
		video_shm_producer_t producer;
		pid_t consumer;
		FILE *output;

		open_channel_producer(&producer, channel);
		consumer = start_consumer(channel, destroys != 0, &output);
		sleep_ms(100);
		end_by_sigint(consumer);
		(void)fclose(output);
		video_shm_producer_destroy(&producer);
	}
}

static void sigint_ends_it_while_it_waits_for_a_writer_that_never_comes(void)
{
	for (int destroys = 0; destroys < 2; destroys++) {
		const int channel = fresh_channel();
		pid_t producer = start_producer(channel, "100"), consumer;
		FILE *output;

		await_frames(channel, 1);
		consumer = start_consumer(channel, destroys != 0, &output);
		kill_child(producer);
		sleep_ms(1500);
		end_by_sigint(consumer);
		(void)fclose(output);
	}
}

/* At full rate the handler comes in the middle of a copy as well as of a sleep. */
static void destroy_from_its_handler_ends_it_at_any_moment(void)
{
	const int channel = fresh_channel();
	const pid_t producer = start_producer(channel, "0");
	const unsigned rounds = pick(20, 200);
	FILE *output;

	await_frames(channel, 1);
	for (unsigned round = 0; round < rounds; round++) {
		const pid_t consumer = start_consumer(channel, true, &output);

		sleep_ms(round % 7);
		end_by_sigint(consumer);
		(void)fclose(output);
	}
	end_by_sigint(producer);
	CHECK(!shm_exists(channel_ring(channel)));
}

TEST_MAIN(60, TEST(the_loop_sleeps_after_its_writer_was_killed_and_gets_the_next_ones_frames),
		  TEST(the_loop_sleeps_after_its_writer_left_and_gets_the_next_ones_frames),
		  TEST(the_loop_goes_over_to_a_version_1_writer), TEST(sigint_ends_it_though_no_frame_ever_comes),
		  TEST(sigint_ends_it_while_it_waits_for_a_writer_that_never_comes),
		  TEST(destroy_from_its_handler_ends_it_at_any_moment))
