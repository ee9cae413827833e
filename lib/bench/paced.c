/* SPDX-License-Identifier: Apache-2.0 */
#include "paced.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"
#include "fleet.h"

/* At the beginning of a turn, not judged: the side before has left its traces in all caches. */
#define SETTLING_FRAMES 2u
#define TURN_FRAMES_MAX 10u
#define LOST_NS 1e9 /* what a frame that a reader never got counts as */

/* What a reader child is told. */
struct reader_task {
	const struct paced *paced;
	unsigned reader;
};

static unsigned turn_frames(const struct paced *paced)
{
	return SETTLING_FRAMES + paced->frames_per_turn;
}

/* Returns the frames of one side. */
static size_t total_frames(const struct paced *paced)
{
	return (size_t)paced->turns * turn_frames(paced);
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

void paced_fill(struct paced *paced, double seconds)
{
	const double frames = seconds * paced->frames_per_s / SIDES;
	const double turns = frames / (SETTLING_FRAMES + TURN_FRAMES_MAX);
	const double counted = frames - SETTLING_FRAMES;

	paced->turns = turns < 1 ? 1 : (unsigned)turns;
	paced->frames_per_turn = counted < 1                 ? 1
							 : counted < TURN_FRAMES_MAX ? (unsigned)counted
														 : TURN_FRAMES_MAX;
}

/* Leaves out what a turn begins with. Returns how many values there are. */
static size_t collect(const struct paced *paced, const uint64_t *from, const uint64_t *to, double *values)
{
	size_t count = 0;

	for (size_t frame = 0; frame < total_frames(paced); frame++) {
		if (frame % turn_frames(paced) >= SETTLING_FRAMES)
			values[count++] = to[frame] != 0 ? (double)(to[frame] - from[frame]) : LOST_NS;
	}
	return count;
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
	const struct timespec time = {.tv_sec = (time_t)(*next_ns / NS_PER_S),
								  .tv_nsec = (long)(*next_ns % NS_PER_S)};

	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL);
}

static void write_turn(const struct paced *paced, unsigned side, size_t first, uint64_t *next_ns)
{
	const uint64_t period_ns = NS_PER_S / paced->frames_per_s;

	for (size_t frame = first; frame < first + turn_frames(paced) && !fleet_stopped(); frame++) {
		const size_t at = at_side(paced, side, frame);

		sleep_until(next_ns, period_ns);
		paced->entered[at] = fleet_now_ns();
		paced->sides[side].kind->write(&paced->sides[side]);
		paced->left[at] = fleet_now_ns();
	}
}

static void write_all(void *argument)
{
	const struct paced *paced = argument;
	uint64_t next_ns;

	sides_open_writers(paced->sides);
	fleet_ready();
	next_ns = fleet_now_ns();
	for (unsigned round = 0; round < paced->turns; round++) {
		for (unsigned turn = 0; turn < SIDES; turn++)
			write_turn(paced, sides_order(paced->block + round)[turn], (size_t)round * turn_frames(paced),
					   &next_ns);
	}
	sides_close_writers(paced->sides);
}

/* *next is the number of the frame that this side's next call can give at the earliest. */
static void read_turn(const struct reader_task *task, unsigned side, size_t end, size_t *next)
{
	const struct paced *paced = task->paced;

	while (*next < end) { /* one who was lapped may be ahead of the schedule already */
		const uint32_t got = paced->sides[side].kind->receive(&paced->sides[side]);
		const uint64_t now_ns = fleet_now_ns();

		if (got >= total_frames(paced))
			fleet_die("a frame that was never written");
		paced->awake[at_reader(paced, task->reader, side, got)] = now_ns;
		*next = got + 1;
	}
}

static void read_all(void *argument)
{
	const struct reader_task *task = argument;
	const struct paced *paced = task->paced;
	size_t next[SIDES] = {0};

	sides_open_readers(paced->sides);
	fleet_ready();
	for (unsigned round = 0; round < paced->turns; round++) {
		for (unsigned turn = 0; turn < SIDES; turn++) {
			const unsigned side = sides_order(paced->block + round)[turn];

			read_turn(task, side, (size_t)(round + 1) * turn_frames(paced), &next[side]);
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

void paced_print_latency(const struct paced *paced, unsigned side, const char *figure)
{
	double *values = samples(total_frames(paced) * paced->readers);
	size_t count = 0;

	for (unsigned reader = 0; reader < paced->readers; reader++)
		count += collect(paced, &paced->entered[at_side(paced, side, 0)],
						 &paced->awake[at_reader(paced, reader, side, 0)], values + count);
	bench_print(figure, paced->block, side, values, count);
	free(values);
}

void paced_print_write(const struct paced *paced, unsigned side, const char *figure)
{
	const size_t first = at_side(paced, side, 0);
	double *values = samples(total_frames(paced));
	const size_t count = collect(paced, &paced->entered[first], &paced->left[first], values);

	bench_print(figure, paced->block, side, values, count);
	free(values);
}
