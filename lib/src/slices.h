/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VSHM_SLICES_H
#define VSHM_SLICES_H

/*
 * For this thread, which looks at something, sleeps, and looks again: short slices and exact timers bring it
 * back to a processor sooner on a loaded machine, and need no privilege. Where a kernel knows neither,
 * nothing changes.
 */
void slices_ask_for_short(void);

#endif
