/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes of a case, and what they share. Children end with this process, whatever becomes of it; a
 * child that made something in /dev/shm is always given time to remove it.
 */
#ifndef BENCH_FLEET_H
#define BENCH_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define NS_PER_S UINT64_C(1000000000)
#define FLEET_RINGS_MAX 64u
/* Of the process whose id is 0. Beyond those of the tests, which may run at once and remove what bears their
 * numbers. */
#define FLEET_FIRST_CHANNEL 1300000000u

/* Once, before anything else: signals and shared memory. */
void fleet_init(void);

/* Whether SIGINT, SIGTERM or SIGHUP has come, or a child has failed: end soon. */
bool fleet_stopped(void);

/* Ends this process with a message. A child's parent notices. */
_Noreturn void fleet_die(const char *what);

/* Memory shared with all children started later, zero and in place. Never NULL. */
void *fleet_share(size_t size);
void fleet_unshare(void *memory, size_t size);

/* Starts a child that ends with us and leaves signals from the terminal to us. The caller reaps it. */
pid_t fleet_fork(void (*work)(void *), void *argument);

/* Starts a child of the case. tidy: it may have something in /dev/shm, so it is not killed before it had time
 * to end. */
void fleet_start(void (*work)(void *), void *argument, bool tidy);

/* In a child: ready, and waiting until all are. In the parent: waits until count children are ready. */
void fleet_ready(void);
bool fleet_await_ready(unsigned count);

/* Lets all children that are ready begin. */
void fleet_go(void);

/* Reaps all children. False: one failed, or had to be killed, or everything was stopped. */
bool fleet_finish(void);

/* The name of a ring that nobody else uses, of the kind that has version 1's semaphores too. */
void fleet_ring_name(char *name, size_t size, unsigned number);

/* Removes whatever is left of our rings. */
void fleet_remove_rings(void);

uint64_t fleet_now_ns(void);
void fleet_sleep_ns(uint64_t ns);

#endif
