/* SPDX-License-Identifier: Apache-2.0 */
/* The benchmark as a program: not its figures, which need a quiet machine, but all that a gate leans on. */
#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../bench/fleet.h"
#include "../bench/floor.h"
#include "check.h"
#include "frames.h"

#define SLOT_BYTES 65536u

static char program[] = BENCH_PROGRAM;
static uint8_t sent[SLOT_BYTES], got[SLOT_BYTES];

/* Runs the benchmark; its exit code. Its first bytes of output are left in text. */
static int run_bench(char *const words[], char *text, size_t size)
{
	char *argv[12] = {program};
	FILE *output;
	size_t length, at = 0;
	pid_t pid;

	for (; words[at] != NULL; at++)
		argv[at + 1] = words[at];
	pid = start_program(argv, &output);
	length = fread(text, 1, size - 1, output);
	text[length] = '\0';
	while (fgetc(output) != EOF) {
	}
	(void)fclose(output);
	const int status = await_child(pid);

	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Returns the number of objects in /dev/shm that the benchmark of that pid has left. */
static unsigned left_behind(pid_t pid)
{
	char suffix[32];
	unsigned count = 0;
	const struct dirent *entry;
	DIR *directory = opendir("/dev/shm");

	CHECK(directory != NULL);
	(void)snprintf(suffix, sizeof(suffix), "_ch%u", FLEET_FIRST_CHANNEL + (unsigned)pid * FLEET_RINGS_MAX);
	while ((entry = readdir(directory)) != NULL)
		count += strstr(entry->d_name, suffix) != NULL;
	(void)closedir(directory);
	return count;
}

static void wrong_words_are_refused_with_2(void)
{
	char *const unknown[] = {"no-such-case", NULL}, *const option[] = {"--frobnicate", NULL},
				*const none[] = {NULL}, *const number[] = {"--blocks", "0", NULL},
				*const text[] = {"--seconds", "soon", NULL};
	char output[256];

	CHECK_EQ(run_bench(unknown, output, sizeof(output)), 2);
	CHECK_EQ(run_bench(none, output, sizeof(output)), 2);
	CHECK_EQ(run_bench(option, output, sizeof(output)), 2);
	CHECK_EQ(run_bench(number, output, sizeof(output)), 2);
	CHECK_EQ(run_bench(text, output, sizeof(output)), 2);
	CHECK_EQ(strlen(output), 0);
}

static void help_and_the_list_of_cases_go_to_stdout(void)
{
	char *const help[] = {"-h", NULL}, *const list[] = {"--list", NULL};
	char output[4096];

	CHECK_EQ(run_bench(help, output, sizeof(output)), 0);
	CHECK(strstr(output, "usage: video_shm_bench") == output);
	CHECK_EQ(run_bench(list, output, sizeof(output)), 0);
	CHECK(strstr(output, "latency-500-4") != NULL && strstr(output, "places") != NULL);
}

static void each_case_comes_to_its_end_and_prints_figures(void)
{
	char *names[] = {"places",        "write-64",       "write-512",     "wait-64",       "wait-512",
					 "direct",        "direct-latency", "rate",          "latency-30-1",  "latency-30-4",
					 "latency-120-1", "latency-120-4",  "latency-500-1", "latency-500-4", "readers"};
	char output[65536];

	for (size_t at = 0; at < sizeof(names) / sizeof(names[0]); at++) {
		char *const words[] = {"--blocks", "2", "--seconds", "0.1", names[at], NULL};

		CHECK_EQ(run_bench(words, output, sizeof(output)), 0);
		CHECK(strncmp(output, "{\"figure\": \"", 12) == 0);
		CHECK(strstr(output, "nan") == NULL && strstr(output, "inf") == NULL);
	}
}

/* Runs the benchmark in a process group of its own, as a shell starts it. */
static void be_the_bench(void *name)
{
	char *const argv[] = {program, "--seconds", "60", name, NULL};

	(void)setpgid(0, 0);
	if (freopen("/dev/null", "w", stdout) == NULL || freopen("/dev/null", "w", stderr) == NULL)
		_exit(1);
	(void)execv(argv[0], argv);
	_exit(1);
}

/* A terminal's Ctrl-C goes to the whole group: a writer that died of it would leave its ring. */
static void interrupt_while(char *name, int with)
{
	const pid_t pid = start_child(be_the_bench, name);
	int status;

	while (left_behind(pid) == 0)
		sleep_ms(5);
	sleep_ms(100);
	CHECK_EQ(kill(-pid, with), 0);
	status = await_child(pid);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 130);
	CHECK_EQ(left_behind(pid), 0);
}

static void a_signal_ends_it_and_leaves_no_ring(void)
{
	interrupt_while("latency-30-4", SIGINT);
	interrupt_while("rate", SIGTERM);
	interrupt_while("write-512", SIGINT);
	interrupt_while("direct", SIGHUP);
}

/* ---- the floor: one that does too little would make the library look slow ---- */

static void the_floor_hands_frames_over_whole_and_in_order(void)
{
	struct floor writer, reader;

	CHECK_EQ(floor_make(&writer), 0);
	reader = writer;
	CHECK_EQ(floor_map(&writer, true), 0);
	CHECK_EQ(floor_map(&reader, false), 0);
	for (uint32_t frame = 0; frame < 100; frame++) {
		fill_pattern(sent, SLOT_BYTES, frame);
		floor_write(&writer, sent, SLOT_BYTES);
		CHECK_EQ(floor_receive(&reader, got, SLOT_BYTES), frame);
		CHECK(has_pattern(got, SLOT_BYTES, frame));
	}
	floor_unmap(&reader);
	floor_unmap(&writer);
	floor_discard(&writer);
}

static void the_floor_credits_a_slow_reader_only_with_what_is_still_there(void)
{
	struct floor writer, reader;
	const uint32_t written = 100, oldest = written - (VIDEO_SHM_RING_SIZE - 1);

	CHECK_EQ(floor_make(&writer), 0);
	reader = writer;
	CHECK_EQ(floor_map(&writer, true), 0);
	CHECK_EQ(floor_map(&reader, false), 0);
	for (uint32_t frame = 0; frame < written; frame++) {
		fill_pattern(sent, 64, frame);
		floor_write(&writer, sent, 64);
	}
	for (uint32_t frame = oldest; frame < written; frame++) {
		CHECK_EQ(floor_receive(&reader, got, 64), frame);
		CHECK(has_pattern(got, 64, frame));
	}
	floor_unmap(&reader);
	floor_unmap(&writer);
	floor_discard(&writer);
}

/* The comparison is fair only if both copy to the same places. */
static void the_floor_has_its_slots_where_a_ring_has_them(void)
{
	const int channel = fresh_channel();
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	video_shm_view_t view = {.struct_size = sizeof(view)};
	const video_frame_meta_t meta = {.fps = 30};
	struct floor floor;

	CHECK_EQ(video_shm_producer_init_channel(&producer, channel), 0);
	CHECK_EQ(video_shm_consumer_init_channel(&consumer, channel), 0);
	CHECK_EQ(floor_make(&floor), 0);
	CHECK_EQ(floor_map(&floor, true), 0);
	for (uint32_t frame = 0; frame < VIDEO_SHM_RING_SIZE; frame++) {
		fill_pattern(sent, SLOT_BYTES, frame);
		floor_write(&floor, sent, SLOT_BYTES);
		CHECK_EQ(video_shm_producer_write(&producer, sent, SLOT_BYTES, &meta), 0);
		CHECK_EQ(video_shm_consumer_acquire(&consumer, &view, VIDEO_SHM_NO_WAIT), SLOT_BYTES);
		CHECK(memcmp(floor.base + view.offset, sent, SLOT_BYTES) == 0);
		CHECK_EQ(video_shm_consumer_release(&consumer, &view), 0);
	}
	floor_unmap(&floor);
	floor_discard(&floor);
	video_shm_consumer_destroy(&consumer);
	video_shm_producer_destroy(&producer);
}

TEST_MAIN(120, TEST(wrong_words_are_refused_with_2), TEST(help_and_the_list_of_cases_go_to_stdout),
		  TEST(each_case_comes_to_its_end_and_prints_figures), TEST(a_signal_ends_it_and_leaves_no_ring),
		  TEST(the_floor_hands_frames_over_whole_and_in_order),
		  TEST(the_floor_credits_a_slow_reader_only_with_what_is_still_there),
		  TEST(the_floor_has_its_slots_where_a_ring_has_them))
