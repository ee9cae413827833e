/* SPDX-License-Identifier: Apache-2.0 */
#include "paced.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "fleet.h"
#include "statistics.h"

#define WARM_UP_FRAMES 10u /* not judged: first calls, first faults */

/* What a reader child is told. */
struct reader_task {
	const struct paced *paced;
	unsigned reader;
};

static size_t total_frames(const struct paced *paced)
{
	return WARM_UP_FRAMES + (size_t)paced->blocks * paced->frames_per_block;
}

static size_t at_side(const struct paced *paced, unsigned side, size_t frame)
{
	return side * total_frames(paced) + frame;
}

static size_t at_reader(const struct paced *paced, unsigned reader, unsigned side, size_t frame)
{
	return ((size_t)reader * SIDES + side) * total_frames(paced) + frame;
}

static size_t ledger_bytes(const struct paced *paced)
{
	return total_frames(paced) * SIDES * (2 + paced->readers) * sizeof(uint64_t);
}

static const unsigned *order_at(const struct paced *paced, size_t frame)
{
	return sides_order(frame < WARM_UP_FRAMES ? 0 : (unsigned)((frame - WARM_UP_FRAMES) / paced->frames_per_block));
}

unsigned paced_frames_per_block(double seconds, unsigned frames_per_s, unsigned blocks)
{
	const double frames = seconds * frames_per_s / blocks;

	return frames < 1 ? 1 : (unsigned)frames;
}

/* ---- the processes ---- */

static void sleep_until(uint64_t *next_ns, uint64_t period_ns)
{
	const uint64_t now_ns = fleet_now_ns();

	*next_ns += period_ns;
	if (*next_ns < now_ns) { /* the host stood still: no burst to make up for it */
		*next_ns = now_ns;
		return;
	}
	const struct timespec time = {.tv_sec = (time_t)(*next_ns / NS_PER_S), .tv_nsec = (long)(*next_ns % NS_PER_S)};

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static void write_all(void *argument)
{
	const struct paced *paced = argument;
	const uint64_t period_ns = NS_PER_S / paced->frames_per_s / SIDES;
	uint64_t next_ns;

	sides_open_writers(paced->sides);
	fleet_ready();
	next_ns = fleet_now_ns();
	for (size_t frame = 0; frame < total_frames(paced); frame++) {
		for (unsigned turn = 0; turn < SIDES && !fleet_stopped(); turn++) {
			const unsigned side = order_at(paced, frame)[turn];
			const size_t at = at_side(paced, side, frame);

			sleep_until(&next_ns, period_ns);
			paced->entered[at] = fleet_now_ns();
			paced->sides[side].kind->write(&paced->sides[side]);
			paced->left[at] = fleet_now_ns();
		}
	}
	sides_close_writers(paced->sides);
}

static void read_all(void *argument)
{
	const struct reader_task *task = argument;
	const struct paced *paced = task->paced;
	size_t next[SIDES] = {0};

	sides_open_readers(paced->sides);
	fleet_ready();
	for (size_t frame = 0; frame < total_frames(paced); frame++) {
		for (unsigned turn = 0; turn < SIDES; turn++) {
			const unsigned side = order_at(paced, frame)[turn];

			if (next[side] > frame) /* it was lapped, and is ahead of the schedule now */
				continue;
			const uint32_t got = paced->sides[side].kind->receive(&paced->sides[side]);
			const uint64_t now_ns = fleet_now_ns();

			if (got >= total_frames(paced))
				fleet_die("a frame that was never written");
			paced->awake[at_reader(paced, task->reader, side, got)] = now_ns;
			next[side] = got + 1;
		}
	}
	sides_close_readers(paced->sides);
}

bool paced_run(struct paced *paced)
{
	const size_t column = total_frames(paced) * SIDES;
	struct reader_task tasks[PACED_READERS_MAX];

	paced->entered = fleet_share(ledger_bytes(paced));
	paced->left = paced->entered + column;
	paced->awake = paced->left + column;
	fleet_start(write_all, paced, true);
	if (fleet_await_ready(1)) {
		for (unsigned reader = 0; reader < paced->readers; reader++) {
			tasks[reader] = (struct reader_task){paced, reader};
			fleet_start(read_all, &tasks[reader], false);
		}
		if (fleet_await_ready(1 + paced->readers))
			fleet_go();
	}
	return fleet_finish();
}

void paced_discard(struct paced *paced)
{
	fleet_unshare(paced->entered, ledger_bytes(paced));
}

/* ---- what came out ---- */

static double *samples(size_t count)
{
	double *values = malloc(count * sizeof(*values));

	if (values == NULL)
		fleet_die("no memory");
	return values;
}

void paced_latency_us(const struct paced *paced, unsigned side, double share, double *blocks)
{
	double *values = samples((size_t)paced->frames_per_block * paced->readers);

	for (unsigned block = 0; block < paced->blocks; block++) {
		const size_t first = WARM_UP_FRAMES + (size_t)block * paced->frames_per_block;
		size_t count = 0;

		for (unsigned reader = 0; reader < paced->readers; reader++) {
			for (size_t frame = first; frame < first + paced->frames_per_block; frame++) {
				const uint64_t awake_ns = paced->awake[at_reader(paced, reader, side, frame)];

				if (awake_ns != 0)
					values[count++] = (double)(awake_ns - paced->entered[at_side(paced, side, frame)]) / 1e3;
			}
		}
		blocks[block] = count > 0 ? statistics_quantile(values, count, share) : 1e9;
	}
	free(values);
}

void paced_write_us(const struct paced *paced, unsigned side, double share, double *blocks)
{
	double *values = samples(paced->frames_per_block);

	for (unsigned block = 0; block < paced->blocks; block++) {
		const size_t first = WARM_UP_FRAMES + (size_t)block * paced->frames_per_block;

		for (size_t at = 0; at < paced->frames_per_block; at++)
			values[at] = (double)(paced->left[at_side(paced, side, first + at)] -
								  paced->entered[at_side(paced, side, first + at)]) /
						 1e3;
		blocks[block] = statistics_quantile(values, paced->frames_per_block, share);
	}
	free(values);
}
