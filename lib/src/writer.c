/* SPDX-License-Identifier: Apache-2.0 */
#include "writer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "probes.h"
#include "shared.h"

#define LOOK_EVERY_NS 500000000u
#define ATTEMPTS 20         /* rings may come and go while we start */
#define PATIENCE_NS 5000000 /* times ATTEMPTS: from taking the hold to signing it takes less */
#define ALL_BITS UINT32_MAX

enum taking { TAKEN, NOTHING_THERE, TRY_AGAIN, REFUSED };

void writer_wake(struct writer *writer, uint32_t bits)
{
	ring_signal(&writer->ring);
	writer->ops->wake(&writer->ring.extension->signal, bits);
	semaphores_signal(&writer->semaphores,
					  atomic_load_explicit(&writer->ring.header->active_readers, memory_order_relaxed));
}

void writer_publish_drops(struct writer *writer)
{
	struct layout_extension *extension = writer->ring.extension;
	_Atomic uint64_t *const published[WRITER_DROP_CAUSES] = {
		&extension->dropped_busy, &extension->dropped_too_large, &extension->dropped_no_space};
	uint64_t sum = 0;

	for (int cause = 0; cause < WRITER_DROP_CAUSES; cause++) {
		const uint64_t drops = atomic_load_explicit(&writer->dropped[cause], memory_order_relaxed);

		sum += drops;
		if (atomic_load_explicit(published[cause], memory_order_relaxed) != drops)
			shared_store64(published[cause], drops, memory_order_relaxed);
	}
	if (atomic_load_explicit(&writer->ring.header->dropped_frames, memory_order_relaxed) != (uint32_t)sum)
		shared_store32(&writer->ring.header->dropped_frames, (uint32_t)sum, memory_order_relaxed);
	if (atomic_load_explicit(&extension->rearmed, memory_order_relaxed) !=
		writer->rearmed_before + writer->semaphores.rearmed)
		shared_store64(&extension->rearmed, writer->rearmed_before + writer->semaphores.rearmed,
					   memory_order_relaxed);
}

static void store_clock_offset(struct writer *writer, uint64_t now_ns)
{
	atomic_store_explicit(&writer->ring.extension->realtime_offset_ns, (int64_t)(wait_wall_clock() - now_ns),
						  memory_order_relaxed);
	crash_point();
}

/* Signs the ring: from here on readers take this process for its writer. */
static void sign(struct writer *writer)
{
	struct layout_extension *extension = writer->ring.extension;
	const uint64_t now_ns = writer->ops->now();

	process_self(&writer->self);
	writer->next_look_ns = now_ns + LOOK_EVERY_NS;
	shared_store64(&extension->writer_start, writer->self.start, memory_order_relaxed);
	shared_store64(&extension->writer_pid_ns, writer->self.pid_ns, memory_order_relaxed);
	shared_store32(&extension->writer_pid, writer->self.pid, memory_order_relaxed);
	shared_store32(&extension->v1_signals, writer->semaphores.read != NULL, memory_order_relaxed);
	shared_store64(&extension->remade, writer->remade, memory_order_relaxed);
	store_clock_offset(writer, now_ns);
	writer_publish_drops(writer);
	shared_store32(&extension->state, VIDEO_SHM_STATE_LIVE, memory_order_relaxed);
	/* Last, with release: a reader that sees the new epoch sees a ring that is in order. */
	shared_store32(&extension->epoch, writer->epoch, memory_order_release);
}

static void let_go(struct writer *writer)
{
	const int error = errno;

	if (writer->ring.base != NULL)
		(void)munmap(writer->ring.base, (size_t)writer->ring.geometry.object_size);
	if (writer->hold_fd >= 0)
		(void)close(writer->hold_fd);
	writer->ring.base = NULL;
	writer->hold_fd = -1;
	errno = error;
}

static void mark_closed(struct writer *writer)
{
	shared_store32(&writer->ring.extension->state, VIDEO_SHM_STATE_CLOSED, memory_order_release);
	writer_wake(writer, ALL_BITS);
}

/* Only once the ring is ours beyond doubt: nobody else's semaphores may be touched. */
static void open_semaphores(struct writer *writer)
{
	semaphores_open(&writer->semaphores, strrchr(writer->path, '/') + 1, writer->mode, writer->group);
	shared_store32(&writer->ring.extension->v1_signals, writer->semaphores.read != NULL,
				   memory_order_relaxed);
	writer_publish_drops(writer);
}

/* Maps the object of writer->hold_fd. 0 or -1. */
static int map(struct writer *writer, const struct geometry *geometry)
{
	void *base = segment_map(writer->hold_fd, geometry->object_size, true);

	if (base == NULL)
		return -1;
	ring_place(&writer->ring, base, geometry);
	return segment_identify(writer->hold_fd, &writer->identity);
}

/* Builds a ring that goes on at writer->counts, and gives it its name once it is whole, held and signed. */
static int build(struct writer *writer, const struct geometry *geometry)
{
	writer->hold_fd = segment_build(geometry->object_size, writer->mode, writer->group);
	if (writer->hold_fd < 0)
		return -1;
	if (map(writer, geometry) == 0 && segment_hold(writer->hold_fd)) {
		ring_format(&writer->ring, &writer->counts);
		sign(writer);
		if (segment_link(writer->hold_fd, writer->path) == 0) {
			open_semaphores(writer);
			return 0;
		}
	}
	let_go(writer);
	return -1;
}

/* Whether the one who keeps us from the hold is a writer, and lives. */
static bool holder_lives(int fd, const struct segment_identity *identity)
{
	const struct timespec pause = {.tv_nsec = PATIENCE_NS};
	struct segment_survey survey;

	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		if (!segment_is_held(fd))
			return false; /* only a reader's lock, or he is just leaving */
		if (segment_survey(fd, identity->size, &survey) == 0 && survey.writer.pid != 0 &&
			!process_gone(&survey.writer))
			return true;
		(void)nanosleep(&pause, NULL); /* he may have just taken it, and not signed yet */
	}
	return false;
}

/* The old ring of our name goes, a new one comes. Its readers are told when their successor is there. */
static int replace(struct writer *writer, int fd, const struct segment_survey *survey,
				   const struct segment_identity *old, const struct geometry *geometry)
{
	struct segment_identity now;
	struct writer former = {.ops = writer->ops, .hold_fd = -1};
	void *base;

	writer->epoch = atomic_load_explicit(&survey->extension.epoch, memory_order_relaxed) + 1;
	if (segment_name_leads(writer->path, old, &now) == SEGMENT_NAME_SAME && unlink(writer->path) != 0)
		return -1;
	if (build(writer, geometry) != 0)
		return -1;
	if (survey->geometry.extension_offset == 0 || (base = segment_map(fd, old->size, true)) == NULL)
		return 0;
	ring_place(&former.ring, base, &survey->geometry);
	former.ring.geometry.object_size = old->size;
	mark_closed(&former);
	let_go(&former);
	return 0;
}

/* Takes over a ring that fits, where it lies: its readers stay. */
static int reuse(struct writer *writer, int fd, const struct segment_survey *survey)
{
	const struct layout_extension *extension = &survey->extension;

	writer->hold_fd = fd;
	if (map(writer, &survey->geometry) != 0) {
		writer->hold_fd = -1;
		return -1;
	}
	(void)segment_permit(fd, writer->mode, writer->group);
	ring_recover(&writer->ring, &writer->counts);
	writer->epoch = atomic_load_explicit(&extension->epoch, memory_order_relaxed) + 1;
	writer->remade = atomic_load_explicit(&extension->remade, memory_order_relaxed);
	writer->rearmed_before = atomic_load_explicit(&extension->rearmed, memory_order_relaxed);
	writer->dropped[WRITER_DROP_BUSY] = atomic_load_explicit(&extension->dropped_busy, memory_order_relaxed);
	writer->dropped[WRITER_DROP_TOO_LARGE] =
		atomic_load_explicit(&extension->dropped_too_large, memory_order_relaxed);
	writer->dropped[WRITER_DROP_NO_SPACE] =
		atomic_load_explicit(&extension->dropped_no_space, memory_order_relaxed);
	sign(writer);
	open_semaphores(writer);
	writer_wake(writer, ALL_BITS);
	return 0;
}

/* A ring of that name is there, open as fd, and nobody writes to it. *keep: fd is now the writer's. */
static int take(struct writer *writer, int fd, const struct segment_identity *identity,
				const struct geometry *geometry, bool held, bool *keep)
{
	struct segment_survey survey;

	if (segment_survey(fd, identity->size, &survey) != 0 && errno != EAGAIN)
		return -1;
	/* EAGAIN: a version 1 writer began it, and is gone or will lose its name as version 1 writers do. */
	if (held && survey.geometry.extension_offset != 0 && geometry_same(&survey.geometry, geometry) &&
		identity->uid == geteuid() &&
		atomic_load_explicit(&survey.extension.state, memory_order_relaxed) != VIDEO_SHM_STATE_CLOSED) {
		*keep = true;
		return reuse(writer, fd, &survey);
	}
	writer->counts.frames = atomic_load_explicit(&survey.header.frame_count, memory_order_relaxed);
	if (survey.geometry.extension_offset != 0)
		writer->counts = (struct ring_counts){
			.frames = atomic_load_explicit(&survey.extension.frames, memory_order_relaxed),
			.keyframes = atomic_load_explicit(&survey.extension.keyframes, memory_order_relaxed),
			.bytes = atomic_load_explicit(&survey.extension.bytes, memory_order_relaxed),
		};
	log_line(VIDEO_SHM_LOG_INFO, "%s: replaced, numbering goes on at %llu", writer->path,
			 (unsigned long long)writer->counts.frames);
	return replace(writer, fd, &survey, identity, geometry);
}

static enum taking take_over(struct writer *writer, const struct geometry *geometry)
{
	struct segment_identity identity, now;
	bool keep = false, held;
	int result, error;
	const int fd = segment_open(writer->path, O_RDWR, &identity);

	if (fd < 0)
		return errno == ENOENT ? NOTHING_THERE : REFUSED;
	held = segment_hold(fd);
	if (!held && holder_lives(fd, &identity)) {
		(void)close(fd);
		errno = EBUSY;
		return REFUSED;
	}
	if (segment_name_leads(writer->path, &identity, &now) != SEGMENT_NAME_SAME) {
		(void)close(fd); /* it went while we took hold of it */
		return TRY_AGAIN;
	}
	result = take(writer, fd, &now, geometry, held, &keep);
	error = errno;
	if (!keep || result != 0)
		(void)close(fd);
	errno = error;
	if (result == 0)
		return TAKEN;
	return error == EEXIST || error == ENOENT ? TRY_AGAIN : REFUSED;
}

int writer_open(struct writer *writer, const struct geometry *geometry)
{
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		memset(&writer->counts, 0, sizeof(writer->counts));
		writer->epoch = 1;
		switch (take_over(writer, geometry)) {
		case TAKEN:
			PROBE_ATTACH(writer->identity.inode, writer->counts.frames);
			return 0;
		case REFUSED:
			return -1;
		case NOTHING_THERE:
			if (build(writer, geometry) == 0)
				return 0;
			if (errno != EEXIST)
				return -1;
			break;
		case TRY_AGAIN:
			break;
		}
	}
	errno = EBUSY;
	return -1;
}

/* The name is gone, as when logind removes a user's objects: readers that come later need one. */
static void remake(struct writer *writer)
{
	struct writer former = {.ring = writer->ring, .hold_fd = writer->hold_fd, .ops = writer->ops};
	const struct geometry geometry = writer->ring.geometry;
	const struct semaphores semaphores = writer->semaphores;

	writer->rearmed_before += semaphores.rearmed;
	memset(&writer->semaphores, 0, sizeof(writer->semaphores));
	writer->remade++;
	writer->epoch++;
	if (build(writer, &geometry) != 0) {
		const int error = errno;

		writer->ring = former.ring;
		writer->hold_fd = former.hold_fd;
		writer->semaphores = semaphores;
		writer->rearmed_before -= semaphores.rearmed;
		writer->remade--;
		writer->epoch--;
		writer->state = error == EEXIST ? WRITER_STALE : WRITER_NAMELESS;
		log_line(VIDEO_SHM_LOG_WARNING, "%s: its name is gone, and it can't be made anew: %s", writer->path,
				 strerror(error));
		return;
	}
	former.semaphores = semaphores;
	semaphores_close(&former.semaphores, false);
	mark_closed(&former);
	let_go(&former);
	writer->state = WRITER_LIVE;
	log_line(VIDEO_SHM_LOG_WARNING, "%s: its name was gone; made anew", writer->path);
}

void writer_look(struct writer *writer, uint64_t now_ns)
{
	struct segment_identity now;

	writer->next_look_ns = now_ns + LOOK_EVERY_NS;
	switch (segment_name_leads(writer->path, &writer->identity, &now)) {
	case SEGMENT_NAME_SAME:
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
		mark_closed(writer);
	}
}

void writer_close(struct writer *writer)
{
	struct segment_identity now;
	bool ours;

	if (writer->state != WRITER_FORKED && writer->ring.base != NULL) {
		mark_closed(writer);
		ours = segment_name_leads(writer->path, &writer->identity, &now) == SEGMENT_NAME_SAME;
		if (ours)
			(void)unlink(writer->path);
		semaphores_close(&writer->semaphores, ours);
	}
	let_go(writer);
}
