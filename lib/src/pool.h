/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory behind handles. What is given back, as a signal handler may do, is never freed, but goes to the next
 * who obtains: a copy of a handle that was closed finds another generation there, and neither a fault nor
 * somebody else's memory.
 */
#ifndef VSHM_POOL_H
#define VSHM_POOL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* What each begins with. */
struct pool_item {
	_Atomic uint32_t generation; /* up by one whenever it is given back */
	struct pool_item *next;      /* among those that nobody has */
};

struct pool {
	_Atomic(struct pool_item *) spare; /* those that nobody has */
};

/* size bytes, item included, and all zero but for it; one pool has one size. NULL with errno. */
void *pool_obtain(struct pool *pool, size_t size);

/* Async-signal-safe; keeps errno. */
void pool_give_back(struct pool *pool, struct pool_item *item);

static inline uint32_t pool_generation(const struct pool_item *item)
{
	return atomic_load_explicit(&item->generation, memory_order_relaxed);
}

#endif
