/* SPDX-License-Identifier: Apache-2.0 */
/* One reader of a ring: how it waits, and notices that the writer is gone. */
#ifndef VSHM_READER_H
#define VSHM_READER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "cursor.h"
#include "segment.h"
#include "wait.h"

/* What a writer counts, as a reader sees it. */
struct reader_totals {
	uint64_t frames, keyframes, bytes;
	uint64_t dropped, dropped_busy, dropped_too_large, dropped_no_space;
	uint64_t remade, rearmed;
};

enum reader_fate {
	READER_FOLLOWS, /* the ring lives, as far as is known */
	READER_DEAD,    /* its writer died; the next one may take it over */
	READER_CLOSED   /* it was closed or replaced: nothing will come there any more */
};

/*
 * The original's newest version has another name for the only ring. A reader of the original's calls takes
 * either, and goes over to the other one's when its own ring has ended and something happens there.
 */
struct reader_other {
	char path[SEGMENT_PATH_MAX];   /* "": there is none */
	struct segment_identity known; /* what was there while our own ring lived */
	struct segment_identity
		latest;      /* what was there at the last look; known, once our ring is known to live on */
	bool counted;    /* since then: */
	uint64_t frames; /* what it had at the first look */
};

struct reader {
	/* what a frame touches */
	const struct wait_ops *ops;
	uint64_t next_look_ns;
	uint32_t epoch;
	enum reader_fate fate;
	uint32_t own_bit; /* futex bit by which this process wakes its own */
	_Atomic uint32_t interrupted;
	uint32_t looks; /* at the ring's health, since the last frame */
	bool told;      /* the caller knows of the fate */
	bool emptied;   /* the object was shrunk: what is mapped is not the ring any more */
	bool reconnect;
	bool as_original;        /* whose callers know of no end, so that none is told */
	uint64_t clock_shift_ns; /* as process_clock_shift_ns has it; the ring's times are without it */
	uint64_t poll_ns;        /* how long to sleep on a version 1 ring */
	struct cursor cursor;
	struct ring ring;
	/* what it does not */
	struct segment_identity identity;
	int fd;                 /* the program may have closed it: reader_descriptor asks */
	uint32_t max_slot_size; /* 0: any */
	uint64_t pid_ns;        /* our own pid namespace */
	uint64_t reattached;
	struct reader_totals before;      /* of former rings whose successors began to count anew */
	struct reader_totals told_totals; /* the largest that the caller was told */
	struct segment_identity refused;  /* a successor that can't be served; the caller was told */
	_Atomic uintptr_t word;           /* where it sleeps, for who interrupts it; 0: on interrupted itself */
	char path[SEGMENT_PATH_MAX];
	struct reader_other other;
};

#define READER_POLL_FIRST_NS 250000u /* poll_ns where a frame may come at any time */
#define READER_HOT_BYTES offsetof(struct reader, identity)

/*
 * Finds the next frame, asleep until deadline_ns at most; 0: does not wait. 1: *look has it; 0: none in time;
 * -1: EINTR, EPIPE, EOWNERDEAD, EPROTO (the successor can't be served).
 */
int reader_find(struct reader *reader, uint64_t deadline_ns, struct ring_look *look);

/* Async-signal-safe. */
void reader_interrupt(struct reader *reader);

#endif
