/* SPDX-License-Identifier: Apache-2.0 */
/* What a paced stream shows: how soon readers are awake, and what readers cost the writer. */
#include <stdio.h>

#include "bench.h"
#include "fleet.h"
#include "paced.h"

/* Runs all blocks, each on new memory, and prints what was measured: latencies, and times of write. */
static bool run_paced(const struct bench_case *which, const struct bench_run *run, unsigned readers,
					  double seconds, side_maker *make, const char *write_figure)
{
	bool good = true;

	for (unsigned block = 0; block < run->blocks && good; block++) {
		struct side sides[SIDES];
		struct paced paced = {
			.frames_per_s = which->frames_per_s, .readers = readers, .sides = sides, .block = block};

		paced_fill(&paced, seconds / run->blocks);
		make(sides, which->frame_bytes);
		good = paced_run(&paced);
		for (unsigned side = 0; side < SIDES && good; side++) {
			if (readers != 0 && write_figure == NULL)
				paced_print_latency(&paced, side, "latency_ns");
			paced_print_write(&paced, side, write_figure != NULL ? write_figure : "write_ns");
		}
		paced_discard(&paced);
		sides_discard(sides);
	}
	return good;
}

bool case_latency(const struct bench_case *which, const struct bench_run *run)
{
	return run_paced(which, run, which->readers, run->seconds, sides_against_floor, NULL);
}

bool case_direct_latency(const struct bench_case *which, const struct bench_run *run)
{
	return run_paced(which, run, which->readers, run->seconds, sides_against_64_kb, NULL);
}

bool case_any_one(const struct bench_case *which, const struct bench_run *run)
{
	return run_paced(which, run, which->readers, run->seconds, sides_any_one, NULL);
}

bool case_any_turn(const struct bench_case *which, const struct bench_run *run)
{
	return run_paced(which, run, which->readers, run->seconds, sides_any_turn, NULL);
}

bool case_any_polled(const struct bench_case *which, const struct bench_run *run)
{
	return run_paced(which, run, which->readers, run->seconds, sides_any_polled, NULL);
}

static bool run_counts(const struct bench_case *which, const struct bench_run *run, const unsigned *counts,
					   unsigned steps)
{
	char figure[32];

	for (unsigned step = 0; step < steps; step++) {
		(void)snprintf(figure, sizeof(figure), "write_ns_%u", counts[step]);
		if (!run_paced(which, run, counts[step], run->seconds / steps, sides_against_floor, figure))
			return false;
	}
	return true;
}

bool case_readers(const struct bench_case *which, const struct bench_run *run)
{
	static const unsigned counts[] = {0, 1, 2, 4, 8, 16, 32};

	return run_counts(which, run, counts, sizeof(counts) / sizeof(counts[0]));
}

bool case_crowd(const struct bench_case *which, const struct bench_run *run)
{
	static const unsigned counts[] = {0, 64, 128, PACED_READERS_MAX};

	return run_counts(which, run, counts, sizeof(counts) / sizeof(counts[0]));
}
