/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests beside other programs share: bytes of a ring from outside, a look at the host, and processes
 * that are somebody else.
 */
#ifndef VSHM_PEERS_H
#define VSHM_PEERS_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "check.h"

/* Offsets by the format alone, for the tests that write the words themselves. */
#define AT_MAGIC 0u
#define AT_VERSION 4u
#define AT_WRITE_IDX 8u
#define AT_FRAME_COUNT 16u
#define AT_ACTIVE_READERS 24u
#define AT_EXTENSION 28u
#define V1_OBJECT_SIZE 15729664u
#define EXTENSION_FRAMES 128u /* from the extension's begin */

/* "/video_stream_chN"; one buffer for all. */
const char *channel_ring(int channel);
void open_channel_producer(video_shm_producer_t *producer, int channel);
/* As a program of the first version does it. */
void open_channel_consumer(video_shm_consumer_t *consumer, int channel);

/* ---- bytes ---- */

void poke(const char *name, uint64_t offset, const void *bytes, size_t size);
void poke32(const char *name, uint64_t offset, uint32_t value);
void poke64(const char *name, uint64_t offset, uint64_t value);
uint32_t peek32(const char *name, uint64_t offset);
/* A new object of that size, all zero. */
void make_object(const char *name, uint64_t size);

/* ---- processes ---- */

/* Zeroed memory that children share. */
void *shared_memory(size_t size);
/* Sleeps until the counter is at least that; the watchdog ends it. */
void await_count(_Atomic uint32_t *counter, uint32_t value);
/* Sleeps until the process has the ring mapped. */
void await_mapped(pid_t pid, const char *name);
/* Sleeps until the process has a handler for that signal. */
void await_handler(pid_t pid, int signal);
/* From here on this process, a child, is that user, in these groups only. */
void become(uid_t user, gid_t group, gid_t extra);
/* Skips the test where it takes another user than this one. */
void needs_root(void);

/* ---- the host ---- */

/* How much the host itself got in the way while something was timed. */
struct host_watch {
	pthread_t thread;
	atomic_bool over;
	uint64_t worst_stall_ns; /* by which a sleep of 1 ms came late */
	double others_share;     /* of all processors, used by processes that are not ours */
	uint64_t begin_ns;
	double begin_busy_s;
	double begin_own_s;
};

void host_watch_begin(struct host_watch *watch);
/* Children whose work is ours must have been reaped. */
void host_watch_end(struct host_watch *watch);
/* Whether a claim about time may be judged. */
bool host_was_fit(const struct host_watch *watch);

#endif
