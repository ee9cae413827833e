/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's tape: a ring of records in memory that the process which started the worker creates, shares and
 * empties. Adding a record takes a few stores and no system call, and the tape outlives the worker, however
 * that ends. tape.py has the same layout.
 */
#ifndef HIL_TAPE_H
#define HIL_TAPE_H

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

#define TAPE_MAGIC 0x45504154u /* "TAPE" */
#define TAPE_NO_NUMBER UINT64_MAX

enum tape_kind {
	TAPE_FRAME = 0,   /* written, or received */
	TAPE_REFUSED = 1, /* larger than a slot */
	TAPE_DROPPED = 2, /* the ring was busy */
	TAPE_EVENT = 3    /* a wait ended with an error: size is its errno */
};

enum tape_flag { TAPE_KEYFRAME = 1, TAPE_DISCONTINUITY = 2 };

struct tape_record {
	uint64_t number;  /* of the frame, or TAPE_NO_NUMBER */
	uint64_t time_ns; /* CLOCK_MONOTONIC: entry of the write, or return from the wait */
	uint64_t publish_ns;
	uint64_t capture_ns;
	uint32_t size;
	uint32_t crc32;
	uint32_t flags;
	uint32_t kind;
};

struct tape_header {
	uint32_t magic;
	uint32_t record_bytes;
	uint32_t capacity; /* records, a power of two: the counts wrap */
	_Atomic uint32_t added;
	_Atomic uint32_t taken;
	_Atomic uint32_t stalls; /* how often the worker had to wait because it was full */
	_Atomic uint32_t go;     /* 1: everybody is attached, a writer may start */
	uint32_t zero[9];
};

static_assert(sizeof(struct tape_record) == 48, "tape.py has it so");
static_assert(sizeof(struct tape_header) == 64, "tape.py has it so");

struct tape {
	struct tape_header *header;
	struct tape_record *records;
};

/* Returns 0, or -1 after a message. */
int tape_open(struct tape *tape, const char *path);

/* Adds a record. Waits while the tape is full. */
void tape_add(struct tape *tape, const struct tape_record *record);

uint64_t now_ns(void);

/* Returns the CPU time of this thread. */
uint64_t cpu_ns(void);

#endif
