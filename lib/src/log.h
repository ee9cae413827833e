/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VSHM_LOG_H
#define VSHM_LOG_H

#include "video_shm.h"

/* Stores a line for the program's callback, if it has set one. Keeps errno. */
void log_line(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Passes this thread's lines to the callback. Keeps errno. Call it only while no lock is held: the callback
 * may fork, call the library, or wait for another thread that does.
 */
void log_deliver(void);

#endif
