/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that the processes of a block share: the schedule, and what each of them saw and when, without
 * asking the ring. */
#ifndef GATE_LEDGER_H
#define GATE_LEDGER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define READERS_MAX 16u
#define SETTLING_FRAMES 10u /* not counted: caches are cold, pages are touched for the first time */
#define NS_PER_S 1000000000u

struct plan {
	int channel;
	unsigned readers;
	uint32_t frames;
	uint32_t kill_after; /* the writer is killed after so many frames, and another one continues; 0: never */
	uint32_t pause_us;   /* of a reader after each frame */
	uint32_t stride;     /* bytes from one mark in the payload to the next */
	bool paced;          /* as scheduled, else as fast as possible */
	bool real_time;      /* ahead of other programs; false where that is not permitted */
	bool trace;          /* system calls are counted, and times mean nothing */
};

struct frame {
	uint64_t due_ns; /* since the start */
	uint32_t size;
	uint32_t keyframe;
	uint64_t entered_ns; /* CLOCK_MONOTONIC, at the entry of write */
	uint64_t left_ns;
	int32_t result; /* of write */
};

/* What a process used from its first counted frame to its last one. */
struct tally {
	uint64_t frames; /* that the figures are for */
	uint64_t cpu_ns;
	uint64_t instructions; /* in user space, if measured_instructions */
	uint64_t switches;     /* voluntary and involuntary */
	int64_t grown_bytes;   /* private memory */
	uint64_t pss_bytes;
	uint64_t descriptors;
	bool measured_instructions;
	bool complete;
	_Atomic bool counting; /* tells the tracer to count system calls */
	uint64_t stops;        /* two for each system call */
	/* a reader's frames */
	uint64_t received, missed, torn, repeated, reordered, altered;
};

struct ledger {
	struct plan plan;
	_Atomic uint32_t ready;
	_Atomic bool going;    /* all are attached */
	_Atomic bool follow;   /* the first writer is dead */
	_Atomic bool finished; /* nothing will be written any more */
	uint64_t begin_ns;
	uint64_t death_ns;
	uint64_t dropped; /* as the library counts it */
	struct tally writer;
	struct tally readers[READERS_MAX];
	uint64_t *awake_ns; /* [reader][frame]; 0: never */
	struct frame *frames;
};

static inline uint64_t *ledger_awake(const struct ledger *ledger, unsigned reader)
{
	return &ledger->awake_ns[(uint64_t)reader * ledger->plan.frames];
}

#endif
