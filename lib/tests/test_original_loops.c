/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of the original (original/) while no writer is there: their loops sleep, whichever way it went,
 * and get the next one's frames. */
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "channels.h"
#include "check.h"
#include "frames.h"
#include "page_client.h"
#include "processes.h"
#include "v1/v1.h"

#define WINDOW_MS 4000u
#define SETTLE_MS 2000u
#define MOST_CPU 0.01
#define FRAME_BYTES 300u

enum { RECORDS, READS_CODES, POLLS, SERVES, LOOPS };
enum { CLOSED, KILLED, SILENT_V1, ENDS };

static const char *const programs[][2] = {
	{RECORDER, "/dev/null"}, {QR_READER, "0"}, {EXAMPLE, NULL}, {PAGE_SERVER, NULL}};
static const char *const end_names[] = {"was closed", "was killed", "is of version 1 and silent"};

static struct {
	pid_t pid;
	FILE *output;
	int page; /* a client's connection */
	double cpu_before;
	unsigned long sleeps_before;
} loops[ENDS][LOOPS];

static int channels[ENDS];

/* What it has cost so far. */
static void look_at(int end, int loop, double *cpu, unsigned long *sleeps)
{
	char path[64], line[128];
	FILE *status;

	*cpu = cpu_s(loops[end][loop].pid);
	*sleeps = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)loops[end][loop].pid);
	status = fopen(path, "re");
	CHECK(status != NULL);
	while (fgets(line, sizeof(line), status) != NULL)
		(void)sscanf(line, "voluntary_ctxt_switches: %lu", sleeps);
	(void)fclose(status);
}

static void write_until_killed(void *channel)
{
	video_shm_producer_t writer;

	open_channel_producer(&writer, *(int *)channel);
	for (uint64_t frame = 0;; frame++) {
		CHECK_EQ(write_pattern(&writer, frame, FRAME_BYTES, true), 0);
		sleep_ms(20);
	}
}

static void start_loops(int end)
{
	char channel[16];

	(void)snprintf(channel, sizeof(channel), "%d", channels[end]);
	for (int loop = 0; loop < LOOPS; loop++) {
		const char *const first = programs[loop][1];
		char *argv[] = {(char *)(uintptr_t)programs[loop][0],
						first != NULL ? (char *)(uintptr_t)first : channel, first != NULL ? channel : NULL,
						NULL};
		unsigned port;

		loops[end][loop].pid = start_program(argv, &loops[end][loop].output);
		if (loop == SERVES) {
			CHECK_EQ(fscanf(loops[end][loop].output, "%u", &port), 1);
			loops[end][loop].page = page_open_stream(port, "/");
		}
		await_mapped(loops[end][loop].pid, channel_ring(channels[end]));
	}
}

static void sleep_all(void)
{
	uint64_t begin_ns;

	sleep_ms(SETTLE_MS);
	for (int end = 0; end < ENDS; end++)
		for (int loop = 0; loop < LOOPS; loop++)
			look_at(end, loop, &loops[end][loop].cpu_before, &loops[end][loop].sleeps_before);
	begin_ns = now_ns();
	sleep_ms(WINDOW_MS);
	for (int end = 0; end < ENDS; end++) {
		for (int loop = 0; loop < LOOPS; loop++) {
			const double took_s = (double)(now_ns() - begin_ns) / 1e9;
			unsigned long sleeps;
			double cpu;

			look_at(end, loop, &cpu, &sleeps);
			cpu = (cpu - loops[end][loop].cpu_before) / took_s;
			sleeps -= loops[end][loop].sleeps_before;
			fprintf(stderr, "%s, where the writer %s: %.3f %% CPU, asleep %.0f times a second\n",
					strrchr(programs[loop][0], '/') + 1, end_names[end], 100 * cpu, (double)sleeps / took_s);
			CHECK(cpu < MOST_CPU);
		}
	}
}

/* What it said last, behind a line for each frame. */
static void had_frames(FILE *output)
{
	unsigned frames = 0, last = 0;
	char line[256];

	while (fgets(line, sizeof(line), output) != NULL)
		(void)sscanf(line, "frames=%u last=%u", &frames, &last);
	CHECK(frames >= 20);
	CHECK(last >= 20);
}

static void all_get_the_next_ones_frames(int end)
{
	static uint8_t message[FRAME_BYTES + 8];

	for (int loop = 0; loop < LOOPS; loop++) {
		if (loop == SERVES)
			for (unsigned count = 0; count < 20; count++)
				CHECK_EQ(page_receive(loops[end][loop].page, message, sizeof(message)), sizeof(message));
		CHECK_EQ(kill(loops[end][loop].pid, SIGINT), 0);
		if (loop != SERVES)
			had_frames(loops[end][loop].output);
		(void)fclose(loops[end][loop].output);
		child_succeeds(loops[end][loop].pid);
	}
}

static void await_frames(int channel, uint64_t frames)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	while (video_shm_inspect(channel_ring(channel), &info) != 0 || info.frames < frames)
		sleep_ms(10);
}

static void every_loop_sleeps_while_there_is_no_writer_and_goes_on_with_the_next(void)
{
	static const struct v1_meta meta = {.is_keyframe = 1};
	static uint8_t payload[FRAME_BYTES];
	video_shm_producer_t closed, next[ENDS];
	struct v1_writer old;
	pid_t killed;

	for (int end = 0; end < ENDS; end++)
		channels[end] = fresh_channel();
	open_channel_producer(&closed, channels[CLOSED]);
	killed = start_child(write_until_killed, &channels[KILLED]);
	await_frames(channels[KILLED], 1);
	CHECK_EQ(v1_writer_init(&old, channels[SILENT_V1], 0), 0);
	for (int end = 0; end < ENDS; end++)
		start_loops(end);
	CHECK_EQ(v1_writer_write(&old, payload, sizeof(payload), &meta), 0);
	video_shm_producer_destroy(&closed);
	kill_child(killed);
	sleep_all();
	for (int end = 0; end < ENDS; end++)
		open_channel_producer(&next[end], channels[end]);
	for (uint64_t frame = 0; frame < 100; frame++) {
		for (int end = 0; end < ENDS; end++)
			CHECK_EQ(write_pattern(&next[end], frame, FRAME_BYTES, true), 0);
		sleep_ms(20);
	}
	for (int end = 0; end < ENDS; end++) {
		all_get_the_next_ones_frames(end);
		video_shm_producer_destroy(&next[end]);
	}
	v1_writer_destroy(&old);
}

TEST_MAIN(60, TEST(every_loop_sleeps_while_there_is_no_writer_and_goes_on_with_the_next))
