/* SPDX-License-Identifier: Apache-2.0 */
/* A reader of a ring: waits, and notices that the writer is gone. */
#ifndef VSHM_READER_H
#define VSHM_READER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "cursor.h"
#include "segment.h"
#include "wait.h"

/* The counters of a writer. */
struct reader_totals {
	uint64_t frames, keyframes, bytes;
	uint64_t dropped, dropped_busy, dropped_too_large, dropped_no_space;
	uint64_t remade, rearmed;
};

enum reader_fate {
	READER_FOLLOWS, /* the ring lives, as far as is known */
	READER_DEAD,    /* its writer died; another one may take it over */
	READER_CLOSED   /* it was closed or replaced: no frame will come */
};

/*
 * The original's newest version has another name for its only ring. A reader opened by the original's calls
 * accepts both names, and goes over to the other one when its own ring has ended and frames come there.
 */
struct reader_other {
	char path[SEGMENT_PATH_MAX];    /* "": there is none */
	struct segment_identity known;  /* the object there while our own ring lived */
	struct segment_identity latest; /* the object at the last look; becomes known if our ring lives */
	bool counted;                   /* whether frames is set */
	uint64_t frames;                /* frames of that object at the first look */
};

struct reader {
	/* used for every frame */
	const struct wait_ops *ops;
	uint64_t next_look_ns;
	uint32_t epoch;
	enum reader_fate fate;
	uint32_t own_bit; /* futex bit by which this process wakes its own readers */
	_Atomic uint32_t interrupted;
	uint32_t looks; /* looks at the ring's health since the last frame */
	bool told;      /* the caller was told of the fate */
	bool refusal;   /* the caller is to be told that a successor can't be read */
	bool emptied;   /* the object was shrunk: the mapping is not the ring any more */
	bool reconnect;
	bool as_original;        /* opened by the original's calls, which report no end of a ring */
	uint64_t clock_shift_ns; /* from process_clock_shift_ns; times in the ring are without it */
	uint64_t poll_ns;        /* how long to sleep on a version 1 ring */
	struct cursor cursor;
	struct ring ring;
	/* not used for every frame */
	struct segment_identity identity;
	int fd;                 /* the program may have closed it, or we for want of one: use reader_descriptor */
	uint32_t max_slot_size; /* 0: any */
	uint64_t pid_ns;        /* our own pid namespace */
	uint64_t reattached;
	struct reader_totals before;      /* of former rings whose successors started at 0 */
	struct reader_totals told_totals; /* the largest figures that the caller was told */
	struct segment_identity refused;  /* a successor that can't be read; the caller was told */
	struct segment_identity blocked;  /* a successor that the system keeps from us; this was logged */
	_Atomic uintptr_t word;           /* address of the word on which it sleeps; 0: on interrupted itself */
	char path[SEGMENT_PATH_MAX];
	struct reader_other other;
};

#define READER_POLL_FIRST_NS 250000u /* poll_ns while a frame may come at any time */
#define READER_HOT_BYTES offsetof(struct reader, identity)

#define READER_LOOKED 2 /* it looked around: to be called again, unless the thread is to end here */

/*
 * Finds the next frame, and sleeps until deadline_ns at most; 0: does not wait. Returns 1 and sets *look, 0
 * if no frame came in time, -1 with EINTR, EPIPE, EOWNERDEAD or EPROTO (the successor can't be read), or
 * READER_LOOKED.
 */
int reader_seek(struct reader *reader, uint64_t deadline_ns, struct ring_look *look);

/* The same to its end. */
static inline int reader_find(struct reader *reader, uint64_t deadline_ns, struct ring_look *look)
{
	int found;

	while ((found = reader_seek(reader, deadline_ns, look)) == READER_LOOKED) {
	}
	return found;
}

/*
 * The parts of it, none of which sleeps. Finds the next frame: returns 1 and sets *look, 0 if there is none,
 * or -1 with EINTR. Only if the ring's word is still *signal afterwards has nothing happened since.
 */
int reader_look(struct reader *reader, struct ring_look *look, uint32_t *signal);

/* Returns whether the caller is to be told something about the ring's end. */
bool reader_has_news(const struct reader *reader);

/* At next_look_ns: checks the ring's health, or looks for a successor if it has ended. Returns 0, or -1 with
 * EPROTO, which the caller is told once. */
int reader_look_around(struct reader *reader, uint64_t now_ns);

/* Returns for which bits of the ring's word this reader sleeps. */
uint32_t reader_wanted_bits(const struct reader *reader);

/* After a sleep of poll_ns on a ring that can't wake us: the next one may be longer. */
void reader_poll_more_seldom(struct reader *reader);

/* Async-signal-safe. */
void reader_interrupt(struct reader *reader);

#endif
