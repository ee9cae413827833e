/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals while a waiting reader does something between two sleeps: a handler that ran there would end
 * neither sleep, and its program, which only looks at a flag of its own, would wait on for ever.
 */
#ifndef VSHM_MASK_H
#define VSHM_MASK_H

#include <signal.h>
#include <stdbool.h>

/* This thread gets no signal until mask_end. */
void mask_begin(sigset_t *before);

/* Those that came meanwhile are handled now. True: that was so, and the wait is over. */
bool mask_end(const sigset_t *before);

#endif
