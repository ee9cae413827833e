/* SPDX-License-Identifier: Apache-2.0 */
/* Writers that are killed at any moment, and readers that live through it. */
#ifndef VSHM_MORTALS_H
#define VSHM_MORTALS_H

#include <stdatomic.h>

#include "check.h"

#define MORTALS_READERS 5
#define MORTALS_LAGGARD 4u   /* the reader that lets itself be lapped */
#define MORTALS_LEDGER 4096u /* frames that the ledger keeps */

enum mortal_variant {
	MORTAL_PLAIN,
	MORTAL_RESERVED, /* stops with a reservation out, half filled */
	MORTAL_FORKED,   /* leaves a child behind */
	MORTAL_CLONED, /* a child that never went through fork's handlers; under an emulator it keeps the hold */
	MORTAL_READ_LOCKED /* somebody gets a read lock on the ring at its death */
};

/* Shared by the test and all its children; zero at the begin. */
struct mortals {
	_Atomic uint32_t joined;   /* readers */
	_Atomic uint32_t up;       /* the writer has written a frame */
	_Atomic uint32_t reserved; /* it has a reservation out, half filled */
	_Atomic uint32_t child;    /* pid of the writer's own child; 0: none */
	_Atomic uint32_t locked;   /* 1: the read lock is waited for; 2: it was had */
	_Atomic uint32_t over;
	_Atomic uint64_t begun; /* frames whose write began, and returned, by the writers' own count */
	_Atomic uint64_t done;
	_Atomic uint32_t epoch;
	_Atomic uint64_t first; /* frame of that epoch: an earlier one may have been in another ring */
	_Atomic uint64_t known_ns[MORTALS_READERS]; /* when a reader was last told of a death */
	_Atomic uint32_t received[MORTALS_READERS];
	_Atomic uint64_t
		lost[MORTALS_READERS]; /* missed or skipped, by the numbers of the frames before and after */
	_Atomic uint64_t ledger[MORTALS_LEDGER];   /* what each frame is, from before its write begins on */
	_Atomic uint32_t audited[MORTALS_READERS]; /* frames held against it */
	_Atomic uint32_t oldest; /* times that the one who is late got the oldest one there was */
};

extern struct mortals *mortals;
extern const char *mortals_ring;
extern int mortals_lifeline[2]; /* its other end closes when the test ends, however that comes */

/* For start_child: argument is the reader's number (size_t), the writer's variant, nothing. */
void mortals_read(void *number);
void mortals_write(void *variant);
void mortals_lock_for_reading(void *unused);

#endif
