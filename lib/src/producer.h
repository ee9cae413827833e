/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VSHM_PRODUCER_H
#define VSHM_PRODUCER_H

#include "writer.h"

/* Returns the writer behind an open handle; NULL with EINVAL, EBADF or EOWNERDEAD. */
struct writer *producer_writer(const video_shm_producer_t *producer);

#endif
