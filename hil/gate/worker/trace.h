/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the system calls of child processes with ptrace, which needs no right, but can be switched off. */
#ifndef GATE_TRACE_H
#define GATE_TRACE_H

#include <sys/types.h>

#include "ledger.h"

/* In the child, before it does anything. False: ptrace is not permitted here. */
bool trace_me(void);

/* In the parent: the child has stopped. Counts, and lets it go on. */
void trace_go_on(pid_t pid, int status, struct tally *tally);

#endif
