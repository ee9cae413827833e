/* SPDX-License-Identifier: Apache-2.0 */
#include "verdict.h"

#include <string.h>

static double middle_of(const double *values, unsigned count)
{
	double copy[STATISTICS_BLOCKS_MAX];

	memcpy(copy, values, count * sizeof(*values));
	return statistics_median(copy, count);
}

void row_compare(struct row *row, const struct blocks *blocks, unsigned count)
{
	row->ours = middle_of(blocks->values[0], count);
	row->reference = middle_of(blocks->values[1], count);
	row->ratio = statistics_compare(blocks->values[0], blocks->values[1], count);
	row->null = statistics_compare(blocks->values[2], blocks->values[1], count);
	row->has_interval = true;
}

void row_judge(struct row *row, unsigned blocks, bool host_is_fit)
{
	/* Written so that a ratio that is no number fails. */
	const bool within =
		row->kind == LIMIT_AT_MOST ? row->ratio.high <= row->limit : row->ratio.low >= row->limit;

	if (row->kind == LIMIT_NONE)
		row->verdict = VERDICT_NONE;
	else if (row->timed && (!host_is_fit || blocks < VERDICT_BLOCKS_MIN))
		row->verdict = VERDICT_INVALID;
	else
		row->verdict = within ? VERDICT_PASS : VERDICT_FAIL;
}

int rows_exit_code(const struct row *rows, unsigned count)
{
	bool invalid = false;

	for (unsigned at = 0; at < count; at++) {
		if (rows[at].verdict == VERDICT_FAIL)
			return 1;
		invalid = invalid || rows[at].verdict == VERDICT_INVALID;
	}
	return invalid ? 3 : 0;
}

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {"-", "PASS", "FAIL", "INVALID"};

	return names[verdict];
}
