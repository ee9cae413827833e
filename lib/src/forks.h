/* SPDX-License-Identifier: Apache-2.0 */
/* A forked child must neither write to its parent's ring nor keep its lock alive, as long as its parent
 * lives. */
#ifndef VSHM_FORKS_H
#define VSHM_FORKS_H

#include "writer.h"

/* While a writer's descriptors come or go, nobody forks. False: another thread is at it. */
bool forks_try_block(void);
void forks_block(void);
void forks_unblock(void);

/* Between block and unblock. */
void forks_add(struct writer *writer);
void forks_remove(struct writer *writer);
bool forks_know(const struct writer *writer);

/* Of a writer in a forked child: makes the child the writer, where its parent is gone and nobody else has the
 * ring. */
bool forks_inherit(struct writer *writer);

#endif
