/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VSHM_READER_FIGURES_H
#define VSHM_READER_FIGURES_H

#include "reader.h"

/* The ring's figures and this reader's; none ever goes back, whatever becomes of the ring. */
void reader_figures(struct reader *reader, video_shm_info_t *info);

/* In a ring's successor: where that counts anew, what was told so far is added to its figures from here on.
 */
void reader_keep_totals(struct reader *reader);

#endif
