/* SPDX-License-Identifier: Apache-2.0 */
/* Counts the system calls of child processes with ptrace, which needs no privilege, but can be disabled. */
#ifndef GATE_TRACE_H
#define GATE_TRACE_H

#include <sys/types.h>

#include "ledger.h"

/* Called in the child, before it does anything. Returns false if ptrace is not permitted here. */
bool trace_me(void);

/* Called in the parent when the child has stopped: counts, and lets it continue. */
void trace_go_on(pid_t pid, int status, struct tally *tally);

#endif
