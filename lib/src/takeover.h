/* SPDX-License-Identifier: Apache-2.0 */
/* How a writer gets its ring: it makes one, or takes over the ring that a former writer left. */
#ifndef VSHM_TAKEOVER_H
#define VSHM_TAKEOVER_H

#include "writer.h"

#define WRITER_CLAIMED 1

/* Makes the ring of that path and geometry, or takes it over. state, ops, mode, group and path must be set.
 * Returns 0, -1, or WRITER_CLAIMED if somebody else is taking the ring over: then try again. */
int writer_open(struct writer *writer, const struct geometry *geometry);

/* Sleeps before trying again, while no lock is held. */
void writer_await_claim(void);

#endif
