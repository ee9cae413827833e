/* SPDX-License-Identifier: Apache-2.0 */
/* The position of a reader in a ring: the next frame, and the counts of received, missed and skipped ones. */
#ifndef VSHM_CURSOR_H
#define VSHM_CURSOR_H

#include "ring.h"

struct cursor {
	uint64_t next; /* number of the next frame to look at */
	uint64_t received;
	uint64_t missed;
	uint64_t skipped;
	uint64_t span;           /* frame numbers accounted for: received + missed + skipped */
	uint64_t missed_at_take; /* value of missed when a frame was last handed out */
	uint64_t unclear;        /* keyframe policy: lost frames, not known yet how many were keyframes */
	uint64_t keyframes;      /* keyframes written before frame next */
	uint32_t policy;         /* enum video_shm_policy */
	uint32_t torn;           /* copies in a row that the writer lapped */
	bool resync;             /* at the start and after a gap, skip frames until a keyframe */
	bool awaiting_keyframe;
	bool keyframes_known;
	bool restarted;     /* there is a new writer, and its first frame was not seen yet */
	bool discontinuity; /* the next frame handed out does not follow from the one before */
};

/* Places the cursor at start (enum video_shm_start); policy and resync must be set. */
void cursor_place(struct cursor *cursor, const struct ring *ring, uint32_t start);

/* Moves to another ring, which may continue the numbering or start at 0. */
void cursor_move(struct cursor *cursor, const struct ring *ring);
/* Moves to that frame of another ring; earlier frames of that ring do not count. */
void cursor_move_to(struct cursor *cursor, const struct ring *ring, uint64_t first);

/* Marks a discontinuity before the next frame. */
void cursor_break(struct cursor *cursor);

/* Notes that another writer has taken the ring over. Its first frame is flagged as a discontinuity; if that
 * frame is passed over, the next one will be. */
void cursor_restart(struct cursor *cursor);

/* Finds the next frame that this reader wants. Returns false if there is none yet. The cursor stays before
 * the frame until cursor_take. */
bool cursor_find(struct cursor *cursor, const struct ring *ring, struct ring_look *look);

/* Moves past the frame that was found, and counts it as received if it stayed whole, else as missed. */
void cursor_take(struct cursor *cursor, const struct ring_look *look, bool whole);

#endif
