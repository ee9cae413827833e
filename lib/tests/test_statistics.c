/* SPDX-License-Identifier: Apache-2.0 */
/* The benchmark's statistics and verdicts: wrong ones would let a slow library pass, or a good one fail. */
#include <math.h>

#include "../bench/statistics.h"
#include "../bench/verdict.h"
#include "check.h"

static bool near(double got, double expected, double tolerance)
{
	return fabs(got - expected) <= tolerance;
}

/* ---- quantiles ---- */

static void a_quantile_is_a_value_that_was_measured(void)
{
	double values[] = {5, 1, 4, 2, 3};
	double hundred[100];

	for (int at = 0; at < 100; at++)
		hundred[at] = 100 - at;
	CHECK(near(statistics_quantile(values, 5, 0.5), 3, 0));
	/* The 99th of 100, not the largest: one stall in a hundred frames is not the p99. */
	CHECK(near(statistics_quantile(hundred, 100, 0.99), 99, 0));
	CHECK(near(statistics_quantile(hundred, 100, 0.50), 50, 0));
}

static void the_ends_of_a_quantile_stay_within_the_values(void)
{
	double values[] = {7, 9};

	/* A rank of 0 or behind the end would read past the array here. */
	CHECK(near(statistics_quantile(values, 2, 0), 7, 0));
	CHECK(near(statistics_quantile(values, 2, 1), 9, 0));
	CHECK(near(statistics_quantile(values, 1, 0.99), 7, 0));
}

static void the_median_of_an_even_number_lies_between_the_middle_two(void)
{
	double even[] = {4, 1, 100, 2}, odd[] = {9, 1, 5};

	CHECK(near(statistics_median(even, 4), 3, 0));
	CHECK(near(statistics_median(odd, 3), 5, 0));
}

/* ---- bootstrap ---- */

static void equal_values_give_an_interval_of_no_width(void)
{
	const double values[] = {1.5, 1.5, 1.5, 1.5};
	const struct statistics_interval interval = statistics_bootstrap(values, 4);

	CHECK(near(interval.low, 1.5, 0) && near(interval.middle, 1.5, 0) && near(interval.high, 1.5, 0));
}

/* The exact bootstrap of the median of 1..20 by binomial sums: 95 % within the 6th to the 15th value, or half
 * a step off. */
static void the_interval_of_twenty_blocks_is_what_the_binomial_says(void)
{
	double values[20];
	struct statistics_interval interval;

	for (int at = 0; at < 20; at++)
		values[(at * 7) % 20] = at + 1;
	interval = statistics_bootstrap(values, 20);
	CHECK(near(interval.middle, 10.5, 0));
	CHECK(near(interval.low, 6.5, 0.51));
	CHECK(near(interval.high, 14.5, 0.51));
	CHECK(near(values[0], 1, 0)); /* the caller's order is left alone */
}

static void one_wild_block_in_twenty_moves_neither_median_nor_interval_far(void)
{
	double values[20];
	struct statistics_interval interval;

	for (int at = 0; at < 20; at++)
		values[at] = 1 + at * 0.001;
	values[19] = 1000;
	interval = statistics_bootstrap(values, 20);
	CHECK(interval.middle < 1.02 && interval.high < 1.02);
}

static void the_largest_number_of_blocks_is_served(void)
{
	static double values[STATISTICS_BLOCKS_MAX];

	for (unsigned at = 0; at < STATISTICS_BLOCKS_MAX; at++)
		values[at] = at;
	const struct statistics_interval interval = statistics_bootstrap(values, STATISTICS_BLOCKS_MAX);

	CHECK(interval.low < interval.middle && interval.middle < interval.high);
	CHECK(near(interval.middle, (STATISTICS_BLOCKS_MAX - 1) / 2.0, 0.001));
}

static void pairs_are_compared_block_by_block(void)
{
	/* The host slows down threefold on the way: the ratio of the pairs does not notice. */
	const double ours[] = {2, 4, 6}, reference[] = {1, 2, 3};
	const struct statistics_interval interval = statistics_compare(ours, reference, 3);

	CHECK(near(interval.low, 2, 0) && near(interval.middle, 2, 0) && near(interval.high, 2, 0));
}

/* ---- verdicts ---- */

static enum verdict judged(enum limit kind, double limit, struct statistics_interval ratio, unsigned blocks,
						   bool fit)
{
	struct row row = {.kind = kind, .limit = limit, .ratio = ratio, .timed = true};

	row_judge(&row, blocks, fit);
	return row.verdict;
}

static void the_worse_end_of_the_interval_is_held_against_the_limit(void)
{
	const struct statistics_interval ratio = {1.05, 1.08, 1.12};

	CHECK_EQ(judged(LIMIT_AT_MOST, 1.10, ratio, 20, true), VERDICT_FAIL);
	CHECK_EQ(judged(LIMIT_AT_MOST, 1.12, ratio, 20, true), VERDICT_PASS);
	CHECK_EQ(judged(LIMIT_AT_LEAST, 1.06, ratio, 20, true), VERDICT_FAIL);
	CHECK_EQ(judged(LIMIT_AT_LEAST, 1.05, ratio, 20, true), VERDICT_PASS);
	CHECK_EQ(judged(LIMIT_NONE, 0, ratio, 20, true), VERDICT_NONE);
}

static void an_unfit_host_and_too_few_blocks_judge_no_timing(void)
{
	const struct statistics_interval good = {1, 1, 1}, bad = {9, 9, 9};
	struct row counted = {.kind = LIMIT_AT_MOST, .limit = 0, .ratio = {1, 1, 1}};

	CHECK_EQ(judged(LIMIT_AT_MOST, 1.10, good, 20, false), VERDICT_INVALID);
	CHECK_EQ(judged(LIMIT_AT_MOST, 1.10, bad, 20, false), VERDICT_INVALID);
	CHECK_EQ(judged(LIMIT_AT_MOST, 1.10, good, 19, true), VERDICT_INVALID);
	row_judge(&counted, 1, false); /* what is no timing is judged on any host */
	CHECK_EQ(counted.verdict, VERDICT_FAIL);
}

static void a_ratio_that_is_no_number_does_not_pass(void)
{
	const struct statistics_interval ratio = {NAN, NAN, NAN};

	CHECK_EQ(judged(LIMIT_AT_MOST, 1.10, ratio, 20, true), VERDICT_FAIL);
	CHECK_EQ(judged(LIMIT_AT_LEAST, 0.9, ratio, 20, true), VERDICT_FAIL);
}

static void a_failure_outweighs_what_could_not_be_judged(void)
{
	const struct row rows[] = {
		{.verdict = VERDICT_PASS}, {.verdict = VERDICT_INVALID}, {.verdict = VERDICT_FAIL}};

	CHECK_EQ(rows_exit_code(rows, 1), 0);
	CHECK_EQ(rows_exit_code(rows, 2), 3);
	CHECK_EQ(rows_exit_code(rows, 3), 1);
	CHECK_EQ(rows_exit_code(rows, 0), 0);
}

static void a_row_holds_ours_against_the_reference_and_that_against_its_twin(void)
{
	static const struct blocks blocks = {{{3, 3, 3}, {2, 2, 2}, {1, 1, 1}}};
	struct row row = {0};

	row_compare(&row, &blocks, 3);
	CHECK(near(row.ours, 3, 0) && near(row.reference, 2, 0));
	CHECK(near(row.ratio.middle, 1.5, 0) && near(row.null.middle, 0.5, 0) && row.has_interval);
}

TEST_MAIN(60, TEST(a_quantile_is_a_value_that_was_measured),
		  TEST(the_ends_of_a_quantile_stay_within_the_values),
		  TEST(the_median_of_an_even_number_lies_between_the_middle_two),
		  TEST(equal_values_give_an_interval_of_no_width),
		  TEST(the_interval_of_twenty_blocks_is_what_the_binomial_says),
		  TEST(one_wild_block_in_twenty_moves_neither_median_nor_interval_far),
		  TEST(the_largest_number_of_blocks_is_served), TEST(pairs_are_compared_block_by_block),
		  TEST(the_worse_end_of_the_interval_is_held_against_the_limit),
		  TEST(an_unfit_host_and_too_few_blocks_judge_no_timing),
		  TEST(a_ratio_that_is_no_number_does_not_pass), TEST(a_failure_outweighs_what_could_not_be_judged),
		  TEST(a_row_holds_ours_against_the_reference_and_that_against_its_twin))
