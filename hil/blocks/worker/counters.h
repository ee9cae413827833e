/* SPDX-License-Identifier: Apache-2.0 */
/* What this process has used so far, as the kernel counts it. */
#ifndef GATE_COUNTERS_H
#define GATE_COUNTERS_H

#include "ledger.h"

struct counters {
	int instructions_fd; /* -1: not permitted, or no such counter on this machine */
	struct tally begin;
};

uint64_t now_ns(void);
void counters_open(struct counters *counters);
/* Starts counting. */
void counters_begin(struct counters *counters, struct tally *tally);
/* Stops counting, and fills the tally for that many frames. */
void counters_end(const struct counters *counters, struct tally *tally, uint64_t frames);

#endif
