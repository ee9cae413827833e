/* SPDX-License-Identifier: Apache-2.0 */
#include "takeover.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "beginning.h"
#include "log.h"
#include "probes.h"

#define ATTEMPTS 20        /* rings may come and go while we start */
#define CLAIM_ATTEMPTS 200 /* from claiming a ring to signing it takes less */
#define CLAIM_EVERY_NS 5000000

enum taking { TAKEN, NOTHING_THERE, TRY_AGAIN, CLAIMED, REFUSED };

/* Returns whether the hold belongs to a live writer, as it does if who it is can't be read. */
static bool holder_lives(const struct writer *writer, int fd, const struct segment_identity *identity)
{
	struct segment_survey survey;

	if (!segment_is_held(fd))
		return false;
	if (segment_survey(fd, writer->path, identity->size, &survey) != 0)
		return errno != EPROTO && errno != EAGAIN;
	return survey.writer.pid != 0 && !process_gone(&survey.writer);
}

/*
 * Returns whether somebody has what looks as a version 1 writer begins a ring: he may be just making it, or
 * it is something else of his, since its bytes prove nothing.
 */
static bool beginning_in_use(const struct writer *writer, int fd, const struct segment_identity *identity,
							 bool claimed)
{
	struct segment_survey survey;

	return segment_survey(fd, writer->path, identity->size, &survey) != 0 && errno == EAGAIN &&
		   (!claimed || !segment_hold(fd) || beginning_is_used(fd));
}

void writer_await_claim(void)
{
	const struct timespec pause = {.tv_nsec = CLAIM_EVERY_NS};

	(void)nanosleep(&pause, NULL);
}

/* What an earlier writer counted goes on. */
static void inherit(struct writer *writer, const struct layout_extension *extension)
{
	writer->epoch = atomic_load_explicit(&extension->epoch, memory_order_relaxed) + 1;
	writer->remade = atomic_load_explicit(&extension->remade, memory_order_relaxed);
	writer->rearmed_before = atomic_load_explicit(&extension->rearmed, memory_order_relaxed);
	writer->dropped[WRITER_DROP_BUSY] = atomic_load_explicit(&extension->dropped_busy, memory_order_relaxed);
	writer->dropped[WRITER_DROP_TOO_LARGE] =
		atomic_load_explicit(&extension->dropped_too_large, memory_order_relaxed);
	writer->dropped[WRITER_DROP_NO_SPACE] =
		atomic_load_explicit(&extension->dropped_no_space, memory_order_relaxed);
}

/* Replaces the old ring by a new one, and tells its readers once the new one is there. */
static int replace(struct writer *writer, int fd, const struct segment_survey *survey,
				   const struct segment_identity *old, const struct geometry *geometry)
{
	struct writer former = {.ops = writer->ops, .fd = -1};
	void *base;

	inherit(writer, &survey->extension);
	if (writer_build(writer, geometry, old) != 0)
		return -1;
	if (survey->geometry.extension_offset == 0 || (base = segment_map(fd, old->size, true)) == NULL)
		return 0;
	ring_place(&former.ring, base, &survey->geometry);
	former.ring.geometry.object_size = old->size;
	writer_mark_closed(&former);
	writer_let_go(&former);
	return 0;
}

/* Takes over a ring of the same geometry in place, so that its readers stay. */
static int reuse(struct writer *writer, int fd, const struct segment_survey *survey)
{
	if (writer_map(writer, fd, &survey->geometry) != 0) {
		writer_let_go(writer);
		return -1;
	}
	(void)segment_permit(fd, writer->mode, writer->group);
	ring_recover(&writer->ring, &writer->counts);
	inherit(writer, &survey->extension);
	writer_sign(writer);
	writer_open_semaphores(writer, false);
	writer_wake(writer, LAYOUT_WAKE_ALL);
	return 0;
}

/* Takes the ring that is open as fd, to which nobody writes. held: the hold is ours. */
static int take(struct writer *writer, int fd, const struct segment_identity *identity,
				const struct geometry *geometry, bool held)
{
	struct segment_survey survey;

	if (segment_survey(fd, writer->path, identity->size, &survey) != 0 && errno != EAGAIN)
		return -1;
	/* EAGAIN: a version 1 writer began it, and is gone or will lose its name as version 1 writers do. */
	if (held && survey.geometry.extension_offset != 0 && geometry_same(&survey.geometry, geometry) &&
		identity->uid == geteuid() &&
		atomic_load_explicit(&survey.extension.state, memory_order_relaxed) != VIDEO_SHM_STATE_CLOSED)
		return reuse(writer, fd, &survey);
	writer->counts.frames = atomic_load_explicit(&survey.header.frame_count, memory_order_relaxed);
	if (survey.geometry.extension_offset != 0)
		writer->counts = (struct ring_counts){
			.frames = atomic_load_explicit(&survey.extension.frames, memory_order_relaxed),
			.keyframes = atomic_load_explicit(&survey.extension.keyframes, memory_order_relaxed),
			.bytes = atomic_load_explicit(&survey.extension.bytes, memory_order_relaxed),
		};
	if (replace(writer, fd, &survey, identity, geometry) != 0)
		return -1;
	log_line(VIDEO_SHM_LOG_INFO, "%s: replaced, numbering goes on at %llu", writer->path,
			 (unsigned long long)writer->counts.frames);
	return 0;
}

/* Takes the ring that is open as fd, unless a live writer has it. */
static enum taking take_open(struct writer *writer, int fd, const struct segment_identity *identity,
							 const struct geometry *geometry, bool busy)
{
	struct segment_identity now;
	bool held = !busy && segment_hold(fd);

	busy = busy || (!held && holder_lives(writer, fd, identity));
	if (busy) {
		errno = EBUSY;
		return REFUSED;
	}
	held = held || segment_hold(fd); /* the holder may have died meanwhile */
	if (segment_name_leads(writer->path, identity, &now) != SEGMENT_NAME_SAME)
		return TRY_AGAIN; /* it was removed or replaced meanwhile */
	if (take(writer, fd, &now, geometry, held) == 0)
		return TAKEN;
	return errno == EEXIST || errno == ENOENT ? TRY_AGAIN : REFUSED;
}

/*
 * Of two processes that find a dead writer's ring, one with the hold and one that just missed it, both could
 * become its writer. So only the one with the claim goes on; the other tries again later, and keeps nothing
 * open meanwhile. It does not wait for ever for somebody who keeps the claim.
 */
static enum taking take_over(struct writer *writer, const struct geometry *geometry)
{
	struct segment_identity identity;
	enum taking taking = CLAIMED;
	bool claimed, in_use, busy;
	int error;
	const int fd = segment_open(writer->path, O_RDWR, &identity);

	if (fd < 0)
		return errno == ENOENT ? NOTHING_THERE : REFUSED;
	claimed = segment_claim(fd);
	in_use = beginning_in_use(writer, fd, &identity, claimed);
	busy = in_use || (!claimed && holder_lives(writer, fd, &identity));
	/* Who has a beginning may just be looking, or done with it in a moment. */
	if ((!in_use && (claimed || busy)) || writer->claim_looks++ >= CLAIM_ATTEMPTS)
		taking = take_open(writer, fd, &identity, geometry, busy);
	error = errno;
	segment_unclaim(fd); /* the pin of a reused ring keeps the hold, and would keep the claim too */
	(void)close(fd);
	errno = error;
	return taking;
}

int writer_open(struct writer *writer, const struct geometry *geometry)
{
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		memset(&writer->counts, 0, sizeof(writer->counts));
		writer->epoch = 1;
		switch (take_over(writer, geometry)) {
		case TAKEN:
			writer->fresh = writer->counts.frames > 0;
			PROBE_ATTACH(writer->identity.inode, writer->counts.frames);
			return 0;
		case CLAIMED:
			return WRITER_CLAIMED;
		case REFUSED:
			return -1;
		case NOTHING_THERE:
			if (writer_build(writer, geometry, NULL) == 0)
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
