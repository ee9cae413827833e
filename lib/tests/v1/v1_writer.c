/* SPDX-License-Identifier: Apache-2.0 */
/* Writes v1_fill's pattern until it is told to end: one JSON line then. */
#include "program.h"
#include "v1.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

struct options {
	int channel;
	uint32_t frames; /* 0: no end */
	uint32_t fps;    /* 0: as fast as it goes */
	uint32_t size;
	uint32_t start_count;
	bool ready;
};

static int parse(int argc, char **argv, struct options *options)
{
	int option;

	*options = (struct options){.channel = V1_NO_CHANNEL, .fps = 30, .size = 20000};
	while ((option = getopt(argc, argv, "c:n:f:s:b:r")) != -1) {
		switch (option) {
		case 'c':
			options->channel = (int)program_number(optarg, INT32_MAX);
			break;
		case 'n':
			options->frames = program_number(optarg, UINT32_MAX);
			break;
		case 'f':
			options->fps = program_number(optarg, 100000);
			break;
		case 's':
			options->size = program_number(optarg, V1_CAPACITY);
			break;
		case 'b':
			options->start_count = program_number(optarg, UINT32_MAX);
			break;
		case 'r':
			options->ready = true;
			break;
		default:
			fprintf(stderr, "usage: %s [-c channel] [-n frames] [-f fps] [-s size] [-b START_COUNT] [-r]\n",
					argv[0]);
			return -1;
		}
	}
	return options->size ? 0 : -1;
}

/*
 * Sleeps until a frame's time after the last one, not from now, so that the mean rate is what was asked
 * for.
 */
static void pace(struct timespec *next, uint32_t fps)
{
	if (!fps)
		return;
	next->tv_nsec += 1000000000L / (long)fps;
	if (next->tv_nsec >= 1000000000L) {
		next->tv_nsec -= 1000000000L;
		next->tv_sec++;
	}
	while (program_running && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL) == EINTR)
		;
}

static void write_all(struct v1_writer *writer, const struct options *options)
{
	static uint8_t data[V1_CAPACITY];
	const struct v1_meta meta = {
		.is_keyframe = 1, .width = 1920, .height = 1080, .fps = (uint8_t)options->fps};
	uint32_t written = 0;
	uint32_t dropped = 0;
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	while (program_running && (!options->frames || written + dropped < options->frames)) {
		v1_fill(data, options->size, writer->sequence);
		if (v1_writer_write(writer, data, options->size, &meta))
			dropped++;
		else
			written++;
		pace(&next, options->fps);
	}
	printf("{\"written\":%u,\"dropped\":%u}\n", written, dropped);
}

int main(int argc, char **argv)
{
	struct options options;
	struct v1_writer writer;

	if (parse(argc, argv, &options))
		return 2;
	program_until_signal();
	if (v1_writer_init(&writer, options.channel, options.start_count))
		return program_failed(argv[0]);
	program_ready(options.ready);
	write_all(&writer, &options);
	v1_writer_destroy(&writer);
	return 0;
}
