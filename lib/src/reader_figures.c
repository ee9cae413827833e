/* SPDX-License-Identifier: Apache-2.0 */
#include "reader_figures.h"

#include "inspect.h"

#define EACH_TOTAL(apply)                                                                                    \
	apply(frames) apply(keyframes) apply(bytes) apply(dropped) apply(dropped_busy) apply(dropped_too_large)  \
		apply(dropped_no_space) apply(remade) apply(rearmed)

/* Fills in the figures of the attached ring only. */
static void ring_figures(const struct reader *reader, video_shm_info_t *info)
{
	inspect_ring(info, &reader->ring, reader->clock_shift_ns);
	inspect_identity(info, &reader->identity);
	if (reader->ring.extension == NULL) /* version 1 counts in 32 bits only */
		info->frames = ring_frames(&reader->ring, reader->cursor.next);
}

/* Returns whether the ring's counters started at 0; those of version 1 always did. */
static bool counts_anew(const struct reader *reader)
{
	return reader->ring.extension == NULL || (reader->epoch == 1 && ring_first_frame(&reader->ring) == 0);
}

void reader_keep_totals(struct reader *reader)
{
	const bool anew = counts_anew(reader);
	video_shm_info_t now;

	ring_figures(reader, &now);
#define KEEP(total)                                                                                          \
	if (anew || reader->before.total + now.total < reader->told_totals.total)                                \
		reader->before.total = reader->told_totals.total;
	EACH_TOTAL(KEEP)
}

void reader_figures(struct reader *reader, video_shm_info_t *info)
{
	const struct cursor *cursor = &reader->cursor;

	ring_figures(reader, info);
	/* A figure does not decrease, even if somebody sets the ring's counters back, or truncates the ring. */
#define ADD(total)                                                                                           \
	info->total += reader->before.total;                                                                     \
	if (info->total < reader->told_totals.total)                                                             \
		info->total = reader->told_totals.total;                                                             \
	reader->told_totals.total = info->total;
	EACH_TOTAL(ADD)
	if (reader->fate == READER_DEAD && info->state == VIDEO_SHM_STATE_LIVE)
		info->state = VIDEO_SHM_STATE_DEAD;
	info->received = cursor->received;
	info->missed = cursor->missed;
	info->skipped = cursor->skipped;
	info->span = cursor->span;
	info->next_frame = cursor->next;
	info->reattached = reader->reattached;
}
