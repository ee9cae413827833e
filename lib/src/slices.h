/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VSHM_SLICES_H
#define VSHM_SLICES_H

/*
 * Asks for short time slices and exact timers for this thread, which polls: so it runs sooner after each
 * sleep on a loaded machine. This needs no privilege; on a kernel without them it does nothing.
 */
void slices_ask_for_short(void);

#endif
