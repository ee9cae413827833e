/* SPDX-License-Identifier: Apache-2.0 */
/* What the calls cost whoever makes them: in one process, nobody waits for anybody. */
#include <stddef.h>
#include <string.h>

#include "bench.h"
#include "fleet.h"

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
	size_t rounds;
	double values[SIDES][ROUNDS_MAX]; /* ns for a frame, batch by batch */
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

static double batch_ns(struct cost *cost, unsigned side)
{
	uint64_t begin_ns;

	cost->prepare(cost, side);
	begin_ns = fleet_now_ns();
	cost->batch(cost, side);
	return (double)(fleet_now_ns() - begin_ns) / CALLS;
}

/* The sides take turns batch by batch. */
static void measure_block(struct cost *cost)
{
	const uint64_t end_ns = fleet_now_ns() + (uint64_t)(cost->seconds * 1e9);

	for (unsigned side = 0; side < SIDES; side++)
		(void)batch_ns(cost, side); /* to warm up */
	while (cost->rounds < ROUNDS_MIN || (cost->rounds < ROUNDS_MAX && fleet_now_ns() < end_ns)) {
		for (unsigned turn = 0; turn < SIDES; turn++) {
			const unsigned side = sides_order(cost->block + (unsigned)cost->rounds)[turn];

			cost->values[side][cost->rounds] = batch_ns(cost, side);
		}
		cost->rounds++;
	}
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

static bool run_cost(const struct bench_case *which, const struct bench_run *run, side_maker *make,
					 void (*prepare)(struct cost *, unsigned), void (*batch)(struct cost *, unsigned))
{
	struct cost *cost = fleet_share(sizeof(*cost));
	bool good = true;

	for (unsigned block = 0; block < run->blocks && good; block++) {
		*cost = (struct cost){
			.prepare = prepare, .batch = batch, .block = block, .seconds = run->seconds / run->blocks};
		make(cost->writers, which->frame_bytes);
		fleet_start(measure, cost, true);
		if (fleet_await_ready(1))
			fleet_go();
		good = fleet_finish();
		for (unsigned side = 0; side < SIDES && good; side++)
			bench_print("frame_ns", block, side, cost->values[side], cost->rounds);
		sides_discard(cost->writers);
	}
	fleet_unshare(cost, sizeof(*cost));
	return good;
}

bool case_write(const struct bench_case *which, const struct bench_run *run)
{
	return run_cost(which, run, sides_against_floor, nothing, write_batch);
}

bool case_wait(const struct bench_case *which, const struct bench_run *run)
{
	return run_cost(which, run, sides_against_floor, write_batch, wait_batch);
}

bool case_direct(const struct bench_case *which, const struct bench_run *run)
{
	return run_cost(which, run, sides_against_64_kb, nothing, pass_batch);
}
