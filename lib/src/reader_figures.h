/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VSHM_READER_FIGURES_H
#define VSHM_READER_FIGURES_H

#include "reader.h"

/* The ring's figures and this reader's; none ever goes back, whatever becomes of the ring. */
void reader_figures(const struct reader *reader, video_shm_info_t *info);

/* Those of the ring alone that it is attached to. */
void reader_ring_figures(const struct reader *reader, video_shm_info_t *info);

/* Remembers what the ring before had counted by then, where its successor counts anew. */
void reader_keep_totals(struct reader *reader, const video_shm_info_t *then);

#endif
