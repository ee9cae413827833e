/* SPDX-License-Identifier: Apache-2.0 */
/* Payload that shows which frame it belongs to: at its start, at its end, and every stride bytes between. */
#ifndef GATE_PAYLOAD_H
#define GATE_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PAYLOAD_MIN (2 * sizeof(uint64_t))

static inline uint64_t payload_mark(uint64_t number, size_t at)
{
	return (number + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ at * UINT64_C(0xc2b2ae3d27d4eb4f);
}

static inline void payload_fill(uint8_t *data, size_t size, size_t stride, uint64_t number)
{
	uint64_t mark;

	for (size_t at = stride; at + PAYLOAD_MIN <= size; at += stride) {
		mark = payload_mark(number, at);
		memcpy(data + at, &mark, sizeof(mark));
	}
	mark = payload_mark(number, size);
	memcpy(data + size - sizeof(mark), &mark, sizeof(mark));
	memcpy(data, &number, sizeof(number));
}

/* Returns whether all marks are those of one frame. Sets the number in any case. */
static inline bool payload_is_whole(const uint8_t *data, size_t size, size_t stride, uint64_t *number)
{
	uint64_t mark;

	memcpy(number, data, sizeof(*number));
	for (size_t at = stride; at + PAYLOAD_MIN <= size; at += stride) {
		memcpy(&mark, data + at, sizeof(mark));
		if (mark != payload_mark(*number, at))
			return false;
	}
	memcpy(&mark, data + size - sizeof(mark), sizeof(mark));
	return mark == payload_mark(*number, size);
}

#endif
