/* SPDX-License-Identifier: Apache-2.0 */
/* What the calls cost whoever makes them: in one process, nobody waits for anybody. */
#include <stddef.h>
#include <string.h>

#include "bench.h"
#include "fleet.h"

#define COST_LIMIT 1.1
#define CALLS                                                                                                \
	(VIDEO_SHM_RING_SIZE - 1u) /* as many frames as a ring holds for a reader that came before them */
#define ROUNDS_MIN 3u
#define ROUNDS_MAX 1000u

/* One process that writes and reads, for one block. */
struct cost {
	struct side writers[SIDES];
	struct side readers[SIDES];
	void (*prepare)(struct cost *cost, unsigned side); /* not timed */
	void (*batch)(struct cost *cost, unsigned side);   /* CALLS frames */
	unsigned block;
	double seconds;
	double values[SIDES]; /* us for a frame */
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

static double batch_us(struct cost *cost, unsigned side)
{
	uint64_t begin_ns;

	cost->prepare(cost, side);
	begin_ns = fleet_now_ns();
	cost->batch(cost, side);
	return (double)(fleet_now_ns() - begin_ns) / 1e3 / CALLS;
}

/* The sides take turns batch by batch; a block's value is the median of its batches. */
static void measure_block(struct cost *cost)
{
	const uint64_t end_ns = fleet_now_ns() + (uint64_t)(cost->seconds * 1e9);
	static double rounds[SIDES][ROUNDS_MAX];
	size_t count = 0;

	for (unsigned side = 0; side < SIDES; side++)
		(void)batch_us(cost, side); /* to warm up */
	while (count < ROUNDS_MIN || (count < ROUNDS_MAX && fleet_now_ns() < end_ns)) {
		for (unsigned turn = 0; turn < SIDES; turn++) {
			const unsigned side = sides_order(cost->block + (unsigned)count)[turn];

			rounds[side][count] = batch_us(cost, side);
		}
		count++;
	}
	for (unsigned side = 0; side < SIDES; side++)
		cost->values[side] = statistics_median(rounds[side], count);
}

static void measure(void *argument)
{
	struct cost *cost = argument;

	sides_open_writers(cost->writers);
	memcpy(cost->readers, cost->writers, sizeof(cost->readers));
	sides_open_readers(cost->readers);
	fleet_ready();
	measure_block(cost);
	sides_close_readers(cost->readers);
	sides_close_writers(cost->writers);
}

static bool run_cost(const struct bench_run *run, struct row *row, side_maker *make, uint32_t frame_bytes,
					 void (*prepare)(struct cost *, unsigned), void (*batch)(struct cost *, unsigned))
{
	struct cost *cost = fleet_share(sizeof(*cost));
	static struct blocks blocks;
	bool good = true;

	for (unsigned block = 0; block < run->blocks && good; block++) {
		*cost = (struct cost){
			.prepare = prepare, .batch = batch, .block = block, .seconds = run->seconds / run->blocks};
		make(cost->writers, frame_bytes);
		fleet_start(measure, cost, true);
		if (fleet_await_ready(1))
			fleet_go();
		good = fleet_finish();
		for (unsigned side = 0; side < SIDES; side++)
			blocks.values[side][block] = cost->values[side];
		sides_discard(cost->writers);
	}
	if (good)
		row_compare(row, &blocks, run->blocks);
	fleet_unshare(cost, sizeof(*cost));
	return good;
}

bool case_write(const struct bench_case *which, struct bench_run *run)
{
	struct row *row =
		bench_row(run, LIMIT_AT_MOST, COST_LIMIT, "us", "write, %u KB", which->frame_bytes / SIDE_KB);

	return run_cost(run, row, sides_against_floor, which->frame_bytes, nothing, write_batch);
}

bool case_wait(const struct bench_case *which, struct bench_run *run)
{
	struct row *row = bench_row(run, LIMIT_AT_MOST, COST_LIMIT, "us", "wait into a buffer, %u KB",
								which->frame_bytes / SIDE_KB);

	return run_cost(run, row, sides_against_floor, which->frame_bytes, write_batch, wait_batch);
}

bool case_direct(const struct bench_case *which, struct bench_run *run)
{
	struct row *row = bench_row(run, LIMIT_AT_MOST, COST_LIMIT, "us",
								"reserve to release, %u KB against 64 KB", which->frame_bytes / SIDE_KB);

	return run_cost(run, row, sides_against_64_kb, which->frame_bytes, nothing, pass_batch);
}
