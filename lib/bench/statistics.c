/* SPDX-License-Identifier: Apache-2.0 */
#include "statistics.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define RESAMPLES 4000u
#define SEED UINT64_C(0x9e3779b97f4a7c15)

static int compare(const void *left, const void *right)
{
	const double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static void sort(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
}

double statistics_quantile(double *values, size_t count, double share)
{
	size_t rank = (size_t)(share * (double)count);

	sort(values, count);
	if ((double)rank < share * (double)count)
		rank++;
	if (rank < 1)
		rank = 1;
	return values[(rank < count ? rank : count) - 1];
}

double statistics_median(double *values, size_t count)
{
	sort(values, count);
	return count % 2 != 0 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* xorshift64*: its high half is uniform enough for picking blocks. */
static size_t pick(uint64_t *state, size_t count)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (size_t)(((*state * UINT64_C(0x2545f4914f6cdd1d)) >> 32) * count >> 32);
}

struct statistics_interval statistics_bootstrap(const double *values, size_t count)
{
	double sample[STATISTICS_BLOCKS_MAX], medians[RESAMPLES];
	struct statistics_interval interval;
	uint64_t state = SEED;

	for (size_t round = 0; round < RESAMPLES; round++) {
		for (size_t at = 0; at < count; at++)
			sample[at] = values[pick(&state, count)];
		medians[round] = statistics_median(sample, count);
	}
	interval.low = statistics_quantile(medians, RESAMPLES, 0.025);
	interval.high = statistics_quantile(medians, RESAMPLES, 0.975);
	memcpy(sample, values, count * sizeof(*values));
	interval.middle = statistics_median(sample, count);
	return interval;
}

struct statistics_interval statistics_compare(const double *ours, const double *reference, size_t count)
{
	double ratios[STATISTICS_BLOCKS_MAX];

	for (size_t at = 0; at < count; at++)
		ratios[at] = ours[at] / reference[at];
	return statistics_bootstrap(ratios, count);
}
