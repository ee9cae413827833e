/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader costs while nothing comes for it, and a writer for each frame: wake-ups and system calls,
 * counted from outside. */
#include "check.h"
#include "frames.h"
#include "processes.h"
#include "v1/v1.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define WINDOW_S 6
#define WAKES_A_SECOND 3
#define V1_WAKES_A_SECOND 15 /* 5 ms of a processor in 10 seconds at most */
#define CALLS_A_SECOND 10
#define FPS 30
#define WRITES 300u

static struct {
	_Atomic uint32_t ready;
	_Atomic uint32_t over;
	_Atomic uint32_t wakes;
	_Atomic uint32_t received;
} * shared;

static const char *ring_name;

/* Returns this process's voluntary context switches: how often it went to sleep, and so was woken. */
static uint32_t sleeps(void)
{
	struct rusage usage;

	CHECK_EQ(getrusage(RUSAGE_SELF, &usage), 0);
	return (uint32_t)usage.ru_nvcsw;
}

/* Waits without a timeout, over and over, as a reader does. Returns how many frames it got. */
static uint32_t wait_for(video_shm_consumer_t *consumer, unsigned seconds)
{
	static uint8_t data[VIDEO_SHM_MAX_FRAME_SIZE];
	const uint64_t until_ns = now_ns() + (uint64_t)seconds * 1000000000u;
	video_frame_meta_t meta;
	uint32_t received = 0;
	uint64_t now;

	while ((now = now_ns()) < until_ns) {
		const uint32_t left_ms = (uint32_t)((until_ns - now) / 1000000u) + 1;
		const int size = video_shm_consumer_wait(consumer, data, &meta, left_ms);

		CHECK(size >= 0);
		received += size > 0;
	}
	return received;
}

static void sleep_on_the_ring(void *policy)
{
	const video_shm_consumer_options_t options = {
		.struct_size = sizeof(options), .policy = *(const uint32_t *)policy, .name = ring_name};
	video_shm_consumer_t consumer;
	uint32_t before;

	CHECK_EQ(video_shm_consumer_open(&consumer, &options), 0);
	(void)wait_for(&consumer, 1); /* what joining costs is not at issue */
	atomic_store(&shared->ready, 1);
	before = sleeps();
	atomic_store(&shared->received, wait_for(&consumer, WINDOW_S));
	atomic_store(&shared->wakes, sleeps() - before);
	video_shm_consumer_destroy(&consumer);
}

static uint32_t run_reader(uint32_t policy)
{
	child_succeeds(start_child(sleep_on_the_ring, &policy));
	return atomic_load(&shared->wakes);
}

static void a_reader_of_a_silent_ring_wakes_at_most_three_times_a_second(void)
{
	video_shm_producer_t producer;
	uint32_t wakes;

	shared = share(sizeof(*shared));
	ring_name = fresh_name();
	open_producer(&producer, ring_name);
	for (uint32_t policy = VIDEO_SHM_POLICY_EVERY; policy <= VIDEO_SHM_POLICY_KEYFRAMES; policy++) {
		wakes = run_reader(policy);
		CHECK_EQ(atomic_load(&shared->received), 0);
		CHECK(wakes > 0); /* counted at all */
		if (wakes > WINDOW_S * WAKES_A_SECOND)
			check_failed(__FILE__, __LINE__, "at most 3 wake-ups a second", "%u in %d s", wakes, WINDOW_S);
	}
	video_shm_producer_destroy(&producer);
}

/* It is polled: what it costs is bounded, as it is left running for days without a camera. */
static void a_reader_of_a_silent_version_1_ring_wakes_at_most_15_times_a_second(void)
{
	const int channel = fresh_channel();
	struct v1_writer writer;
	struct v1_names names;
	uint32_t wakes;

	shared = share(sizeof(*shared));
	v1_names(&names, channel);
	ring_name = names.ring;
	CHECK_EQ(v1_writer_init(&writer, channel, 0), 0);
	wakes = run_reader(VIDEO_SHM_POLICY_EVERY);
	CHECK(wakes > 0);
	if (wakes > WINDOW_S * V1_WAKES_A_SECOND)
		check_failed(__FILE__, __LINE__, "at most 15 wake-ups a second", "%u in %d s", wakes, WINDOW_S);
	v1_writer_destroy(&writer);
}

/* ---- system calls, through ptrace ---- */

/* Lets the child run to its next stop; false: it ended. *call: it stopped at a system call. */
static bool next_stop(pid_t pid, int deliver, int *number)
{
	int status;

	CHECK_EQ(ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(intptr_t)deliver), 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status)) {
		CHECK_EQ(WEXITSTATUS(status), 0);
		return false;
	}
	CHECK(WIFSTOPPED(status));
	*number = WSTOPSIG(status);
	return true;
}

/* Returns the number of system calls that a reader makes once it has said that it is ready. */
static uint32_t count_calls(pid_t pid)
{
	uint32_t stops = 0;
	int status, number = 0;

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(intptr_t)PTRACE_O_TRACESYSGOOD), 0);
	while (next_stop(pid, number == (SIGTRAP | 0x80) || number == SIGSTOP ? 0 : number, &number))
		if (number == (SIGTRAP | 0x80) && atomic_load(&shared->ready) != 0)
			stops++;
	return stops / 2; /* one going in, one coming out */
}

static void sleep_while_traced(void *unused)
{
	uint32_t policy = VIDEO_SHM_POLICY_EVERY;

	(void)unused;
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(77);
	(void)raise(SIGSTOP);
	sleep_on_the_ring(&policy);
}

static bool tracing_is_allowed(void)
{
	const pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : 77);
	status = await_child(pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void a_reader_of_a_silent_ring_makes_at_most_ten_system_calls_a_second(void)
{
	const uint32_t at_the_edges = 12; /* clocks and accounts of the test's own, before and after */
	video_shm_producer_t producer;
	uint32_t calls;

	if (!tracing_is_allowed())
		skip_test("ptrace is not allowed here: run it where strace works");
	shared = share(sizeof(*shared));
	ring_name = fresh_name();
	open_producer(&producer, ring_name);
	calls = count_calls(start_child(sleep_while_traced, NULL));
	CHECK(calls > at_the_edges); /* the tracer did see some */
	if (calls > WINDOW_S * CALLS_A_SECOND + at_the_edges)
		check_failed(__FILE__, __LINE__, "at most 10 system calls a second", "%u in %d s", calls, WINDOW_S);
	video_shm_producer_destroy(&producer);
}

static void write_while_traced(void *unused)
{
	video_shm_producer_t producer;

	(void)unused;
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(77);
	(void)raise(SIGSTOP);
	open_producer(&producer, ring_name);
	atomic_store(&shared->ready, 1);
	for (uint64_t frame = 0; frame < WRITES; frame++)
		CHECK_EQ(write_pattern(&producer, frame, 1000, true), 0);
	atomic_store(&shared->ready, 0);
	video_shm_producer_destroy(&producer);
}

/* However many readers there are: one wake-up tells them all. */
static void a_write_makes_no_more_system_calls_than_one(void)
{
	const uint32_t looks = 20; /* at the ring's name, twice a second, on a host that takes its time */
	uint32_t calls;

	if (!tracing_is_allowed())
		skip_test("ptrace is not allowed here: run it where strace works");
	shared = share(sizeof(*shared));
	ring_name = fresh_name();
	calls = count_calls(start_child(write_while_traced, NULL));
	CHECK(calls >= WRITES);
	if (calls > WRITES + looks)
		check_failed(__FILE__, __LINE__, "one system call for each frame", "%u for %u", calls, WRITES);
}

/* ---- keyframes only ---- */

static void write_at_30_fps(void *unused)
{
	video_shm_producer_t producer;
	uint64_t next_ns = now_ns();

	(void)unused;
	open_producer(&producer, ring_name);
	for (uint64_t frame = 0; atomic_load(&shared->over) == 0; frame++) {
		CHECK_EQ(write_pattern(&producer, frame, 20000, frame % FPS == 0), 0);
		next_ns += 1000000000u / FPS;
		sleep_until_ns(next_ns);
	}
	video_shm_producer_destroy(&producer);
}

/* Woken for each frame, it would be 30 times a second. */
static void a_keyframe_reader_wakes_about_once_more_for_each_keyframe(void)
{
	pid_t writer;
	uint32_t wakes;

	shared = share(sizeof(*shared));
	ring_name = fresh_name();
	writer = start_child(write_at_30_fps, NULL);
	while (!shm_exists(ring_name))
		sleep_ms(1);
	wakes = run_reader(VIDEO_SHM_POLICY_KEYFRAMES);
	atomic_store(&shared->over, 1);
	child_succeeds(writer);
	CHECK(atomic_load(&shared->received) >= WINDOW_S - 1);
	if (wakes > WINDOW_S * WAKES_A_SECOND + 2 * atomic_load(&shared->received))
		check_failed(__FILE__, __LINE__, "about one wake-up more a second", "%u in %d s, for %u keyframes",
					 wakes, WINDOW_S, atomic_load(&shared->received));
}

TEST_MAIN(60, TEST(a_reader_of_a_silent_ring_wakes_at_most_three_times_a_second),
		  TEST(a_reader_of_a_silent_version_1_ring_wakes_at_most_15_times_a_second),
		  TEST(a_reader_of_a_silent_ring_makes_at_most_ten_system_calls_a_second),
		  TEST(a_write_makes_no_more_system_calls_than_one),
		  TEST(a_keyframe_reader_wakes_about_once_more_for_each_keyframe))
