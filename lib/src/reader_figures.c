/* SPDX-License-Identifier: Apache-2.0 */
#include "reader_figures.h"

#include "inspect.h"

#define EACH_TOTAL(apply)                                                                                    \
	apply(frames) apply(keyframes) apply(bytes) apply(dropped) apply(dropped_busy) apply(dropped_too_large)  \
		apply(dropped_no_space) apply(remade) apply(rearmed)

void reader_ring_figures(const struct reader *reader, video_shm_info_t *info)
{
	inspect_ring(info, &reader->ring.geometry, reader->ring.header, reader->ring.extension);
	inspect_identity(info, &reader->identity);
	if (reader->ring.extension == NULL) /* version 1 counts in 32 bits only */
		info->frames = ring_frames(&reader->ring, reader->cursor.next);
}

void reader_keep_totals(struct reader *reader, const video_shm_info_t *then)
{
	video_shm_info_t now;

	reader_ring_figures(reader, &now);
#define KEEP(total) reader->before.total += now.total < then->total ? then->total : 0;
	EACH_TOTAL(KEEP)
}

void reader_figures(const struct reader *reader, video_shm_info_t *info)
{
	const struct cursor *cursor = &reader->cursor;

	reader_ring_figures(reader, info);
#define ADD(total) info->total += reader->before.total;
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
