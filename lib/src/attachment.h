/* SPDX-License-Identifier: Apache-2.0 */
/* How a reader comes by its ring, goes over to its successor, and leaves. */
#ifndef VSHM_ATTACHMENT_H
#define VSHM_ATTACHMENT_H

#include "reader.h"

/*
 * Joins the ring at reader->path, or at reader->other.path. policy, resync, paths, ops, reconnect,
 * as_original and max_slot_size are set. 0, or -1.
 */
int reader_join(struct reader *reader, uint32_t start);

void reader_leave(struct reader *reader);

/* The ring's descriptor, opened anew if the program has closed it. -1 with errno, as descriptor_regain. */
int reader_descriptor(struct reader *reader);

/* Goes over to the ring's successor, if there is one. 0, or -1 with EPROTO: there is one that can't be
 * served. */
int reader_look_for_successor(struct reader *reader);

/* What is under the other name now is no successor, if our own ring lives; else from its next frame on. */
void reader_note_other(struct reader *reader, bool lives);

#endif
