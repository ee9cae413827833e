/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program of the original's (original/). */
#ifndef VSHM_ORIGINAL_PROGRAM_H
#define VSHM_ORIGINAL_PROGRAM_H

#include <stdio.h>
#include <sys/types.h>

struct original_program {
	pid_t pid;
	FILE *output;
};

/* Starts the program with these words, up to the first NULL, and waits until it has joined the ring. */
struct original_program original_start(const char *path, const char *first, const char *second,
									   const char *ring);

/* Returns a channel's number as text, in one buffer for all calls. */
const char *channel_text(int channel);

/* Stops it with SIGINT, and checks that it prints that last and ends with 0. */
void original_ends_with(struct original_program *program, const char *expected);

#endif
