/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what a worker has cost since a given time, as the last part of its closing line. */
#ifndef HIL_COST_H
#define HIL_COST_H

#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>

struct cost {
	double cpu_s;
	long voluntary_switches;
	long involuntary_switches;
};

static inline struct cost cost_now(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (struct cost){
		.cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
				 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
		.voluntary_switches = usage.ru_nvcsw,
		.involuntary_switches = usage.ru_nivcsw,
	};
}

/* checking_ns: CPU time of what only the harness does, which is subtracted. */
static inline void print_cost(struct cost since, uint64_t checking_ns)
{
	const struct cost now = cost_now();

	printf("\"cpu_s\":%.6f,\"voluntary_switches\":%ld,\"involuntary_switches\":%ld}\n",
		   now.cpu_s - since.cpu_s - (double)checking_ns / 1e9,
		   now.voluntary_switches - since.voluntary_switches,
		   now.involuntary_switches - since.involuntary_switches);
}

#endif
