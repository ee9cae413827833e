/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A writer process and reader processes at a steady rate, for one block. The sides have short turns in
 * changing order, so that a slow moment of the host is shared by all; the same processes write and read all
 * sides, so that the scheduler's placement is shared too.
 */
#ifndef BENCH_PACED_H
#define BENCH_PACED_H

#include "side.h"

#define PACED_READERS_MAX 256u

struct paced {
	struct side *sides;
	unsigned frames_per_s; /* of the side whose turn it is */
	unsigned readers;
	unsigned block;           /* which one: it decides the order */
	unsigned turns;           /* of each side */
	unsigned frames_per_turn; /* that count */
	/* The ledger, outside of any ring; times are CLOCK_MONOTONIC in ns, 0: never. */
	uint64_t *entered; /* [side][frame]: before write */
	uint64_t *left;    /* [side][frame]: after it */
	uint64_t *awake;   /* [reader][side][frame]: wait has returned */
};

/* Sets turns and frames_per_turn so that the block takes about seconds. */
void paced_fill(struct paced *paced, double seconds);

/* Runs it. False: it failed or was stopped. The ledger stays until paced_discard. */
bool paced_run(struct paced *paced);
void paced_discard(struct paced *paced);

/* Print all times of a side, in ns: from entry of write to the readers' return from wait; or of write alone.
 */
void paced_print_latency(const struct paced *paced, unsigned side, const char *figure);
void paced_print_write(const struct paced *paced, unsigned side, const char *figure);

#endif
