/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VSHM_LOG_H
#define VSHM_LOG_H

#include "video_shm.h"

/* Keeps a line for the callback that the program has set, if any. Keeps errno. */
void log_line(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Hands this thread's lines to the callback. Keeps errno. Only where no lock is held: the callback may fork,
 * call the library, or wait for another thread that does.
 */
void log_deliver(void);

#endif
