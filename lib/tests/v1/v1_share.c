/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures how many frames version 1 readers get that share one semaphore, and prints that as a line of JSON.
 * Nothing is asserted here.
 */
#include <getopt.h>
#include <unistd.h>

#include "channels.h"
#include "check.h"
#include "processes.h"
#include "v1.h"

#define MOST_READERS 32u
#define FRAME_SIZE 20000u

struct seat {
	_Atomic uint32_t ready;
	uint32_t received, empty, altered;
};

struct board {
	_Atomic uint32_t over;
	struct seat seats[MOST_READERS];
};

struct options {
	unsigned readers, busy, dead, fps, seconds, work_us;
	bool v1_writer;
};

static struct board *board;
static struct options options;
static int channel;

static void join(struct seat *seat, struct v1_reader *reader)
{
	CHECK_EQ(v1_reader_init(reader, channel), 0);
	atomic_store(&seat->ready, 1);
}

static void read_as_v1(void *argument)
{
	static uint8_t data[V1_CAPACITY];
	struct seat *seat = argument;
	struct v1_reader reader;
	struct v1_meta meta;

	join(seat, &reader);
	while (!atomic_load(&board->over)) {
		if (v1_reader_wait(&reader, data, &meta, 200) <= 0)
			continue;
		seat->received++;
		seat->altered += !v1_check(data, meta.size, meta.sequence);
		if (options.work_us != 0)
			(void)usleep(options.work_us);
	}
	seat->empty = reader.empty;
	v1_reader_destroy(&reader);
}

static void wait_for_ever_as_v1(void *argument)
{
	static uint8_t data[V1_CAPACITY];
	struct v1_reader reader;
	struct v1_meta meta;

	join(argument, &reader);
	for (;;)
		(void)v1_reader_wait(&reader, data, &meta, 0);
}

static void write_all(video_shm_producer_t *producer, struct v1_writer *old, uint32_t frames)
{
	static uint8_t data[FRAME_SIZE];
	const video_frame_meta_t meta = {.is_keyframe = 1, .fps = 30};
	const struct v1_meta old_meta = {.is_keyframe = 1, .fps = 30};
	uint64_t next_ns = now_ns();

	for (uint32_t frame = 0; frame < frames; frame++) {
		next_ns += 1000000000u / options.fps;
		sleep_until_ns(next_ns);
		v1_fill(data, FRAME_SIZE, frame);
		if (options.v1_writer)
			CHECK_EQ(v1_writer_write(old, data, FRAME_SIZE, &old_meta), 0);
		else
			CHECK_EQ(video_shm_producer_write(producer, data, FRAME_SIZE, &meta), 0);
	}
	sleep_ms(100);
}

static void report(uint32_t frames)
{
	uint32_t received = 0, empty = 0, least = frames, altered = 0;

	for (unsigned at = 0; at < options.readers; at++) {
		received += board->seats[at].received;
		empty += board->seats[at].empty;
		altered += board->seats[at].altered;
		least = board->seats[at].received < least ? board->seats[at].received : least;
	}
	printf(
		"{\"writer\": \"%s\", \"readers\": %u, \"busy\": %u, \"dead\": %u, \"work_us\": %u, \"frames\": %u, "
		"\"mean\": %.4f, \"least\": %.4f, \"empty_a_frame\": %.3f, \"altered\": %u}\n",
		options.v1_writer ? "v1" : "ours", options.readers, options.busy, options.dead, options.work_us,
		frames, (double)received / options.readers / frames, (double)least / frames, (double)empty / frames,
		altered);
}

static int parse(int argc, char **argv)
{
	int option;

	options = (struct options){.readers = 4, .fps = 30, .seconds = 10};
	while ((option = getopt(argc, argv, "n:b:d:f:s:w:1")) != -1) {
		if (option == '1') {
			options.v1_writer = true;
			continue;
		}
		unsigned *const field = option == 'n'   ? &options.readers
								: option == 'b' ? &options.busy
								: option == 'd' ? &options.dead
								: option == 'f' ? &options.fps
								: option == 's' ? &options.seconds
								: option == 'w' ? &options.work_us
												: NULL;

		if (field == NULL)
			return -1;
		*field = (unsigned)strtoul(optarg, NULL, 10);
	}
	return options.readers + options.dead <= MOST_READERS && options.busy <= 8 ? 0 : -1;
}

static void measure(void)
{
	video_shm_producer_t producer;
	struct v1_writer old;
	pid_t readers[MOST_READERS], busy[8];
	const unsigned all = options.readers + options.dead;
	const uint32_t frames = options.fps * options.seconds;

	channel = fresh_channel();
	board = share(sizeof(*board));
	if (options.v1_writer)
		CHECK_EQ(v1_writer_init(&old, channel, 0), 0);
	else
		open_channel_producer(&producer, channel);
	for (unsigned at = 0; at < all; at++) {
		readers[at] = start_child(at < options.readers ? read_as_v1 : wait_for_ever_as_v1, &board->seats[at]);
		await_least(&board->seats[at].ready, 1);
	}
	sleep_ms(100);
	for (unsigned at = options.readers; at < all; at++)
		kill_child(readers[at]);
	for (unsigned at = 0; at < options.busy; at++)
		busy[at] = start_child(keep_busy, NULL);
	write_all(&producer, &old, frames);
	atomic_store(&board->over, 1);
	for (unsigned at = 0; at < options.busy; at++)
		kill_child(busy[at]);
	for (unsigned at = 0; at < options.readers; at++)
		child_succeeds(readers[at]);
	report(frames);
	if (options.v1_writer)
		v1_writer_destroy(&old);
	else
		video_shm_producer_destroy(&producer);
}

int main(int argc, char **argv)
{
	if (parse(argc, argv) != 0) {
		fprintf(stderr,
				"usage: %s [-n readers] [-b busy] [-d dead] [-f fps] [-s seconds] [-w work_us] [-1]\n",
				argv[0]);
		return 2;
	}
	measure();
	return 0;
}
