/* SPDX-License-Identifier: Apache-2.0 */
/* The little statistics that a comparison in pairs needs. */
#ifndef BENCH_STATISTICS_H
#define BENCH_STATISTICS_H

#include <stddef.h>

#define STATISTICS_BLOCKS_MAX 1000u

/* An estimate and the ends of its 95 % interval. */
struct statistics_interval {
	double low;
	double middle;
	double high;
};

/* The smallest value that at least that share of all values does not exceed. Sorts values. count > 0. */
double statistics_quantile(double *values, size_t count, double share);

/* The middle value, or the mean of the middle two. Sorts values. count > 0. */
double statistics_median(double *values, size_t count);

/*
 * The median of values with its bootstrap percentile interval. 0 < count <= STATISTICS_BLOCKS_MAX. The same
 * values always give the same interval.
 */
struct statistics_interval statistics_bootstrap(const double *values, size_t count);

/* The median of ours[i] / reference[i], likewise. */
struct statistics_interval statistics_compare(const double *ours, const double *reference, size_t count);

#endif
