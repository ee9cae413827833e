/* SPDX-License-Identifier: Apache-2.0 */
/* One reader's place in a ring: which frame is next, and the account of what became of all the others. */
#ifndef VSHM_CURSOR_H
#define VSHM_CURSOR_H

#include "ring.h"

struct cursor {
	uint64_t next; /* number of the next frame to look at */
	uint64_t received;
	uint64_t missed;
	uint64_t skipped;
	uint64_t span;           /* frame numbers accounted for: received + missed + skipped */
	uint64_t missed_at_take; /* missed, as it was when a frame was last handed out */
	uint64_t unclear;   /* keyframe policy: frames lost of which it isn't known yet how many were keyframes */
	uint64_t keyframes; /* keyframes up to the frame before next */
	uint32_t policy;    /* enum video_shm_policy */
	uint32_t torn;      /* copies in a row that the writer lapped */
	bool resync;        /* at the start and after a gap, silence until a keyframe */
	bool awaiting_keyframe;
	bool keyframes_known;
	bool restarted;     /* the writer is another one, and its first frame was not seen yet */
	bool discontinuity; /* the next frame handed out does not follow from the one before */
};

/* Begins at start (enum video_shm_start), with policy and resync as set. */
void cursor_place(struct cursor *cursor, const struct ring *ring, uint32_t start);

/* Goes on in another ring, which may count on or anew. */
void cursor_move(struct cursor *cursor, const struct ring *ring);
/* The same from a frame of that ring on: what it had before is none of ours. */
void cursor_move_to(struct cursor *cursor, const struct ring *ring, uint64_t first);

/* What comes next does not follow from what came before. */
void cursor_break(struct cursor *cursor);

/* A writer took the ring over. Its first frame says so itself; should that one be passed over, the next one
 * does.
 */
void cursor_restart(struct cursor *cursor);

/* Finds the next frame that this reader wants. False: there is none yet. The place stays before it until
 * cursor_take. */
bool cursor_find(struct cursor *cursor, const struct ring *ring, struct ring_look *look);

/* Goes past the frame that was found: received if it stayed whole, else missed. */
void cursor_take(struct cursor *cursor, const struct ring_look *look, bool whole);

#endif
