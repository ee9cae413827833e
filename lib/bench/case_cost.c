/* SPDX-License-Identifier: Apache-2.0 */
/* What the calls cost whoever makes them: in one process, nobody waits for anybody. */
#include <stddef.h>

#include "bench.h"
#include "fleet.h"

#define COST_LIMIT 1.1
#define CALLS                                                                                                \
	(VIDEO_SHM_RING_SIZE - 1u) /* as many frames as a ring holds for a reader that came before them */
#define ROUNDS_MIN 3u
#define ROUNDS_MAX 1000u

/* One process that writes and reads. */
struct cost {
	struct side *writers;
	struct side readers[SIDES];
	void (*prepare)(struct cost *cost, unsigned side); /* not timed */
	void (*batch)(struct cost *cost, unsigned side);   /* CALLS frames */
	unsigned blocks;
	double seconds;
	double values[SIDES][STATISTICS_BLOCKS_MAX]; /* us for a frame */
};

static void nothing(struct cost *cost, unsigned side)
{
	(void)cost;
	(void)side;
}

static void write_batch(struct cost *cost, unsigned side)
{
	struct side *writer = &cost->writers[side];

	for (unsigned call = 0; call < CALLS; call++)
		writer->kind->write(writer);
}

static void wait_batch(struct cost *cost, unsigned side)
{
	struct side *reader = &cost->readers[side];

	for (unsigned call = 0; call < CALLS; call++)
		(void)reader->kind->receive(reader);
}

static void pass_batch(struct cost *cost, unsigned side)
{
	struct side *writer = &cost->writers[side], *reader = &cost->readers[side];

	for (unsigned call = 0; call < CALLS; call++) {
		writer->kind->write(writer);
		(void)reader->kind->receive(reader);
	}
}

/* The sides take turns batch by batch; a block's value is the median of its batches. */
static void measure_block(struct cost *cost, unsigned block)
{
	const uint64_t end_ns = fleet_now_ns() + (uint64_t)(cost->seconds / cost->blocks * 1e9);
	static double rounds[SIDES][ROUNDS_MAX];
	size_t count = 0;

	while (count < ROUNDS_MIN || (count < ROUNDS_MAX && fleet_now_ns() < end_ns)) {
		for (unsigned turn = 0; turn < SIDES; turn++) {
			const unsigned side = sides_order(block + (unsigned)count)[turn];
			uint64_t begin_ns;

			cost->prepare(cost, side);
			begin_ns = fleet_now_ns();
			cost->batch(cost, side);
			rounds[side][count] = (double)(fleet_now_ns() - begin_ns) / 1e3 / CALLS;
		}
		count++;
	}
	for (unsigned side = 0; side < SIDES; side++)
		cost->values[side][block] = statistics_median(rounds[side], count);
}

static void measure(void *argument)
{
	struct cost *cost = argument;

	sides_open_writers(cost->writers);
	for (unsigned side = 0; side < SIDES; side++)
		cost->readers[side] = cost->writers[side];
	sides_open_readers(cost->readers);
	fleet_ready();
	measure_block(cost, 0); /* to warm up; done once more below */
	for (unsigned block = 0; block < cost->blocks && !fleet_stopped(); block++)
		measure_block(cost, block);
	sides_close_readers(cost->readers);
	sides_close_writers(cost->writers);
}

static bool run_cost(struct bench_run *run, struct side *sides, struct row *row,
					 void (*prepare)(struct cost *, unsigned), void (*batch)(struct cost *, unsigned))
{
	struct cost *cost = fleet_share(sizeof(*cost));
	bool good;

	cost->writers = sides;
	cost->prepare = prepare;
	cost->batch = batch;
	cost->blocks = run->blocks;
	cost->seconds = run->seconds;
	fleet_start(measure, cost, true);
	if (fleet_await_ready(1))
		fleet_go();
	good = fleet_finish();
	if (good) {
		const double *const values[SIDES] = {cost->values[0], cost->values[1], cost->values[2]};

		row_compare(row, values, cost->blocks);
	}
	fleet_unshare(cost, sizeof(*cost));
	sides_discard(sides);
	return good;
}

bool case_write(const struct bench_case *which, struct bench_run *run)
{
	struct side sides[SIDES];
	struct row *row =
		bench_row(run, LIMIT_AT_MOST, COST_LIMIT, "us", "write, %u KB", which->frame_bytes / SIDE_KB);

	sides_against_floor(sides, which->frame_bytes);
	return run_cost(run, sides, row, nothing, write_batch);
}

bool case_wait(const struct bench_case *which, struct bench_run *run)
{
	struct side sides[SIDES];
	struct row *row = bench_row(run, LIMIT_AT_MOST, COST_LIMIT, "us", "wait into a buffer, %u KB",
								which->frame_bytes / SIDE_KB);

	sides_against_floor(sides, which->frame_bytes);
	return run_cost(run, sides, row, write_batch, wait_batch);
}

bool case_direct(const struct bench_case *which, struct bench_run *run)
{
	struct side sides[SIDES];
	struct row *row = bench_row(run, LIMIT_AT_MOST, COST_LIMIT, "us",
								"reserve to release, %u KB against 64 KB", which->frame_bytes / SIDE_KB);

	sides_against_small(sides, which->frame_bytes, 64 * SIDE_KB);
	return run_cost(run, sides, row, nothing, pass_batch);
}
