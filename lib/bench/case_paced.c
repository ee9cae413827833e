/* SPDX-License-Identifier: Apache-2.0 */
/* What a paced stream shows: how soon readers are awake, and what readers cost the writer. */
#include <stddef.h>

#include "bench.h"
#include "fleet.h"
#include "paced.h"

#define P50_LIMIT 1.10
#define P99_LIMIT 1.3
#define DIRECT_LIMIT 1.1

typedef double quantile_us(const struct paced *paced, unsigned side, double share);

/* One figure of a stream, block by block. */
struct figure {
	quantile_us *quantile;
	double share;
	struct blocks blocks;
};

/* Runs all blocks, each on new memory, and takes the figures of each. */
static bool take(const struct bench_run *run, const struct paced *plan, double seconds, side_maker *make,
				 uint32_t frame_bytes, struct figure *figures, size_t count)
{
	bool good = true;

	for (unsigned block = 0; block < run->blocks && good; block++) {
		struct side sides[SIDES];
		struct paced paced = *plan;

		paced.sides = sides;
		paced.block = block;
		paced_fill(&paced, seconds / run->blocks);
		make(sides, frame_bytes);
		good = paced_run(&paced);
		for (size_t at = 0; at < count && good; at++) {
			for (unsigned side = 0; side < SIDES; side++)
				figures[at].blocks.values[side][block] =
					figures[at].quantile(&paced, side, figures[at].share);
		}
		paced_discard(&paced);
		sides_discard(sides);
	}
	return good;
}

bool case_latency(const struct bench_case *which, struct bench_run *run)
{
	const struct paced plan = {.frames_per_s = which->frames_per_s, .readers = which->readers};
	const char *const plural = which->readers == 1 ? "" : "s";
	static struct figure figures[3];

	figures[0] = (struct figure){.quantile = paced_latency_us, .share = 0.50};
	figures[1] = (struct figure){.quantile = paced_latency_us, .share = 0.99};
	figures[2] = (struct figure){.quantile = paced_write_us, .share = 0.50};
	if (!take(run, &plan, run->seconds, sides_against_floor, which->frame_bytes, figures, 3))
		return false;
	row_compare(bench_row(run, LIMIT_AT_MOST, P50_LIMIT, "us", "publish to awake, %u/s, %u reader%s, p50",
						  which->frames_per_s, which->readers, plural),
				&figures[0].blocks, run->blocks);
	row_compare(bench_row(run, LIMIT_AT_MOST, P99_LIMIT, "us", "publish to awake, %u/s, %u reader%s, p99",
						  which->frames_per_s, which->readers, plural),
				&figures[1].blocks, run->blocks);
	row_compare(bench_row(run, LIMIT_NONE, 0, "us", "write alone, %u/s, %u reader%s, p50",
						  which->frames_per_s, which->readers, plural),
				&figures[2].blocks, run->blocks);
	return true;
}

bool case_direct_latency(const struct bench_case *which, struct bench_run *run)
{
	const struct paced plan = {.frames_per_s = which->frames_per_s, .readers = which->readers};
	static struct figure figure;

	figure = (struct figure){.quantile = paced_latency_us, .share = 0.50};
	if (!take(run, &plan, run->seconds, sides_against_64_kb, which->frame_bytes, &figure, 1))
		return false;
	row_compare(bench_row(run, LIMIT_AT_MOST, DIRECT_LIMIT, "us",
						  "reserve to acquired, %u KB against 64 KB, p50", which->frame_bytes / SIDE_KB),
				&figure.blocks, run->blocks);
	return true;
}

bool case_readers(const struct bench_case *which, struct bench_run *run)
{
	static const unsigned counts[] = {0, 1, 2, 4, 8, 16, PACED_READERS_MAX};
	const unsigned steps = sizeof(counts) / sizeof(counts[0]);
	static struct figure figure;
	struct row *row, *first = NULL;

	for (unsigned step = 0; step < steps; step++) {
		const struct paced plan = {.frames_per_s = which->frames_per_s, .readers = counts[step]};

		figure = (struct figure){.quantile = paced_write_us, .share = 0.50};
		if (!take(run, &plan, run->seconds / steps, sides_against_floor, which->frame_bytes, &figure, 1))
			return false;
		row = bench_row(run, LIMIT_NONE, 0, "us", "write, %u waiting reader%s", counts[step],
						counts[step] == 1 ? "" : "s");
		row_compare(row, &figure.blocks, run->blocks);
		first = first != NULL ? first : row;
	}
	const struct row last = run->rows[run->count - 1];

	row = bench_row(run, LIMIT_NONE, 0, "us", "write, for each added waiting reader");
	row->ours = (last.ours - first->ours) / PACED_READERS_MAX;
	row->reference = (last.reference - first->reference) / PACED_READERS_MAX;
	row->ratio.middle = row->ours / row->reference;
	return true;
}
