/* SPDX-License-Identifier: Apache-2.0 */
/* The host that the library finds: its kind, its processes, its clock. */
#ifndef VSHM_FUZZ_HOST_H
#define VSHM_FUZZ_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define HOST_SELF 100 /* pids: this process, one that lives, a zombie; nobody else is there */
#define HOST_OTHER 101
#define HOST_ZOMBIE 102
#define HOST_USER 1000
#define HOST_STRANGER 1001

enum host_kind {
	HOST_PLAIN,
	HOST_REFUSES, /* one call, or all from one on, for want of memory, room or permission, or because of a
					 signal */
	HOST_NO_FUTEX,
	HOST_NO_SHM,
	HOST_NO_PROC,
	HOST_ODD_PROC,       /* of another pid namespace, or with texts that say nothing */
	HOST_TIME_NAMESPACE, /* start times are told an hour late, or it can't be known by how much */
	HOST_CLOSED_STREAMS, /* descriptors 0 to 2 are free; or the umask takes all rights, too */
	HOST_RACES,          /* another thread changes the ring all the time */
	HOST_KINDS
};

/* Sets the kind of host; detail chooses among the variants of that kind. */
void host_begin(enum host_kind kind, uint8_t detail);
enum host_kind host_kind(void);
/* Returns whether this call fails, with errno set to error. */
bool host_refuses(int error);
/* Returns the bits that are cleared in the mode of a new file. */
mode_t host_umask(void);
/* Returns the text of a file in /proc, or NULL with errno. */
const char *host_proc_text(const char *path);
/* Puts the library's clock forward. */
void host_time_passes(uint32_t ms);

#endif
