/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Marks the code that runs for every frame. The compiler places HOT functions together, apart from COLD ones:
 * between two frames other code uses the processor's caches, and every page and cache line that a frame needs
 * must be fetched again.
 */
#ifndef VSHM_HOT_H
#define VSHM_HOT_H

#include <stddef.h>
#include <stdint.h>

#define HOT __attribute__((hot))
#define COLD __attribute__((cold, noinline))

#define HOT_LINE 64u

/* Prefetches size bytes at once, instead of one cache line after the other as they are used. */
static inline void hot_fetch(const void *from, size_t size)
{
	for (size_t at = 0; at < size; at += HOT_LINE)
		__builtin_prefetch((const uint8_t *)from + at, 1);
}

#endif
