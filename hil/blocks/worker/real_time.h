/* SPDX-License-Identifier: Apache-2.0 */
/* The real-time class, in which no ordinary program of the host gets in the way of a block. */
#ifndef GATE_REAL_TIME_H
#define GATE_REAL_TIME_H

#include <stdbool.h>

/* Puts this process, and those that it forks from now on, into that class. Returns false where it may not. */
bool real_time_begin(void);

#endif
