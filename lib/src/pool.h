/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory behind handles. A signal handler may give an item back; it is never freed, but reused. So a copy
 * of a closed handle finds another generation there, and neither faults nor touches foreign memory.
 */
#ifndef VSHM_POOL_H
#define VSHM_POOL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* The start of each item. */
struct pool_item {
	_Atomic uint32_t generation; /* raised by one whenever the item is given back */
	struct pool_item *next;      /* in the list of spare items */
};

struct pool {
	_Atomic(struct pool_item *) spare; /* list of spare items */
	void *(*make)(size_t size);        /* returns zeroed memory that is never freed; NULL: calloc() */
};

/* Returns an item of size bytes in all, zero after its pool_item; NULL with errno. A pool has one size. */
void *pool_obtain(struct pool *pool, size_t size);

/* Gives an item back. Async-signal-safe; keeps errno. */
void pool_give_back(struct pool *pool, struct pool_item *item);

static inline uint32_t pool_generation(const struct pool_item *item)
{
	return atomic_load_explicit(&item->generation, memory_order_relaxed);
}

#endif
