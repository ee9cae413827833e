/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VSHM_LOG_H
#define VSHM_LOG_H

#include "video_shm.h"

/* Hands a line to the callback that the program has set, if any. Keeps errno. */
void log_line(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
