/* SPDX-License-Identifier: Apache-2.0 */
/* How a reader comes by its ring, goes over to its successor, and leaves. */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hot.h"
#include "probes.h"
#include "reader_figures.h"

/* Opens and maps what the path leads to, into the fields of ring, identity and fd. 0, or -1. */
COLD static int attach(struct reader *reader)
{
	struct segment_identity identity;
	struct segment_survey survey;
	void *base;
	int error;
	const int fd = segment_open(reader->path, O_RDONLY, &identity);

	if (fd < 0)
		return -1;
	if (segment_survey(fd, identity.size, &survey) != 0)
		goto close_fd;
	if (reader->max_slot_size != 0 && survey.geometry.slot_size > reader->max_slot_size) {
		errno = EPROTO;
		goto close_fd;
	}
	base = segment_map(fd, survey.geometry.object_size, false);
	if (base == NULL)
		goto close_fd;
	ring_place(&reader->ring, base, &survey.geometry);
	reader->identity = identity;
	reader->fd = fd;
	reader->fate = READER_FOLLOWS;
	reader->told = reader->emptied = false;
	reader->next_look_ns = 0;
	reader->poll_ns = READER_POLL_FIRST_NS;
	if (reader->ring.extension != NULL)
		reader->epoch = atomic_load_explicit(&reader->ring.extension->epoch, memory_order_acquire);
	atomic_store(&reader->word,
				 reader->ring.extension != NULL ? (uintptr_t)&reader->ring.extension->signal : 0);
	return 0;
close_fd:
	error = errno;
	(void)close(fd);
	errno = error;
	return -1;
}

int reader_join(struct reader *reader, uint32_t start)
{
	struct process self;

	process_self(&self);
	reader->fd = -1;
	reader->pid_ns = self.pid_ns;
	reader->clock_shift_ns = process_clock_shift_ns();
	reader->own_bit = LAYOUT_WAKE_OWN_FIRST << (self.pid % 29u); /* the bits that the format leaves free */
	if (attach(reader) != 0)
		return -1;
	cursor_place(&reader->cursor, &reader->ring, start);
	PROBE_ATTACH(reader->identity.inode, reader->cursor.next);
	return 0;
}

static void let_go(const struct ring *ring, int fd)
{
	if (ring->base != NULL)
		(void)munmap(ring->base, (size_t)ring->geometry.object_size);
	if (fd >= 0)
		(void)close(fd);
}

void reader_leave(struct reader *reader)
{
	atomic_store(&reader->word, 0);
	let_go(&reader->ring, reader->fd);
	reader->ring.base = NULL;
	reader->fd = -1;
}

/* Goes over to the ring's successor, if there is one. 0, or -1 with EPROTO: there is one that can't be
 * served. */
COLD int reader_look_for_successor(struct reader *reader)
{
	const struct ring former = reader->ring;
	const int former_fd = reader->fd;
	struct segment_identity now;
	video_shm_info_t then;

	if (segment_name_leads(reader->path, &reader->identity, &now) != SEGMENT_NAME_OTHER)
		return 0;
	if (reader->fate == READER_DEAD && !reader->reconnect) { /* its place was taken: it will not come back */
		reader->fate = READER_CLOSED;
		reader->told = false;
		return 0;
	}
	if (!reader->reconnect || now.inode == reader->refused)
		return 0;
	reader_figures(reader, &then); /* as if the caller had asked a last time */
	if (attach(reader) != 0) {
		if (errno != EPROTO)
			return 0; /* not ready, or gone again */
		reader->refused = now.inode;
		return -1;
	}
	reader_keep_totals(reader);
	let_go(&former, former_fd);
	reader->reattached++;
	reader->refused = 0;
	cursor_move(&reader->cursor, &reader->ring);
	PROBE_ATTACH(reader->identity.inode, reader->cursor.next);
	return 0;
}
