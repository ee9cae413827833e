/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps a forked child from writing to its parent's ring, or keeping its lock, while the parent lives. */
#ifndef VSHM_FORKS_H
#define VSHM_FORKS_H

#include "writer.h"

/* Block fork() while the descriptors of a writer are opened or closed. forks_try_block returns false if
 * another thread blocks it. */
bool forks_try_block(void);
void forks_block(void);
void forks_unblock(void);

/*
 * Returns zeroed memory for a writer, or NULL with errno. A child gets it from fork() alone: to one that was
 * made otherwise, by clone() or _Fork(), which run no handlers, it is zero, so that no handle is open there.
 */
void *forks_memory(size_t size);

/* To be called between block and unblock. */
void forks_add(struct writer *writer);
void forks_remove(struct writer *writer);
bool forks_know(const struct writer *writer);

/* In a forked child: makes the child the writer if its parent is gone and nobody else has the ring. Returns
 * whether it is the writer now. */
bool forks_inherit(struct writer *writer);

#endif
