/* SPDX-License-Identifier: Apache-2.0 */
/* How a writer comes by its ring: it makes one, or takes over what a former writer left. */
#ifndef VSHM_TAKEOVER_H
#define VSHM_TAKEOVER_H

#include "writer.h"

#define WRITER_CLAIMED 1

/* Makes the ring of that path and geometry, or takes it over. state, ops, mode, group, path are set. 0, -1,
 * or WRITER_CLAIMED: somebody else is just taking it, and it is to be tried again. */
int writer_open(struct writer *writer, const struct geometry *geometry);

/* Sleeps before that, with nothing held. */
void writer_await_claim(void);

#endif
