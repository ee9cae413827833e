/* SPDX-License-Identifier: Apache-2.0 */
#include "forks.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "cancel.h"
#include "descriptor.h"
#include "hot.h"
#include "log.h"
#include "takeover.h"

#define END_ATTEMPTS 1000 /* for a parent that is ending, which takes time to unmap its memory */
#define END_EVERY_NS 1000000

/* The start of the memory of a writer. */
struct memory {
	struct memory *next;
	size_t size;
};

#define MEMORY_BEGIN                                                                                         \
	1024u /* not where a ring begins in its page: both would want the same places of a cache */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct writer *writers;
static _Atomic(struct memory *) memories;
static int cancel; /* of the thread that blocks fork() */

bool forks_try_block(void)
{
	const int before = cancel_defer();
	const bool blocked = pthread_mutex_trylock(&mutex) == 0;

	if (blocked)
		cancel = before;
	else
		cancel_resume(before);
	return blocked;
}

static void unlock(void)
{
	(void)pthread_mutex_unlock(&mutex);
}

/* What becomes of the memory of writers in a child. Older kernels, and emulators, know no other but a copy.
 */
static void advise(int advice)
{
	for (struct memory *memory = atomic_load(&memories); memory != NULL; memory = memory->next)
		(void)madvise(memory, memory->size, advice);
}

void *forks_memory(size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const size_t all = (MEMORY_BEGIN + size + page - 1) / page * page;
	struct memory *memory = aligned_alloc(page, all);

	if (memory == NULL)
		return NULL;
	memset(memory, 0, all);
	memory->size = all;
	memory->next = atomic_load(&memories);
	while (!atomic_compare_exchange_weak(&memories, &memory->next, memory)) {
	}
	(void)madvise(memory, all, MADV_WIPEONFORK);
	return (uint8_t *)memory + MEMORY_BEGIN;
}

void forks_unblock(void)
{
	const int before = cancel;

	unlock();
	cancel_resume(before);
}

/* Runs in the child right after fork: only async-signal-safe calls are allowed. */
static void disown_all(void)
{
	for (struct writer *writer = writers; writer != NULL; writer = writer->next) {
		if (writer->state == WRITER_FORKED)
			continue;
		descriptor_close(writer->fd, &writer->identity);
		writer->fd = -1;
		writer->pin = NULL;                                 /* MADV_DONTFORK: the child never had it */
		memset(&writer->former, 0, sizeof(writer->former)); /* its thread is the parent's */
		/* Replace the ring by private memory, so that a pointer from a reservation neither faults nor does
		 * harm. */
		if (writer->ring.base != NULL)
			(void)mmap(writer->ring.base, (size_t)writer->ring.geometry.object_size, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
		writer->state = WRITER_FORKED;
	}
	advise(MADV_WIPEONFORK);
	unlock();
}

static void lock(void)
{
	(void)pthread_mutex_lock(&mutex);
}

static void before_fork(void)
{
	lock();
	advise(MADV_KEEPONFORK);
}

static void after_fork(void)
{
	advise(MADV_WIPEONFORK);
	unlock();
}

static void watch_forks(void)
{
	(void)pthread_atfork(before_fork, after_fork, disown_all);
}

void forks_block(void)
{
	const int before = cancel_defer();

	(void)pthread_once(&once, watch_forks);
	lock();
	cancel = before;
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

bool forks_know(const struct writer *writer)
{
	const struct writer *at = writers;

	while (at != NULL && at != writer)
		at = at->next;
	return at != NULL;
}

/*
 * Returns whether the process that opened a writer is gone. A child that has left its parent's session is
 * becoming a daemon: the parent is about to end, so wait for it, once. No lock is held, as other threads may
 * fork.
 */
static bool has_ended(const struct process *parent, _Atomic unsigned *looks)
{
	const struct timespec pause = {.tv_nsec = END_EVERY_NS};

	while (!process_gone(parent)) {
		if (getsid(0) == getsid((pid_t)parent->pid) || atomic_load(looks) >= END_ATTEMPTS)
			return false;
		(void)atomic_fetch_add(looks, 1);
		(void)nanosleep(&pause, NULL);
	}
	return true;
}

/* Opens the parent's ring if nobody has it now. Returns as writer_open. */
static int reopen(struct writer *writer)
{
	const struct ring stand_in = writer->ring;
	const struct segment_identity identity = writer->identity;
	const bool was_reserved = atomic_load(&writer->reserved) != 0;
	struct segment_identity now;
	int result;

	if (segment_name_leads(writer->path, &identity, &now) != SEGMENT_NAME_SAME)
		return -1;
	semaphores_forget(&writer->semaphores);
	semaphores_close(&writer->semaphores, false);
	writer->ring.base = NULL;
	result = writer_open(writer, &stand_in.geometry);
	if (result != 0) {
		writer->ring = stand_in;
		writer->identity = identity;
		return result;
	}
	/* With a reservation, an encoder may still write there. */
	if (!was_reserved && stand_in.base != NULL)
		(void)munmap(stand_in.base, (size_t)stand_in.geometry.object_size);
	atomic_store(&writer->reserved, 0);
	atomic_flag_clear(&writer->busy); /* a thread of the parent may have been writing */
	writer->state = WRITER_LIVE;
	return 0;
}

/* Tries once to take the ring over; another thread may have done it meanwhile. */
static int inherit(struct writer *writer)
{
	int result;

	forks_block();
	result = writer->state != WRITER_FORKED ? 0 : reopen(writer);
	forks_unblock();
	return result;
}

static bool become_writer(struct writer *writer)
{
	struct process parent;
	int result;

	forks_block(); /* another thread may be signing the ring */
	parent = writer->self;
	writer->claim_looks = 0;
	result = writer->state != WRITER_FORKED;
	forks_unblock();
	if (result != 0)
		return true;
	if (!has_ended(&parent, &writer->end_looks))
		return false;
	while ((result = inherit(writer)) == WRITER_CLAIMED)
		writer_await_claim();
	return result == 0;
}

COLD bool forks_inherit(struct writer *writer)
{
	const int before = cancel_defer();
	const bool is_writer = become_writer(writer);

	cancel_resume(before);
	log_deliver();
	return is_writer;
}
