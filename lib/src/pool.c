/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#include <stdlib.h>
#include <string.h>

static void put_in_front(struct pool *pool, struct pool_item *first)
{
	struct pool_item *last = first, *head = atomic_load(&pool->spare);

	while (last->next != NULL)
		last = last->next;
	do {
		last->next = head;
	} while (!atomic_compare_exchange_weak(&pool->spare, &head, first));
}

void *pool_obtain(struct pool *pool, size_t size)
{
	/* Take the whole list: if items were taken singly, one could be taken and given back meanwhile (ABA). */
	struct pool_item *item = atomic_exchange(&pool->spare, NULL);

	if (item == NULL) {
		item = pool->make != NULL ? pool->make(size) : calloc(1, size);
		if (item != NULL)
			atomic_init(&item->generation, 1); /* zero is memory that a child does not get */
		return item;
	}
	if (item->next != NULL)
		put_in_front(pool, item->next);
	item->next = NULL;
	memset((uint8_t *)item + sizeof(*item), 0, size - sizeof(*item));
	return item;
}

void pool_give_back(struct pool *pool, struct pool_item *item)
{
	(void)atomic_fetch_add_explicit(&item->generation, 1, memory_order_relaxed);
	put_in_front(pool, item);
}
