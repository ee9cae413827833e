/* SPDX-License-Identifier: Apache-2.0 */
/* How a reader joins its ring, goes over to the ring's successor, and leaves. */
#ifndef VSHM_ATTACHMENT_H
#define VSHM_ATTACHMENT_H

#include "reader.h"

/*
 * Joins the ring at reader->path, or at reader->other.path. policy, resync, paths, ops, reconnect,
 * as_original and max_slot_size must be set. Returns 0 or -1.
 */
int reader_join(struct reader *reader, uint32_t start);

void reader_leave(struct reader *reader);

/* Returns the ring's descriptor, opened again if the program has closed it; -1 with errno as
 * descriptor_regain. */
int reader_descriptor(struct reader *reader);

/* Goes over to the ring's successor, if there is one. Returns 0, or -1 with EPROTO if it can't be read. */
int reader_look_for_successor(struct reader *reader);

/* Notes the object under the other name: it is no successor while our own ring lives, else from its next
 * frame on. */
void reader_note_other(struct reader *reader, bool lives);

#endif
