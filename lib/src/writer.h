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
	WRITER_NAMELESS, /* the ring's name is gone, and there was no room to make the ring anew */
	WRITER_STALE,    /* the ring's name leads to somebody else's ring */
	WRITER_FORKED    /* this process is a forked child that has not taken the ring over */
};

enum writer_drop { WRITER_DROP_BUSY, WRITER_DROP_TOO_LARGE, WRITER_DROP_NO_SPACE, WRITER_DROP_CAUSES };

struct writer {
	struct pool_item item;
	/* used for every frame */
	_Atomic enum writer_state state; /* set under busy, read by every thread */
	uint32_t slot_size;              /* bytes; never changes, while ring does with each remake */
	const struct wait_ops *ops;
	uint64_t next_look_ns;      /* when to look at the ring's name again */
	int64_t realtime_offset_ns; /* at the last look at the name; dates frames without reading that clock */
	struct ring_counts counts;
	bool fresh;                /* the next frame is this writer's first after another writer's */
	bool has_news;             /* a line was logged on the way to this slot */
	atomic_flag busy;          /* a thread is writing, or a slot is reserved */
	_Atomic uint32_t reserved; /* 32 bits: the smallest that every processor exchanges atomically */
	struct ring ring;
	uint64_t published_drops; /* sum of the counters of drops and re-arming in the ring */
	uint64_t rearmed_before;  /* by earlier writers of this ring */
	_Atomic uint64_t dropped[WRITER_DROP_CAUSES];
	struct semaphores semaphores;
	/* not used for every frame */
	struct writer *next; /* in the list of this process's writers, for fork */
	struct segment_identity identity;
	struct process self;
	uint64_t clock_shift_ns; /* from process_clock_shift_ns; times in the ring are without it */
	void *pin;               /* keeps the writer's lock; NULL: fd has it, or nobody, as in a forked child */
	int fd; /* for callers; has no lock unless pin is NULL; the program may have closed it; -1: none */
	uint32_t epoch;
	uint64_t remade;
	struct semaphores former;   /* of a former ring; to be closed while no lock is held */
	unsigned claim_looks;       /* looks at a ring that somebody else is taking over */
	_Atomic unsigned end_looks; /* in a forked child: looks whether its parent has ended */
	mode_t mode;
	gid_t group;
	char path[SEGMENT_PATH_MAX];
};

#define WRITER_HOT_BYTES (offsetof(struct writer, semaphores) + offsetof(struct semaphores, write_name))

/* ---- steps of opening; those that can fail return 0 or -1 ---- */

/* Maps the object of fd, and keeps its locks when fd is closed. */
int writer_map(struct writer *writer, int fd, const struct geometry *geometry);

/*
 * Builds a ring that goes on at writer->counts, and gives it its name once it is whole, held and signed.
 * instead_of is the ring that has the name now, and keeps it if this fails, or NULL.
 */
int writer_build(struct writer *writer, const struct geometry *geometry,
				 const struct segment_identity *instead_of);

/* Records this process as the ring's writer. */
void writer_sign(struct writer *writer);

/* Opens the semaphores. Call it only when the ring is certainly ours, since another writer's semaphores must
 * not be touched. fresh: the ring is new. */
void writer_open_semaphores(struct writer *writer, bool fresh);

/* Tells the readers that the ring is closed. */
void writer_mark_closed(struct writer *writer);

/* Unmaps the ring and lets go of the hold. Keeps errno. */
void writer_let_go(struct writer *writer);

/* ---- as long as it lasts ---- */

/* Checks that the name still leads to the ring, and makes the ring anew if the name is gone. Sets state and
 * former. */
void writer_look(struct writer *writer, uint64_t now_ns);

/* Stores the drop counters in the ring. */
void writer_publish_drops(struct writer *writer);

/* Tells readers of both versions that something happened. */
void writer_wake(struct writer *writer, uint32_t bits);

/* Closes the ring, removes it if it is still ours, and releases everything but former, which it sets. In a
 * forked child it only releases. */
void writer_close(struct writer *writer);

#endif
