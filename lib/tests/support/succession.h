/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers that follow each other on one channel, and what readers that are there all the time got from
 * each.
 */
#ifndef VSHM_SUCCESSION_H
#define VSHM_SUCCESSION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LIVES 6
#define FRAME_BYTES 2000u
#define OF_OURS 2 /* readers; the others are of version 1 */
#define READERS 4

enum kind { OURS, V1 };
enum end { CLOSED, KILLED, REPLACED };

struct life {
	enum kind kind;
	enum end end;
	uint32_t frames;
	bool settled;           /* it ends once our readers have all of it */
	uint32_t sure;          /* frames that it had written when it was ended or replaced */
	_Atomic uint32_t begun; /* frames */
	_Atomic uint32_t done;
	_Atomic uint32_t over; /* all were written */
	_Atomic uint32_t told; /* to close */
};

struct story {
	int channel;
	uint32_t seed;
	struct life lives[LIVES];
	_Atomic uint32_t joined;
	_Atomic uint32_t over;
	_Atomic uint32_t got[READERS][LIVES]; /* how many frames of each life */
};

/*
 * Reads as that reader until the story is over, and checks the reader's counters against what it got. A
 * frame's width is its writer's life, its height the number in that life.
 */
void succession_read(struct story *story, uint32_t reader);

#endif
