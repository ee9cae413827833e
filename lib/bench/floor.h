/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that can be done: a mapping as large as a ring, in memory before it is used, memcpy through the
 * same slots, one futex, and nothing else. Frames have the size that both sides agreed on.
 */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <stdbool.h>
#include <stdint.h>

struct floor {
	uint8_t *base;
	int fd;
	uint32_t next; /* number of the next frame to write, or to read */
};

/* Makes the object, unnamed; each process then maps it. 0, or -1 with errno. */
int floor_make(struct floor *ring);
void floor_discard(struct floor *ring);

/* 0, or -1 with errno. */
int floor_map(struct floor *ring, bool writable);
void floor_unmap(struct floor *ring);

void floor_write(struct floor *ring, const uint8_t *data, uint32_t size);

/* Waits for the next frame, copies it, and gives its number. One who is too slow goes on at the oldest. */
uint32_t floor_receive(struct floor *ring, uint8_t *data, uint32_t size);

#endif
