/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Full rate: a writer process that never pauses, and one reader process. Two figures: frames/s that were
 * written, and frames/s that the reader got whole, both from the first write to the end of the turn.
 */
#include <stdatomic.h>
#include <stddef.h>

#include "bench.h"
#include "fleet.h"

#define POLL_NS 100000u
#define SETTLE_NS 2000000u /* until a reader that said it is ready sleeps */
#define LOOK_AT_CLOCK_EVERY 8u
#define ROUNDS 2u /* the first, a short one, warms up */
#define WARM_UP_SHARE 4u

/* One side's turn within a block. */
struct turn {
	_Atomic uint32_t waiting; /* the reader is about to */
	_Atomic uint32_t last;    /* number of the last frame of this turn, plus 1; 0: not known yet */
	_Atomic uint32_t over;    /* the reader has it */
	uint32_t written;
	uint32_t received;
	uint64_t begin_ns;
	uint64_t written_ns;  /* when the last frame was written */
	uint64_t received_ns; /* when it was received */
};

/* One block. */
struct rate {
	struct side *sides;
	unsigned block;
	uint64_t turn_ns;
	struct turn turns[ROUNDS][SIDES]; /* [round][turn] */
};

static unsigned side_at(const struct rate *rate, unsigned turn)
{
	return sides_order(rate->block)[turn % SIDES];
}

static void await(const _Atomic uint32_t *flag)
{
	while (atomic_load_explicit(flag, memory_order_acquire) == 0 && !fleet_stopped())
		fleet_sleep_ns(POLL_NS);
}

static void write_turn(struct side *side, struct turn *turn, uint64_t turn_ns, uint32_t *number)
{
	uint32_t written = 0;

	await(&turn->waiting);
	fleet_sleep_ns(SETTLE_NS);
	turn->begin_ns = fleet_now_ns();
	do {
		for (unsigned call = 0; call < LOOK_AT_CLOCK_EVERY; call++, written++)
			side->kind->write(side);
	} while (fleet_now_ns() - turn->begin_ns < turn_ns && !fleet_stopped());
	/* Told before it is written: whoever gets this frame knows that it is the last. */
	*number += ++written;
	atomic_store_explicit(&turn->last, *number, memory_order_release);
	side->kind->write(side);
	turn->written_ns = fleet_now_ns();
	turn->written = written;
	await(&turn->over);
}

static void write_all(void *argument)
{
	struct rate *rate = argument;
	uint32_t numbers[SIDES] = {0};

	sides_open_writers(rate->sides);
	fleet_ready();
	for (unsigned at = 0; at < ROUNDS * SIDES && !fleet_stopped(); at++) {
		const unsigned side = side_at(rate, at), round = at / SIDES;

		write_turn(&rate->sides[side], &rate->turns[round][at % SIDES],
				   round == 0 ? rate->turn_ns / WARM_UP_SHARE : rate->turn_ns, &numbers[side]);
	}
	sides_close_writers(rate->sides);
}

static void read_turn(struct side *side, struct turn *turn)
{
	uint32_t number, received = 0;

	atomic_store_explicit(&turn->waiting, 1, memory_order_release);
	do {
		number = side->kind->receive(side);
		received++;
	} while (number + 1 != atomic_load_explicit(&turn->last, memory_order_relaxed));
	turn->received_ns = fleet_now_ns();
	turn->received = received;
	atomic_store_explicit(&turn->over, 1, memory_order_release);
}

static void read_all(void *argument)
{
	struct rate *rate = argument;

	sides_open_readers(rate->sides);
	fleet_ready();
	for (unsigned at = 0; at < ROUNDS * SIDES; at++)
		read_turn(&rate->sides[side_at(rate, at)], &rate->turns[at / SIDES][at % SIDES]);
	sides_close_readers(rate->sides);
}

static bool run_block(struct rate *rate)
{
	fleet_start(write_all, rate, true);
	if (fleet_await_ready(1)) {
		fleet_start(read_all, rate, false);
		if (fleet_await_ready(2))
			fleet_go();
	}
	return fleet_finish();
}

bool case_rate(const struct bench_case *which, const struct bench_run *run)
{
	const double turn_s = run->seconds / run->blocks / SIDES * WARM_UP_SHARE / (WARM_UP_SHARE + 1);
	struct rate *rate = fleet_share(sizeof(*rate));
	bool good = true;

	for (unsigned block = 0; block < run->blocks && good; block++) {
		struct side sides[SIDES];

		*rate = (struct rate){.sides = sides, .block = block, .turn_ns = (uint64_t)(turn_s * 1e9)};
		sides_against_floor(sides, which->frame_bytes);
		good = run_block(rate);
		for (unsigned at = 0; at < SIDES && good; at++) {
			const struct turn *turn = &rate->turns[ROUNDS - 1][at];
			const unsigned side = side_at(rate, at);
			const double written = turn->written * 1e9 / (double)(turn->written_ns - turn->begin_ns);
			const double received = turn->received * 1e9 / (double)(turn->received_ns - turn->begin_ns);

			bench_print("written_per_s", block, side, &written, 1);
			bench_print("received_per_s", block, side, &received, 1);
		}
		sides_discard(sides);
	}
	fleet_unshare(rate, sizeof(*rate));
	return good;
}
