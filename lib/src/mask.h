/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks signals while a waiting reader works between two sleeps: a handler that ran there would end neither
 * sleep, and a program that only sets a flag in its handler would wait for ever. Likewise while a writer
 * reserves memory, and while it looks at its ring's name and so holds a lock.
 */
#ifndef VSHM_MASK_H
#define VSHM_MASK_H

#include <signal.h>
#include <stdbool.h>

/* Blocks all signals in this thread until mask_end. */
void mask_begin(sigset_t *before);

/* Unblocks signals, and so handles those that came meanwhile. Returns true if one did: the wait is over. */
bool mask_end(const sigset_t *before);

#endif
