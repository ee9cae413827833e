/* SPDX-License-Identifier: Apache-2.0 */
#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "descriptor.h"
#include "log.h"
#include "hot.h"
#include "shared.h"

#define LOOK_EVERY_NS 500000000u

HOT void writer_wake(struct writer *writer, uint32_t bits)
{
	ring_signal(&writer->ring);
	writer->ops->wake(&writer->ring.extension->signal, bits);
	semaphores_signal(&writer->semaphores,
					  atomic_load_explicit(&writer->ring.header->active_readers, memory_order_relaxed));
}

COLD static void store_drops(struct writer *writer, uint64_t sum, uint64_t rearmed)
{
	struct layout_extension *extension = writer->ring.extension;
	_Atomic uint64_t *const published[WRITER_DROP_CAUSES] = {
		&extension->dropped_busy, &extension->dropped_too_large, &extension->dropped_no_space};

	writer->published_drops = sum + rearmed;
	for (int cause = 0; cause < WRITER_DROP_CAUSES; cause++) {
		shared_store64(published[cause], atomic_load_explicit(&writer->dropped[cause], memory_order_relaxed),
					   memory_order_relaxed);
	}
	shared_store32(&writer->ring.header->dropped_frames, (uint32_t)sum, memory_order_relaxed);
	shared_store64(&extension->rearmed, rearmed, memory_order_relaxed);
}

HOT void writer_publish_drops(struct writer *writer)
{
	const uint64_t rearmed = writer->rearmed_before + writer->semaphores.rearmed;
	uint64_t sum = 0;

	for (int cause = 0; cause < WRITER_DROP_CAUSES; cause++)
		sum += atomic_load_explicit(&writer->dropped[cause], memory_order_relaxed);
	if (sum + rearmed ==
		writer->published_drops) /* nothing has changed, and the ring's own counters are not in the cache */
		return;
	store_drops(writer, sum, rearmed);
}

static void store_clock_offset(struct writer *writer, uint64_t now_ns)
{
	writer->realtime_offset_ns = (int64_t)(wait_wall_clock() - now_ns);
	atomic_store_explicit(&writer->ring.extension->realtime_offset_ns,
						  writer->realtime_offset_ns + (int64_t)writer->clock_shift_ns, memory_order_relaxed);
	crash_point();
}

void writer_sign(struct writer *writer)
{
	struct layout_extension *extension = writer->ring.extension;
	const uint64_t now_ns = writer->ops->now();

	process_self(&writer->self);
	writer->clock_shift_ns = process_clock_shift_ns();
	writer->next_look_ns = now_ns + LOOK_EVERY_NS;
	shared_store64(&extension->writer_start, writer->self.start, memory_order_relaxed);
	shared_store64(&extension->writer_pid_ns, writer->self.pid_ns, memory_order_relaxed);
	shared_store32(&extension->writer_pid, writer->self.pid, memory_order_relaxed);
	shared_store32(&extension->v1_signals, writer->semaphores.read != NULL, memory_order_relaxed);
	shared_store64(&extension->remade, writer->remade, memory_order_relaxed);
	store_clock_offset(writer, now_ns);
	writer->published_drops = UINT64_MAX; /* not in this ring */
	writer_publish_drops(writer);
	shared_store32(&extension->state, VIDEO_SHM_STATE_LIVE, memory_order_relaxed);
	/* Last, with release: a reader that sees the new epoch sees a consistent ring. */
	shared_store32(&extension->epoch, writer->epoch, memory_order_release);
}

void writer_let_go(struct writer *writer)
{
	const int error = errno;

	if (writer->ring.base != NULL)
		(void)munmap(writer->ring.base, (size_t)writer->ring.geometry.object_size);
	descriptor_close(writer->fd, &writer->identity);
	segment_unpin(writer->pin);
	writer->ring.base = writer->pin = NULL;
	writer->fd = -1;
	errno = error;
}

void writer_mark_closed(struct writer *writer)
{
	shared_store32(&writer->ring.extension->state, VIDEO_SHM_STATE_CLOSED, memory_order_release);
	writer_wake(writer, LAYOUT_WAKE_ALL);
}

void writer_open_semaphores(struct writer *writer, bool fresh)
{
	semaphores_open(&writer->semaphores, strrchr(writer->path, '/') + 1, writer->mode, writer->group, fresh);
	shared_store32(&writer->ring.extension->v1_signals, writer->semaphores.read != NULL,
				   memory_order_relaxed);
	writer_publish_drops(writer);
}

/* Keeps the locks of fd, by a mapping where one does, and sets writer->fd. Returns 0 or -1. */
static int keep_locks(struct writer *writer, int fd)
{
	if (!segment_can_pin(fd)) {
		writer->fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	} else {
		writer->pin = segment_pin(fd);
		/* The ring is mapped through an open file without a lock, since a child may keep that mapping. */
		writer->fd = writer->pin != NULL ? segment_reopen(fd) : -1;
	}
	return writer->fd >= 0 ? 0 : -1;
}

int writer_map(struct writer *writer, int fd, const struct geometry *geometry)
{
	void *base;

	if (segment_identify(fd, &writer->identity) != 0 || keep_locks(writer, fd) != 0)
		return -1;
	base = segment_map(writer->fd, geometry->object_size, true);
	if (base == NULL)
		return -1;
	ring_place(&writer->ring, base, geometry);
	return 0;
}

/* Removes the name of the former ring, which ours gets next. */
static int clear_name(const struct writer *writer, const struct segment_identity *instead_of)
{
	struct segment_identity now;

	if (instead_of == NULL || segment_name_leads(writer->path, instead_of, &now) != SEGMENT_NAME_SAME ||
		unlink(writer->path) == 0)
		return 0;
	errno = errno == EPERM ? EACCES : errno; /* somebody else's file, in a directory with the sticky bit */
	return -1;
}

int writer_build(struct writer *writer, const struct geometry *geometry,
				 const struct segment_identity *instead_of)
{
	const int fd = segment_build(geometry->object_size, writer->mode, writer->group);
	bool built = false;
	int error;

	if (fd < 0)
		return -1;
	if (writer_map(writer, fd, geometry) == 0 && segment_hold(fd)) {
		ring_format(&writer->ring, &writer->counts);
		writer_sign(writer);
		built = clear_name(writer, instead_of) == 0 && segment_link(fd, writer->path) == 0;
	}
	error = errno;
	(void)close(fd);
	errno = error;
	if (!built) {
		writer_let_go(writer);
		return -1;
	}
	writer_open_semaphores(writer, true);
	return 0;
}

/* Makes the ring anew after its name was removed, as by logind at logout: later readers need the name. */
static void remake(struct writer *writer)
{
	struct writer former = {.ring = writer->ring,
							.identity = writer->identity,
							.pin = writer->pin,
							.fd = writer->fd,
							.ops = writer->ops};
	const struct geometry geometry = writer->ring.geometry;
	const struct semaphores semaphores = writer->semaphores;

	writer->rearmed_before += semaphores.rearmed;
	memset(&writer->semaphores, 0, sizeof(writer->semaphores));
	writer->ring.base = writer->pin = NULL; /* the former ring stays mapped whatever happens to the new one */
	writer->fd = -1;
	writer->remade++;
	writer->epoch++;
	if (writer_build(writer, &geometry, NULL) != 0) {
		const int error = errno;

		writer->ring = former.ring;
		writer->identity = former.identity;
		writer->pin = former.pin;
		writer->fd = former.fd;
		writer->semaphores = semaphores;
		writer->rearmed_before -= semaphores.rearmed;
		writer->remade--;
		writer->epoch--;
		writer->state = error == EEXIST ? WRITER_STALE : WRITER_NAMELESS;
		log_line(VIDEO_SHM_LOG_WARNING, "%s: its name is gone, and it can't be made anew: %s", writer->path,
				 strerror(error));
		return;
	}
	writer->former = semaphores;
	writer_mark_closed(&former);
	writer_let_go(&former);
	writer->state = WRITER_LIVE;
	log_line(VIDEO_SHM_LOG_WARNING, "%s: its name was gone; made anew", writer->path);
}

/* Returns whether another writer may have taken the ring over in place: only a lock that nothing pins is ever
 * lost. */
static bool is_taken(const struct writer *writer)
{
	return writer->pin == NULL &&
		   atomic_load_explicit(&writer->ring.extension->epoch, memory_order_acquire) != writer->epoch;
}

/* Takes the hold again where it was lost with the descriptor that the program has closed. */
static void hold_again(struct writer *writer)
{
	if (writer->pin == NULL && !is_taken(writer) &&
		descriptor_regain(&writer->fd, writer->path, O_RDWR, &writer->identity) >= 0)
		(void)segment_hold(writer->fd);
}

void writer_look(struct writer *writer, uint64_t now_ns)
{
	struct segment_identity now;

	writer->next_look_ns = now_ns + LOOK_EVERY_NS;
	switch (segment_name_leads(writer->path, &writer->identity, &now)) {
	case SEGMENT_NAME_SAME:
		hold_again(writer);
		if (is_taken(writer)) {
			writer->state = WRITER_STALE;
			log_line(VIDEO_SHM_LOG_WARNING,
					 "%s: the program has closed its lock's descriptor, and another writer has it now",
					 writer->path);
			return;
		}
		store_clock_offset(writer, now_ns);
		return;
	case SEGMENT_NAME_GONE:
		remake(writer);
		break;
	case SEGMENT_NAME_OTHER:
		writer->state = WRITER_STALE;
		break;
	}
	if (writer->state == WRITER_STALE) {
		log_line(VIDEO_SHM_LOG_WARNING, "%s: the name now leads to somebody else's ring; ours is closed",
				 writer->path);
		writer_mark_closed(writer);
	}
}

void writer_close(struct writer *writer)
{
	struct segment_identity now;
	bool ours;

	if (writer->state != WRITER_FORKED && writer->ring.base != NULL && !is_taken(writer)) {
		writer_mark_closed(writer);
		ours = segment_name_leads(writer->path, &writer->identity, &now) == SEGMENT_NAME_SAME;
		if (ours) {
			(void)unlink(writer->path);
			semaphores_remove(&writer->semaphores);
		}
		writer->former = writer->semaphores;
	} else {
		semaphores_forget(&writer->semaphores);
	}
	writer_let_go(writer);
}
