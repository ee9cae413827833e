/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is compared: the library one way or another, or the floor. All look the same to who measures. Each
 * block is measured on sides made anew, by new processes: which physical pages a side was given makes up to a
 * fifth of what a copy costs, and would else be the same luck in every block.
 */
#ifndef BENCH_SIDE_H
#define BENCH_SIDE_H

#include "floor.h"
#include "video_shm.h"

#define SIDES 3 /* what is measured, what it is held against, and that one's twin */
#define SIDE_KB 1024u
#define SIDE_FRAME_MAX (512u * SIDE_KB) /* of what is copied */

struct side;

/* Every call ends the process when it fails: a benchmark of errors is none. */
struct side_kind {
	void (*prepare)(struct side *side, unsigned number); /* in the parent, before the processes are there */
	void (*open_writer)(struct side *side);
	void (*write)(struct side *side);
	void (*close_writer)(struct side *side);
	void (*open_reader)(struct side *side);
	uint32_t (*receive)(struct side *side); /* waits; the frame's number */
	void (*close_reader)(struct side *side);
	void (*discard)(struct side *side); /* in the parent */
};

struct side {
	const struct side_kind *kind;
	unsigned number; /* which of the sides */
	uint32_t frame_bytes;
	uint32_t slots; /* 0: version 1's */
	uint32_t slot_bytes;
	char ring[40];
	struct floor floor;
	video_shm_producer_t producer;
	video_shm_consumer_t consumer;
	uint8_t *source; /* shared by all sides of a process */
	uint8_t *target;
};

extern const struct side_kind side_copy;   /* write and wait */
extern const struct side_kind side_direct; /* reserve and commit, acquire and release; no byte is touched */
extern const struct side_kind side_floor;
extern const struct side_kind side_any_one;  /* one thread waits for 16 rings, of which one is written */
extern const struct side_kind side_any_turn; /* the same, written in turn */
extern const struct side_kind
	side_each_turn; /* the same, but it knows which is next, and waits for that one */
extern const struct side_kind side_any_polled; /* the same, where the kernel can't wait for several words */

typedef void side_maker(struct side sides[SIDES], uint32_t frame_bytes);

/* The library's write and wait against the floor. */
side_maker sides_against_floor;

/* Frames of that size against 64 KB, through the same calls and in rings of the same geometry. */
side_maker sides_against_64_kb;

/* A wait for 16 rings against a wait for one: for the only one; or for that of the 16 which is written next,
 * as the writer is slower by far at rings that it comes to seldom. */
side_maker sides_any_one, sides_any_turn, sides_any_polled;

void sides_discard(struct side sides[SIDES]);

/* In each process. Buffers begin 16 bytes behind a page, as a large malloc'd block does. */
void sides_open_writers(struct side sides[SIDES]);
void sides_close_writers(struct side sides[SIDES]);
void sides_open_readers(struct side sides[SIDES]);
void sides_close_readers(struct side sides[SIDES]);

/* In which order the sides take turns; it changes from block to block. */
const unsigned *sides_order(unsigned block);

#endif
