/* SPDX-License-Identifier: Apache-2.0 */
/* What is printed: a table for people, JSON for programs. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>

#include "bench.h"

/* One case that has run. */
struct report_case {
	const struct bench_case *which;
	bool good;
	struct host_report host;
	unsigned first_row;
	unsigned row_count;
};

struct report {
	unsigned blocks;
	struct report_case cases[32];
	unsigned case_count;
	struct row rows[BENCH_ROWS_MAX];
	unsigned row_count;
};

void report_table(const struct report *report);
void report_json(const struct report *report);

#endif
