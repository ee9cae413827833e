/* SPDX-License-Identifier: Apache-2.0 */
/* What the two programs share: numbers on the command line, and running until SIGINT or SIGTERM. */
#ifndef V1_PROGRAM_H
#define V1_PROGRAM_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* False after SIGINT or SIGTERM, once program_until_signal was called. */
extern volatile sig_atomic_t program_running;
void program_until_signal(void);

/* Returns a decimal number from 0 to max, or ends the program with exit code 2. */
uint32_t program_number(const char *text, uint32_t max);

/* Prints to stdout that it is ready, if that is wanted. */
void program_ready(bool wanted);

/* Prints what errno means. Returns exit code 1, for main. */
int program_failed(const char *program);

#endif
