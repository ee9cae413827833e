/* SPDX-License-Identifier: Apache-2.0 */
/* The example consumer at work. */
#ifndef VSHM_EXAMPLE_SESSION_H
#define VSHM_EXAMPLE_SESSION_H

#include <stdio.h>
#include <sys/types.h>

#define ERRORS_BYTES 512

struct session {
	pid_t pid;
	FILE *output, *errors;
};

/* Starts "video_consumer -n RING words..."; words are separated by blanks. */
void session_start(struct session *session, const char *ring, const char *words);
/* Does the same, and waits until it has joined the ring and can be ended by a signal. */
void session_start_attached(struct session *session, const char *ring, const char *words);

/* Returns its exit code. What it wrote to stderr is in errors. */
int session_end(struct session *session, char errors[ERRORS_BYTES]);
/* Checks that it ended with 0, and printed nothing more. */
void session_ends_well(struct session *session);

#endif
