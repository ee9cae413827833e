/* SPDX-License-Identifier: Apache-2.0 */
/* Every store to shared memory goes through these functions, so that a test build can end the process after
 * any of them. */
#ifndef VSHM_SHARED_H
#define VSHM_SHARED_H

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#ifdef VIDEO_SHM_CRASH_POINTS
void crash_point(void);
#else
static inline void crash_point(void)
{
}
#endif

static inline void shared_store32(_Atomic uint32_t *to, uint32_t value, memory_order order)
{
	atomic_store_explicit(to, value, order);
	crash_point();
}

static inline void shared_store64(_Atomic uint64_t *to, uint64_t value, memory_order order)
{
	atomic_store_explicit(to, value, order);
	crash_point();
}

/*
 * Copies of payload race by design, and the stamp tells afterwards. The product uses memcpy. ThreadSanitizer
 * needs atomic words, but only on the side of the ring, which is 8-byte aligned.
 */
#ifdef __SANITIZE_THREAD__
#define VSHM_ATOMIC_WORDS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define VSHM_ATOMIC_WORDS 1
#endif
#endif

static inline void shared_copy_in(void *ring, const void *from, size_t size)
{
#ifdef VSHM_ATOMIC_WORDS
	size_t at = 0;

	for (; at + 8 <= size; at += 8) {
		uint64_t word;

		memcpy(&word, (const uint8_t *)from + at, 8);
		atomic_store_explicit((_Atomic uint64_t *)(void *)((uint8_t *)ring + at), word, memory_order_relaxed);
	}
	for (; at < size; at++)
		atomic_store_explicit((_Atomic uint8_t *)ring + at, ((const uint8_t *)from)[at],
							  memory_order_relaxed);
#elif defined(VIDEO_SHM_CRASH_POINTS)
	memcpy(ring, from, size / 2);
	crash_point();
	memcpy((uint8_t *)ring + size / 2, (const uint8_t *)from + size / 2, size - size / 2);
#else
	memcpy(ring, from, size);
#endif
	crash_point();
}

static inline void shared_copy_out(void *to, const void *ring, size_t size)
{
#ifdef VSHM_ATOMIC_WORDS
	size_t at = 0;

	for (; at + 8 <= size; at += 8) {
		uint64_t word =
			atomic_load_explicit((_Atomic uint64_t *)(void *)((uintptr_t)ring + at), memory_order_relaxed);

		memcpy((uint8_t *)to + at, &word, 8);
	}
	for (; at < size; at++)
		((uint8_t *)to)[at] =
			atomic_load_explicit((_Atomic uint8_t *)(void *)((uintptr_t)ring + at), memory_order_relaxed);
#else
	memcpy(to, ring, size);
#endif
}

#endif
