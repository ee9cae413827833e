/* SPDX-License-Identifier: Apache-2.0 */
/* One line of the result: what was compared, what came out, and what to make of it. */
#ifndef BENCH_VERDICT_H
#define BENCH_VERDICT_H

#include <stdbool.h>

#include "statistics.h"

#define VERDICT_BLOCKS_MIN 20u /* fewer are good for a look only */

enum verdict {
	VERDICT_NONE, /* for information: there is no limit */
	VERDICT_PASS,
	VERDICT_FAIL,
	VERDICT_INVALID /* the host, or too short a run, does not allow a judgement */
};

enum limit { LIMIT_NONE, LIMIT_AT_MOST, LIMIT_AT_LEAST };

/* What each side came to in each block: ours, the reference, and its twin. */
struct blocks {
	double values[3][STATISTICS_BLOCKS_MAX];
};

struct row {
	char name[64];
	const char *unit;
	double ours;                      /* median of the blocks */
	double reference;                 /* likewise */
	struct statistics_interval ratio; /* ours to the reference */
	struct statistics_interval null;  /* the reference to its own twin: what this run can tell apart */
	bool has_interval;
	enum limit kind;
	double limit;
	bool timed; /* whether an unfit host makes it INVALID */
	enum verdict verdict;
};

/* Fills the figures of a row from that many blocks. */
void row_compare(struct row *row, const struct blocks *blocks, unsigned count);

/* Sets row->verdict: by that end of the interval which is the worse for us. */
void row_judge(struct row *row, unsigned blocks, bool host_is_fit);

/* 0: all within their limits; 1: one is not; 3: none is exceeded, but one could not be judged. */
int rows_exit_code(const struct row *rows, unsigned count);

const char *verdict_name(enum verdict verdict);

#endif
