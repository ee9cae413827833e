/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and checks v1_fill's pattern until it is told to end: one JSON line then. */
#include "program.h"
#include "v1.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define SLICE_MS 100u /* a signal that comes just before the wait is noticed after it */

struct options {
	int channel;
	uint32_t frames;      /* 0: no end */
	uint32_t deadline_ms; /* 0: none */
	uint32_t work_ms;
	bool ready;
	bool vanish;
};

struct tally {
	uint32_t received;
	uint32_t missed;
	uint32_t altered;
	uint32_t repeated; /* or gone back */
	uint32_t first;
	uint32_t last;
};

static int parse(int argc, char **argv, struct options *options)
{
	int option;

	*options = (struct options){.channel = V1_NO_CHANNEL};
	while ((option = getopt(argc, argv, "c:n:d:w:rx")) != -1) {
		switch (option) {
		case 'c':
			options->channel = (int)program_number(optarg, INT32_MAX);
			break;
		case 'n':
			options->frames = program_number(optarg, UINT32_MAX);
			break;
		case 'd':
			options->deadline_ms = program_number(optarg, INT32_MAX);
			break;
		case 'w':
			options->work_ms = program_number(optarg, INT32_MAX);
			break;
		case 'r':
			options->ready = true;
			break;
		case 'x':
			options->vanish = true;
			break;
		default:
			fprintf(stderr, "usage: %s [-c channel] [-n frames] [-d DEADLINE] [-w MS] [-r] [-x]\n", argv[0]);
			return -1;
		}
	}
	return 0;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void work(uint32_t ms)
{
	struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

	while (program_running && nanosleep(&left, &left) && errno == EINTR)
		;
}

static void count(struct tally *tally, const uint8_t *data, const struct v1_meta *meta)
{
	const uint32_t ahead = meta->sequence - tally->last;

	if (!tally->received)
		tally->first = meta->sequence;
	else if (ahead && ahead < UINT32_MAX / 2)
		tally->missed += ahead - 1;
	else
		tally->repeated++;
	tally->received++;
	tally->last = meta->sequence;
	if (!v1_check(data, meta->size, meta->sequence))
		tally->altered++;
}

static void read_all(struct v1_reader *reader, const struct options *options)
{
	static uint8_t data[V1_CAPACITY];
	const uint64_t begin = now_ms();
	struct tally tally = {0};
	struct v1_meta meta;

	while (program_running && (!options->frames || tally.received < options->frames)) {
		uint32_t slice = SLICE_MS;

		if (options->deadline_ms) {
			const uint64_t gone = now_ms() - begin;

			if (gone >= options->deadline_ms)
				break;
			if (options->deadline_ms - gone < slice)
				slice = (uint32_t)(options->deadline_ms - gone);
		}
		const int size = v1_reader_wait(reader, data, &meta, slice);

		if (size > 0) {
			count(&tally, data, &meta);
			work(options->work_ms);
		} else if (size < 0 && errno == EPROTO) {
			tally.altered++;
		}
	}
	printf("{\"received\":%u,\"empty\":%u,\"missed\":%u,\"altered\":%u,\"first\":%u,\"last\":%u,\"repeated\":"
		   "%u}\n",
		   tally.received, reader->empty, tally.missed, tally.altered, tally.first, tally.last,
		   tally.repeated);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct options options;
	struct v1_reader reader;

	if (parse(argc, argv, &options))
		return 2;
	program_until_signal();
	if (v1_reader_init(&reader, options.channel))
		return program_failed(argv[0]);
	program_ready(options.ready);
	read_all(&reader, &options);
	if (options.vanish)
		_exit(0);
	v1_reader_destroy(&reader);
	return 0;
}
