/* SPDX-License-Identifier: Apache-2.0 */
/* The one writer of a ring: how it makes the ring, keeps it, and gives it up. */
#ifndef VSHM_WRITER_H
#define VSHM_WRITER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "pool.h"
#include "ring.h"
#include "segment.h"
#include "semaphores.h"
#include "wait.h"

enum writer_state {
	WRITER_LIVE,
	WRITER_NAMELESS, /* the ring's name is gone, and there was no room to make it anew */
	WRITER_STALE,    /* the ring's name leads to somebody else's */
	WRITER_FORKED    /* this process is a child of the writer's, and has not come into its ring */
};

enum writer_drop { WRITER_DROP_BUSY, WRITER_DROP_TOO_LARGE, WRITER_DROP_NO_SPACE, WRITER_DROP_CAUSES };

struct writer {
	struct pool_item item;
	/* what a frame touches */
	_Atomic enum writer_state state; /* set under busy, looked at by every thread */
	uint32_t slot_size; /* the ring's, which is another one after each remake; this one never changes */
	const struct wait_ops *ops;
	uint64_t next_look_ns; /* when the ring's name is to be looked at again */
	int64_t
		realtime_offset_ns; /* as it was at the last look: dates frames without another look at the clock */
	struct ring_counts counts;
	bool fresh;                /* the next frame is the first that this writer adds to another one's */
	bool has_news;             /* a line was logged on the way to this slot */
	atomic_flag busy;          /* a thread is writing, or a reservation is out */
	_Atomic uint32_t reserved; /* 32 bits: the smallest that every processor exchanges by itself */
	struct ring ring;
	uint64_t published_drops; /* sum of what the ring's counters of drops and re-arming say */
	uint64_t rearmed_before;  /* by earlier writers of this ring */
	_Atomic uint64_t dropped[WRITER_DROP_CAUSES];
	struct semaphores semaphores;
	/* what it does not */
	struct writer *next; /* in this process, for fork */
	struct segment_identity identity;
	struct process self;
	uint64_t clock_shift_ns; /* as process_clock_shift_ns has it; the ring's times are without it */
	void *pin;               /* keeps the writer's lock; NULL: none, as in a forked child */
	int fd;                  /* for callers; has no lock; the program may have closed it; -1: none */
	uint32_t epoch;
	uint64_t remade;
	struct semaphores former;   /* of a ring that is gone: to be closed with nothing held */
	unsigned claim_looks;       /* at a ring that somebody else is just taking */
	_Atomic unsigned end_looks; /* in a forked child: how often it looked whether its parent has ended */
	mode_t mode;
	gid_t group;
	char path[SEGMENT_PATH_MAX];
};

#define WRITER_HOT_BYTES (offsetof(struct writer, semaphores) + offsetof(struct semaphores, write_name))

/* ---- its steps, each 0 or -1 where it can fail ---- */

/* Maps the object of fd, and pins what is locked on it. */
int writer_map(struct writer *writer, int fd, const struct geometry *geometry);

/*
 * Builds a ring that goes on at writer->counts, and gives it its name once it is whole, held and signed.
 * instead_of: the ring that has the name so far, and keeps it should this fail; or NULL.
 */
int writer_build(struct writer *writer, const struct geometry *geometry,
				 const struct segment_identity *instead_of);

/* From here on readers take this process for the ring's writer. */
void writer_sign(struct writer *writer);

/* Only once the ring is ours beyond doubt: nobody else's semaphores may be touched. fresh: the ring is new.
 */
void writer_open_semaphores(struct writer *writer, bool fresh);

/* Tells the readers that nothing will come any more. */
void writer_mark_closed(struct writer *writer);

/* Unmaps the ring and lets go of the hold. Keeps errno. */
void writer_let_go(struct writer *writer);

/* ---- as long as it lasts ---- */

/* Looks whether the name still leads to the ring, and makes the ring anew if the name is gone. Sets state,
 * and former. */
void writer_look(struct writer *writer, uint64_t now_ns);

/* Stores the drop counters into the ring. */
void writer_publish_drops(struct writer *writer);

/* Tells readers of both versions that something happened. */
void writer_wake(struct writer *writer, uint32_t bits);

/* Closes the ring, removes it if it is still ours, lets everything go but former, which it sets. In a forked
 * child it only lets go. */
void writer_close(struct writer *writer);

#endif
