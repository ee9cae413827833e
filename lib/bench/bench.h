/* SPDX-License-Identifier: Apache-2.0 */
/* The cases, and what is common to them. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdint.h>

#include "host.h"
#include "side.h"
#include "verdict.h"

#define BENCH_ROWS_MAX 128u

/* Where a case puts its results. */
struct bench_run {
	unsigned blocks;
	double seconds; /* that the case should take, about */
	struct row *rows;
	unsigned count;
};

struct bench_case {
	const char *name;
	const char *about;
	double seconds; /* by default */
	/* False: it failed or was stopped, and its rows mean nothing. */
	bool (*run)(const struct bench_case *which, struct bench_run *run);
	/* which of its kind */
	unsigned frames_per_s;
	unsigned readers;
	uint32_t frame_bytes;
};

/* A new row, judged by limit unless kind is LIMIT_NONE, timed. name as printf takes it. */
struct row *bench_row(struct bench_run *run, enum limit kind, double limit, const char *unit,
					  const char *name, ...) __attribute__((format(printf, 5, 6)));

bool case_latency(const struct bench_case *which, struct bench_run *run);
bool case_direct_latency(const struct bench_case *which, struct bench_run *run);
bool case_write(const struct bench_case *which, struct bench_run *run);
bool case_wait(const struct bench_case *which, struct bench_run *run);
bool case_direct(const struct bench_case *which, struct bench_run *run);
bool case_rate(const struct bench_case *which, struct bench_run *run);
bool case_readers(const struct bench_case *which, struct bench_run *run);
bool case_places(const struct bench_case *which, struct bench_run *run);

#endif
