/* SPDX-License-Identifier: Apache-2.0 */
/* A program of the original's (original/) at work. */
#ifndef VSHM_ORIGINAL_PROGRAM_H
#define VSHM_ORIGINAL_PROGRAM_H

#include <stdio.h>
#include <sys/types.h>

struct original_program {
	pid_t pid;
	FILE *output;
};

/* Started with these words, of which any may be NULL from the first such on; it has joined the ring, and
 * waits. */
struct original_program original_start(const char *path, const char *first, const char *second,
									   const char *ring);

/* What a channel is called on a command line; one buffer for all. */
const char *channel_text(int channel);

/* It is stopped by Ctrl-C, says that last, and ends with 0. */
void original_ends_with(struct original_program *program, const char *expected);

#endif
