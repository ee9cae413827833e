/* SPDX-License-Identifier: Apache-2.0 */
/* video_shm_bench: the library against the least that can be done, in turn, on this machine. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "fleet.h"

#define KB SIDE_KB
#define EXIT_USAGE 2
#define BLOCKS 40 /* by default: what the tail of a latency needs */
#define EXIT_INTERRUPTED 130

static const struct bench_case cases[] = {
	{"places", "where copies land", 1, case_places, 0, 0, 0},
	{"write-64", "write, 64 KB", 10, case_write, 0, 0, 64 * KB},
	{"write-512", "write, 512 KB", 20, case_write, 0, 0, 512 * KB},
	{"wait-64", "wait into a buffer, 64 KB", 10, case_wait, 0, 0, 64 * KB},
	{"wait-512", "wait into a buffer, 512 KB", 20, case_wait, 0, 0, 512 * KB},
	{"direct", "reserve to release, 4 MB against 64 KB", 10, case_direct, 0, 0, 4096 * KB},
	{"direct-latency", "reserve in one process to acquired in another, likewise", 30, case_direct_latency,
	 120, 1, 4096 * KB},
	{"rate", "full rate, 64 KB", 20, case_rate, 0, 1, 64 * KB},
	{"latency-30-1", "publish to reader awake, 30 frames/s, 1 reader", 900, case_latency, 30, 1, 64 * KB},
	{"latency-30-4", "the same, 4 readers", 600, case_latency, 30, 4, 64 * KB},
	{"latency-120-1", "120 frames/s, 1 reader", 240, case_latency, 120, 1, 64 * KB},
	{"latency-120-4", "the same, 4 readers", 240, case_latency, 120, 4, 64 * KB},
	{"latency-500-1", "500 frames/s, 1 reader", 180, case_latency, 500, 1, 64 * KB},
	{"latency-500-4", "the same, 4 readers", 120, case_latency, 500, 4, 64 * KB},
	{"any-one", "awake by a wait for 16 rings, of which one is written, against a wait for one", 120,
	 case_any_one, 30, 1, 64 * KB},
	{"any-turn", "awake by a wait for 16 rings, written in turn, against a wait for the next of them", 120,
	 case_any_turn, 30, 1, 64 * KB},
	{"any-polled", "the same, where the kernel can't wait for several words", 120, case_any_polled, 30, 1,
	 64 * KB},
	{"crowd", "write of 4 KB with up to 256 waiting readers", 120, case_crowd, 20, 0, 4 * KB},
	{"readers", "write with up to 32 waiting readers", 60, case_readers, 200, 0, 64 * KB},
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

struct settings {
	unsigned blocks;
	double seconds; /* 0: as the case has it */
	const struct bench_case *which;
};

void bench_print(const char *figure, unsigned block, unsigned side, const double *values, size_t count)
{
	printf("{\"figure\": \"%s\", \"block\": %u, \"side\": %u, \"values\": [", figure, block, side);
	for (size_t at = 0; at < count; at++)
		printf("%s%.10g", at > 0 ? ", " : "", values[at]);
	printf("]}\n");
}

static void print_usage(FILE *to)
{
	fprintf(to, "usage: video_shm_bench [--blocks N] [--seconds S] [--list] [-h] CASE\n"
				"\n"
				"Measures the library in turn with a floor: shared memory, memcpy, one futex, nothing else.\n"
				"Prints all that was measured as lines of JSON; tests/bench/floor.py judges it.\n"
				"\n"
				"  --blocks N    blocks for each comparison, 1 to 1000 (40)\n"
				"  --seconds S   for the case (default: what it needs)\n"
				"  --list        the cases\n"
				"\n"
				"exit: 0 measured, 1 it failed, 2 usage, 130 interrupted\n");
}

static void print_list(void)
{
	for (size_t at = 0; at < CASES; at++)
		printf("%-16s %3.0f s  %s\n", cases[at].name, cases[at].seconds, cases[at].about);
}

static const struct bench_case *find_case(const char *word)
{
	for (size_t at = 0; at < CASES; at++) {
		if (strcmp(cases[at].name, word) == 0)
			return &cases[at];
	}
	return NULL;
}

static bool read_number(const char *text, double from, double to, double *number)
{
	char *end;

	*number = strtod(text, &end);
	return end != text && *end == '\0' && *number >= from && *number <= to;
}

/* Returns -1 to go on, or else the exit code. */
static int read_arguments(struct settings *settings, int argc, char **argv)
{
	static const struct option options[] = {{"blocks", required_argument, NULL, 'b'},
											{"seconds", required_argument, NULL, 's'},
											{"list", no_argument, NULL, 'l'},
											{"help", no_argument, NULL, 'h'},
											{NULL, 0, NULL, 0}};
	double blocks = BLOCKS;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h' || option == 'l') {
			if (option == 'h')
				print_usage(stdout);
			else
				print_list();
			return 0;
		}
		if (option == '?' || (option == 'b' && !read_number(optarg, 1, BENCH_BLOCKS_MAX, &blocks)) ||
			(option == 's' && !read_number(optarg, 0.001, 3600, &settings->seconds))) {
			print_usage(stderr);
			return EXIT_USAGE;
		}
	}
	settings->blocks = (unsigned)blocks;
	settings->which = argc - optind == 1 ? find_case(argv[optind]) : NULL;
	if (settings->which == NULL) {
		fprintf(stderr, "video_shm_bench: name one case; see --list\n");
		return EXIT_USAGE;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct settings settings = {0};
	const int code = read_arguments(&settings, argc, argv);
	struct bench_run run;
	bool good;

	if (code >= 0)
		return code;
	fleet_init();
	run.blocks = settings.blocks;
	run.seconds = settings.seconds > 0 ? settings.seconds : settings.which->seconds;
	good = settings.which->run(settings.which, &run);
	fleet_remove_rings();
	if (fleet_stopped())
		return EXIT_INTERRUPTED;
	if (!good)
		fprintf(stderr, "video_shm_bench: %s did not run to its end\n", settings.which->name);
	return good ? 0 : 1;
}
