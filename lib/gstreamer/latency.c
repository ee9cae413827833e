/* SPDX-License-Identifier: Apache-2.0 */
#include "latency.h"

#include <stdlib.h>
#include <string.h>

#define STEP_NS 1000000u                              /* what is told is whole milliseconds */
#define MOST_NS (10 * G_GUINT64_CONSTANT(1000000000)) /* an older frame says nothing about the stream */
#define OUTLIERS (LATENCY_FRAMES / 8) /* of so many, one in eight may be older than what is told */

void latency_reset(struct latency *latency)
{
	memset(latency, 0, sizeof(*latency));
}

static int by_size(const void *left, const void *right)
{
	const guint64 a = *(const guint64 *)left, b = *(const guint64 *)right;

	return (a > b) - (a < b);
}

/* Returns an age that at most one in eight frames exceeds. A single stall does not slow a pipeline for ever.
 */
static guint64 level(const struct latency *latency)
{
	guint64 sorted[LATENCY_FRAMES];
	const guint count = MIN(latency->measured, LATENCY_FRAMES);

	memcpy(sorted, latency->ages_ns, count * sizeof(sorted[0]));
	qsort(sorted, count, sizeof(sorted[0]), by_size);
	return sorted[count - 1 - count / LATENCY_FRAMES * OUTLIERS];
}

gboolean latency_take(struct latency *latency, guint64 capture_ns, guint64 publish_ns)
{
	if (capture_ns == 0 || publish_ns < capture_ns || publish_ns - capture_ns > MOST_NS)
		return FALSE;
	latency->ages_ns[latency->measured++ % LATENCY_FRAMES] = publish_ns - capture_ns;
	if (publish_ns - capture_ns <= latency->told_ns)
		return FALSE;
	const guint64 now = (level(latency) / STEP_NS + 1) * STEP_NS;

	if (now <= latency->told_ns)
		return FALSE;
	latency->told_ns = now;
	return TRUE;
}
