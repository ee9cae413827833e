/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VSHM_READER_FIGURES_H
#define VSHM_READER_FIGURES_H

#include "reader.h"

/* Fills in the figures of the ring and of this reader. None ever decreases, whatever becomes of the ring. */
void reader_figures(struct reader *reader, video_shm_info_t *info);

/* After going over to a successor that starts at 0: adds the figures so far to those of the successor. */
void reader_keep_totals(struct reader *reader);

#endif
