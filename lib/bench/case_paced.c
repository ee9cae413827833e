/* SPDX-License-Identifier: Apache-2.0 */
/* What a paced stream shows: how soon readers are awake, and what readers cost the writer. */
#include <stddef.h>

#include "bench.h"
#include "fleet.h"
#include "paced.h"

#define P50_LIMIT 1.10
#define P99_LIMIT 1.3
#define DIRECT_LIMIT 1.1

typedef void quantile_us(const struct paced *paced, unsigned side, double share, double *blocks);

static void compare(struct row *row, const struct paced *paced, quantile_us *quantile, double share)
{
	double values[SIDES][STATISTICS_BLOCKS_MAX];
	const double *const sides[SIDES] = {values[0], values[1], values[2]};

	for (unsigned side = 0; side < SIDES; side++)
		quantile(paced, side, share, values[side]);
	row_compare(row, sides, paced->blocks);
}

static struct paced plan(const struct bench_case *which, const struct bench_run *run, struct side *sides)
{
	struct paced paced = {
		.sides = sides,
		.frames_per_s = which->frames_per_s,
		.readers = which->readers,
		.blocks = run->blocks,
	};

	paced_fill(&paced, run->seconds);
	return paced;
}

bool case_latency(const struct bench_case *which, struct bench_run *run)
{
	struct side sides[SIDES];
	struct paced paced = plan(which, run, sides);
	struct row *row;
	bool good;

	sides_against_floor(sides, which->frame_bytes);
	good = paced_run(&paced);
	if (good) {
		row = bench_row(run, LIMIT_AT_MOST, P50_LIMIT, "us", "publish to awake, %u/s, %u reader%s, p50",
						which->frames_per_s, which->readers, which->readers == 1 ? "" : "s");
		compare(row, &paced, paced_latency_us, 0.50);
		row = bench_row(run, LIMIT_AT_MOST, P99_LIMIT, "us", "publish to awake, %u/s, %u reader%s, p99",
						which->frames_per_s, which->readers, which->readers == 1 ? "" : "s");
		compare(row, &paced, paced_latency_us, 0.99);
	}
	paced_discard(&paced);
	sides_discard(sides);
	return good;
}

bool case_direct_latency(const struct bench_case *which, struct bench_run *run)
{
	struct side sides[SIDES];
	struct paced paced = plan(which, run, sides);
	bool good;

	sides_against_small(sides, which->frame_bytes, 64 * SIDE_KB);
	good = paced_run(&paced);
	if (good)
		compare(bench_row(run, LIMIT_AT_MOST, DIRECT_LIMIT, "us",
						  "reserve to acquired, %u KB against 64 KB, p50", which->frame_bytes / SIDE_KB),
				&paced, paced_latency_us, 0.50);
	paced_discard(&paced);
	sides_discard(sides);
	return good;
}

bool case_readers(const struct bench_case *which, struct bench_run *run)
{
	static const unsigned counts[] = {0, 1, 2, 4, 8, 16, PACED_READERS_MAX};
	const unsigned steps = sizeof(counts) / sizeof(counts[0]);
	struct row *row, *first = NULL;
	bool good = true;

	for (unsigned step = 0; step < steps && good; step++) {
		struct side sides[SIDES];
		struct paced paced = plan(which, run, sides);

		paced.readers = counts[step];
		paced_fill(&paced, run->seconds / steps);
		sides_against_floor(sides, which->frame_bytes);
		good = paced_run(&paced);
		if (good) {
			row = bench_row(run, LIMIT_NONE, 0, "us", "write, %u waiting reader%s", counts[step],
							counts[step] == 1 ? "" : "s");
			compare(row, &paced, paced_write_us, 0.50);
			first = first != NULL ? first : row;
		}
		paced_discard(&paced);
		sides_discard(sides);
	}
	if (!good)
		return false;
	const struct row last = run->rows[run->count - 1];

	row = bench_row(run, LIMIT_NONE, 0, "us", "write, for each added waiting reader");
	row->ours = (last.ours - first->ours) / PACED_READERS_MAX;
	row->reference = (last.reference - first->reference) / PACED_READERS_MAX;
	row->ratio.middle = row->ours / row->reference;
	return true;
}
