/* SPDX-License-Identifier: Apache-2.0 */
/* The cases, and what is common to them: they measure and print, and whoever started them judges. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "side.h"

#define BENCH_BLOCKS_MAX 1000u

struct bench_run {
	unsigned blocks;
	double seconds; /* that the case should take, about */
};

struct bench_case {
	const char *name;
	const char *about;
	double seconds; /* by default */
	/* False: it failed or was stopped, and what it printed means nothing. */
	bool (*run)(const struct bench_case *which, const struct bench_run *run);
	/* which of its kind */
	unsigned frames_per_s;
	unsigned readers;
	uint32_t frame_bytes;
};

/*
 * Prints what a side measured in a block, as a line of JSON: which figure, block, side (0: what is measured,
 * 1: what it is held against, 2: that one's twin), and all values.
 */
void bench_print(const char *figure, unsigned block, unsigned side, const double *values, size_t count);

bool case_latency(const struct bench_case *which, const struct bench_run *run);
bool case_write(const struct bench_case *which, const struct bench_run *run);
bool case_wait(const struct bench_case *which, const struct bench_run *run);
bool case_direct(const struct bench_case *which, const struct bench_run *run);
bool case_direct_latency(const struct bench_case *which, const struct bench_run *run);
bool case_rate(const struct bench_case *which, const struct bench_run *run);
bool case_any_one(const struct bench_case *which, const struct bench_run *run);
bool case_any_turn(const struct bench_case *which, const struct bench_run *run);
bool case_any_polled(const struct bench_case *which, const struct bench_run *run);
bool case_crowd(const struct bench_case *which, const struct bench_run *run);
bool case_readers(const struct bench_case *which, const struct bench_run *run);
bool case_places(const struct bench_case *which, const struct bench_run *run);

#endif
