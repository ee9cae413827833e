/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path of a frame. The compiler puts what is HOT together, and apart from it what is COLD: between two
 * frames the processor's caches belong to others, and every page and line that a frame touches has to be
 * fetched anew.
 */
#ifndef VSHM_HOT_H
#define VSHM_HOT_H

#include <stddef.h>
#include <stdint.h>

#define HOT __attribute__((hot))
#define COLD __attribute__((cold, noinline))

#define HOT_LINE 64u

/* Fetches size bytes all at once, not one line after the other as they are needed. */
static inline void hot_fetch(const void *from, size_t size)
{
	for (size_t at = 0; at < size; at += HOT_LINE)
		__builtin_prefetch((const uint8_t *)from + at, 1);
}

#endif
