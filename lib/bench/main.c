/* SPDX-License-Identifier: Apache-2.0 */
/* video_shm_bench: the library against the least that can be done, in turn, on this machine. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet.h"
#include "report.h"

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
	{"readers", "write with up to 32 waiting readers", 60, case_readers, 200, 0, 64 * KB},
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

struct settings {
	unsigned blocks;
	double seconds; /* 0: as each case has it */
	bool json;
	bool chosen[CASES];
};

struct row *bench_row(struct bench_run *run, enum limit kind, double limit, const char *unit,
					  const char *name, ...)
{
	struct row *row = &run->rows[run->count];
	va_list arguments;

	memset(row, 0, sizeof(*row));
	row->unit = unit;
	row->kind = kind;
	row->limit = limit;
	row->timed = true;
	va_start(arguments, name);
	(void)vsnprintf(row->name, sizeof(row->name), name, arguments);
	va_end(arguments);
	run->count++;
	return row;
}

static void print_usage(FILE *to)
{
	fprintf(to, "usage: video_shm_bench [--blocks N] [--seconds S] [--json] [--list] [-h] [case...]\n"
				"\n"
				"Measures the library in turn with a floor: shared memory, memcpy, one futex, nothing else.\n"
				"A case is named in full or by its beginning; without one all are run, in about 42 minutes.\n"
				"\n"
				"  --blocks N    blocks for each comparison, 1 to 1000 (40; below 20 not judged)\n"
				"  --seconds S   for each case (default: what each needs)\n"
				"  --json        a record instead of a table\n"
				"  --list        the cases\n"
				"\n"
				"exit: 0 all within their limits, 1 a limit is exceeded or a case failed, 2 usage,\n"
				"      3 the host was not fit to judge by, 130 interrupted\n");
}

static void print_list(void)
{
	for (size_t at = 0; at < CASES; at++)
		printf("%-16s %3.0f s  %s\n", cases[at].name, cases[at].seconds, cases[at].about);
}

static bool choose(struct settings *settings, const char *word)
{
	bool found = false;

	for (size_t at = 0; at < CASES; at++) {
		if (strncmp(cases[at].name, word, strlen(word)) == 0)
			settings->chosen[at] = found = true;
	}
	return found;
}

static bool read_number(const char *text, double from, double to, double *number)
{
	char *end;

	*number = strtod(text, &end);
	return end != text && *end == '\0' && *number >= from && *number <= to;
}

/* -1: go on; else the exit code. */
static int read_arguments(struct settings *settings, int argc, char **argv)
{
	static const struct option options[] = {
		{"blocks", required_argument, NULL, 'b'}, {"seconds", required_argument, NULL, 's'},
		{"json", no_argument, NULL, 'j'},         {"list", no_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
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
		settings->json = settings->json || option == 'j';
		if (option == '?' || (option == 'b' && !read_number(optarg, 1, STATISTICS_BLOCKS_MAX, &blocks)) ||
			(option == 's' && !read_number(optarg, 0.001, 3600, &settings->seconds))) {
			print_usage(stderr);
			return EXIT_USAGE;
		}
	}
	settings->blocks = (unsigned)blocks;
	for (; optind < argc; optind++) {
		if (!choose(settings, argv[optind])) {
			fprintf(stderr, "video_shm_bench: there is no case %s; see --list\n", argv[optind]);
			return EXIT_USAGE;
		}
	}
	return -1;
}

static void run_case(struct report *report, const struct settings *settings, const struct bench_case *which)
{
	struct report_case *part = &report->cases[report->case_count++];
	struct bench_run run = {.blocks = settings->blocks,
							.seconds = settings->seconds > 0 ? settings->seconds : which->seconds,
							.rows = &report->rows[report->row_count]};
	struct host host;

	fprintf(stderr, "%s: %s, %.3g s\n", which->name, which->about, run.seconds);
	part->which = which;
	part->first_row = report->row_count;
	host_begin(&host);
	part->good = which->run(which, &run);
	host_end(&host, &part->host);
	if (!part->good) {
		if (!fleet_stopped())
			fprintf(stderr, "video_shm_bench: %s did not run to its end\n", which->name);
		return;
	}
	part->row_count = run.count;
	report->row_count += run.count;
	for (unsigned at = 0; at < run.count; at++)
		row_judge(&run.rows[at], settings->blocks, part->host.fit);
}

int main(int argc, char **argv)
{
	static struct report report;
	struct settings settings = {0};
	bool all = true, failed = false;
	const int code = read_arguments(&settings, argc, argv);

	if (code >= 0)
		return code;
	fleet_init();
	report.blocks = settings.blocks;
	for (size_t at = 0; at < CASES; at++)
		all = all && !settings.chosen[at];
	for (size_t at = 0; at < CASES && !fleet_stopped(); at++) {
		if (all || settings.chosen[at])
			run_case(&report, &settings, &cases[at]);
	}
	fleet_remove_rings();
	for (unsigned at = 0; at < report.case_count; at++)
		failed = failed || !report.cases[at].good;
	if (settings.json)
		report_json(&report);
	else
		report_table(&report);
	if (fleet_stopped())
		return EXIT_INTERRUPTED;
	return failed ? 1 : rows_exit_code(report.rows, report.row_count);
}
