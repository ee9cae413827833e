/* SPDX-License-Identifier: Apache-2.0 */
/* What the two programs have in common: numbers on the command line, and running until SIGINT or SIGTERM. */
#ifndef V1_PROGRAM_H
#define V1_PROGRAM_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* False after SIGINT or SIGTERM, once program_until_signal was called. */
extern volatile sig_atomic_t program_running;
void program_until_signal(void);

/* A decimal number of 0 to max, or the program ends with exit code 2. */
uint32_t program_number(const char *text, uint32_t max);

/* Says on stdout that it is ready, if that is wanted. */
void program_ready(bool wanted);

/* Says what errno means; exit code 1, for main. */
int program_failed(const char *program);

#endif
