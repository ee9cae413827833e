/* SPDX-License-Identifier: Apache-2.0 */
#include "attachment.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "descriptor.h"
#include "hot.h"
#include "log.h"
#include "probes.h"
#include "reader_figures.h"

/* Opens an object. Where no descriptor is left, our own makes room: it is wanted of a living ring only. */
COLD static int open_with_room(struct reader *reader, const char *path, struct segment_identity *identity)
{
	const int fd = segment_open(path, O_RDONLY, identity);

	if (fd >= 0 || (errno != EMFILE && errno != ENFILE) || reader->fd < 0)
		return fd;
	descriptor_close(reader->fd, &reader->identity);
	reader->fd = -1;
	return segment_open(path, O_RDONLY, identity);
}

/* Opens and maps the object at the path, and sets ring and identity. Returns its descriptor or -1. */
COLD static int attach(struct reader *reader)
{
	struct segment_identity identity;
	struct segment_survey survey;
	void *base;
	int error;
	const int fd = open_with_room(reader, reader->path, &identity);

	if (fd < 0)
		return -1;
	if (segment_survey(fd, reader->path, identity.size, &survey) != 0)
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
	reader->fate = READER_FOLLOWS;
	reader->told = reader->emptied = false;
	reader->next_look_ns = 0;
	reader->poll_ns = READER_POLL_FIRST_NS;
	if (reader->ring.extension != NULL)
		reader->epoch = atomic_load_explicit(&reader->ring.extension->epoch, memory_order_acquire);
	atomic_store(&reader->word,
				 reader->ring.extension != NULL ? (uintptr_t)&reader->ring.extension->signal : 0);
	return fd;
close_fd:
	error = errno;
	(void)close(fd);
	errno = error;
	return -1;
}

static void swap_names(struct reader *reader)
{
	char path[SEGMENT_PATH_MAX];

	memcpy(path, reader->path, sizeof(path));
	memcpy(reader->path, reader->other.path, sizeof(path));
	memcpy(reader->other.path, path, sizeof(path));
}

int reader_join(struct reader *reader, uint32_t start)
{
	struct process self;
	int fd;

	process_self(&self);
	reader->fd = -1;
	reader->pid_ns = self.pid_ns;
	reader->clock_shift_ns = process_clock_shift_ns();
	reader->own_bit = LAYOUT_WAKE_OWN_FIRST << (self.pid % 29u); /* the bits that the format leaves free */
	fd = attach(reader);
	if (fd < 0 && errno == ENOENT && reader->other.path[0] != '\0') {
		swap_names(reader);
		fd = attach(reader);
	}
	if (fd < 0)
		return -1;
	reader->fd = fd;
	cursor_place(&reader->cursor, &reader->ring, start);
	reader_note_other(reader, true);
	PROBE_ATTACH(reader->identity.inode, reader->cursor.next);
	return 0;
}

int reader_descriptor(struct reader *reader)
{
	return descriptor_regain(&reader->fd, reader->path, O_RDONLY, &reader->identity);
}

static void let_go(const struct ring *ring, int fd, const struct segment_identity *identity)
{
	if (ring->base != NULL)
		(void)munmap(ring->base, (size_t)ring->geometry.object_size);
	descriptor_close(fd, identity);
}

void reader_leave(struct reader *reader)
{
	atomic_store(&reader->word, 0);
	let_go(&reader->ring, reader->fd, &reader->identity);
	reader->ring.base = NULL;
	reader->fd = -1;
}

/* Logs once for each successor what keeps us from it, as long as that may change. */
static void tell_obstacle(struct reader *reader, const struct segment_identity *successor)
{
	const int error = errno;

	if (error == EAGAIN || error == ENOENT || segment_same(successor, &reader->blocked))
		return; /* not ready, or gone again */
	reader->blocked = *successor;
	log_line(VIDEO_SHM_LOG_WARNING, "%s: the ring that replaced the former one can't be read yet: %s",
			 reader->path, strerror(error));
}

/* Goes over to the ring that the path leads to now. first is the number of its first frame that is new to us;
 * NULL: all frames that we have not had. Returns 0, or -1 with EPROTO. */
COLD static int go_over(struct reader *reader, const struct segment_identity *successor,
						const uint64_t *first)
{
	const struct ring former = reader->ring;
	const struct segment_identity former_identity = reader->identity;
	video_shm_info_t then;
	int fd;

	reader_figures(reader, &then); /* so that the totals include its last figures */
	fd = attach(reader);
	if (fd < 0 && errno == EPROTO) {
		reader->refused = *successor;
		return -1;
	}
	if (fd < 0) {
		tell_obstacle(reader, successor);
		return 0;
	}
	reader_keep_totals(reader);
	let_go(&former, reader->fd, &former_identity);
	reader->fd = fd;
	reader->reattached++;
	reader->refused = SEGMENT_NONE;
	if (first != NULL)
		cursor_move_to(&reader->cursor, &reader->ring, *first);
	else
		cursor_move(&reader->cursor, &reader->ring);
	PROBE_ATTACH(reader->identity.inode, reader->cursor.next);
	return 0;
}

/* Returns whether the other name got a new ring or frame since our own ring was last seen alive. */
COLD static bool other_moves(struct reader *reader, struct segment_identity *now, bool *is_new)
{
	struct reader_other *other = &reader->other;
	struct segment_survey survey;
	uint64_t frames;
	bool ready;
	const int fd = open_with_room(reader, other->path, now);

	if (fd < 0) {
		if (errno == ENOENT)
			other->known = SEGMENT_NONE;
		return false;
	}
	ready = segment_survey(fd, other->path, now->size, &survey) == 0;
	(void)close(fd);
	*is_new = !segment_same(now, &other->known);
	if (!ready || segment_same(now, &reader->refused))
		return false;
	if (*is_new)
		return true;
	frames = survey.geometry.extension_offset != 0
				 ? atomic_load_explicit(&survey.extension.frames, memory_order_relaxed)
				 : atomic_load_explicit(&survey.header.frame_count, memory_order_relaxed);
	if (!other->counted)
		other->frames = frames;
	other->counted = true;
	return frames != other->frames;
}

COLD static int look_at_other(struct reader *reader)
{
	const uint64_t reattached = reader->reattached;
	struct segment_identity now;
	bool is_new;
	int result;

	if (reader->other.path[0] == '\0' || !other_moves(reader, &now, &is_new))
		return 0;
	swap_names(reader);
	result = go_over(reader, &now, is_new ? NULL : &reader->other.frames);
	if (reader->reattached == reattached)
		swap_names(reader);
	else
		reader_note_other(reader, true);
	return result;
}

COLD void reader_note_other(struct reader *reader, bool lives)
{
	struct reader_other *other = &reader->other;
	struct segment_identity now;

	if (other->path[0] == '\0')
		return;
	other->counted = false;
	other->known = other->latest;
	other->latest =
		segment_name_leads(other->path, &reader->identity, &now) != SEGMENT_NAME_GONE ? now : SEGMENT_NONE;
	if (lives)
		other->known = other->latest;
}

COLD int reader_look_for_successor(struct reader *reader)
{
	struct segment_identity now;

	if (segment_name_leads(reader->path, &reader->identity, &now) != SEGMENT_NAME_OTHER)
		return look_at_other(reader);
	if (reader->fate == READER_DEAD && !reader->reconnect) { /* replaced: it will not come back */
		reader->fate = READER_CLOSED;
		reader->told = false;
		return 0;
	}
	if (!reader->reconnect || segment_same(&now, &reader->refused))
		return look_at_other(reader);
	return go_over(reader, &now, NULL);
}
