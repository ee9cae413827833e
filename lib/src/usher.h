/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands out the read semaphore's tokens where several version 1 readers share it. A reader that is back at
 * the semaphore before another one has woken up takes that one's token, and finds no frame. So a thread gives
 * the next token only once who took the last is asleep again, or busy; the writer only tells it of a frame.
 */
#ifndef VSHM_USHER_H
#define VSHM_USHER_H

#include <semaphore.h>
#include <stdint.h>

#define USHER_READERS_MAX 32 /* active_readers is anybody's to scribble on */

struct usher;

/* NULL: there is no room for another thread. */
struct usher *usher_start(sem_t *semaphore);

/* A frame is there, for so many readers as count themselves. One system call. */
void usher_call(struct usher *usher, uint32_t readers);

/* Ends the thread. */
void usher_end(struct usher *usher);

/* In a forked child, where its thread is not. */
void usher_forget(struct usher *usher);

#endif
