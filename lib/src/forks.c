/* SPDX-License-Identifier: Apache-2.0 */
#include "forks.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "descriptor.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct writer *writers;

bool forks_try_block(void)
{
	return pthread_mutex_trylock(&mutex) == 0;
}

void forks_unblock(void)
{
	(void)pthread_mutex_unlock(&mutex);
}

/* In the child, right after fork: only async-signal-safe calls. */
static void disown_all(void)
{
	for (struct writer *writer = writers; writer != NULL; writer = writer->next) {
		if (writer->state == WRITER_FORKED)
			continue;
		descriptor_close(writer->fd, &writer->identity);
		writer->fd = -1;
		writer->pin = NULL; /* the child never had it: what is there by now is somebody else's */
		/* Memory of the child's own in place of the ring: a pointer from a reservation neither faults nor
		 * harms. */
		if (writer->ring.base != NULL)
			(void)mmap(writer->ring.base, (size_t)writer->ring.geometry.object_size, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
		writer->state = WRITER_FORKED;
	}
	forks_unblock();
}

static void lock(void)
{
	(void)pthread_mutex_lock(&mutex);
}

static void watch_forks(void)
{
	(void)pthread_atfork(lock, forks_unblock, disown_all);
}

void forks_block(void)
{
	(void)pthread_once(&once, watch_forks);
	lock();
}

void forks_add(struct writer *writer)
{
	writer->next = writers;
	writers = writer;
}

void forks_remove(struct writer *writer)
{
	for (struct writer **at = &writers; *at != NULL; at = &(*at)->next) {
		if (*at == writer) {
			*at = writer->next;
			return;
		}
	}
}
