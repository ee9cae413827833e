/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A writer process and reader processes at a steady rate. The sides take turns frame by frame, each at that
 * rate, so that whatever the host does meanwhile hits all of them alike. Every reader process reads all sides.
 */
#ifndef BENCH_PACED_H
#define BENCH_PACED_H

#include "side.h"

#define PACED_READERS_MAX 32u

struct paced {
	struct side *sides;
	unsigned frames_per_s; /* of each side */
	unsigned readers;
	unsigned blocks;
	unsigned frames_per_block; /* of each side */
	/* The ledger, outside of any ring; times are CLOCK_MONOTONIC in ns, 0: never. */
	uint64_t *entered; /* [side][frame]: before write */
	uint64_t *left;    /* [side][frame]: after it */
	uint64_t *awake;   /* [reader][side][frame]: wait has returned */
};

/* Blocks that fill about seconds. */
unsigned paced_frames_per_block(double seconds, unsigned frames_per_s, unsigned blocks);

/* Runs it. False: it failed or was stopped. The ledger stays until paced_discard. */
bool paced_run(struct paced *paced);
void paced_discard(struct paced *paced);

/* A quantile of each block, in us: from entry of write to the readers' return from wait; or of write alone. */
void paced_latency_us(const struct paced *paced, unsigned side, double share, double *blocks);
void paced_write_us(const struct paced *paced, unsigned side, double share, double *blocks);

#endif
