/* SPDX-License-Identifier: Apache-2.0 */
/* A forked child must neither write to its parent's ring nor keep its lock alive. */
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

#endif
