/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Posts the tokens of the read semaphore when several version 1 readers share it. A reader that is back at
 * the semaphore before another one has woken up takes the other's token, and finds no frame. So a thread
 * posts the next token only when the reader that took the last one is asleep again, or busy. The writer only
 * tells the thread of each frame.
 */
#ifndef VSHM_USHER_H
#define VSHM_USHER_H

#include <semaphore.h>
#include <stdint.h>

#define USHER_READERS_MAX 32 /* any program may write nonsense into active_readers */

struct usher;

/* Starts the thread. Returns NULL if it can't be started. */
struct usher *usher_start(sem_t *semaphore);

/* Tells the thread of a frame, for the readers that count themselves. Takes one system call. */
void usher_call(struct usher *usher, uint32_t readers);

/* Ends the thread. */
void usher_end(struct usher *usher);

/* Frees the memory, in a forked child, which does not have the thread. */
void usher_forget(struct usher *usher);

#endif
