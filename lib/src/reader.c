/* SPDX-License-Identifier: Apache-2.0 */
#include "reader.h"

#include <errno.h>
#include <sys/mman.h>

#include "attachment.h"
#include "cancel.h"
#include "hot.h"
#include "log.h"
#include "mask.h"
#include "probes.h"

#define MS 1000000u
#define LOOK_EVERY_NS (450u * MS)   /* so that a dead writer is noticed within a second */
#define SEARCH_EVERY_NS (100u * MS) /* for a successor of a closed ring */
#define SILENT_LOOKS 3u             /* looks after which a version 1 writer may be dead */
#define SHARP_LOOKS 2u         /* full looks after the last frame, since a dying writer falls silent first */
#define FULL_LOOK_EVERY 8u     /* every so many later looks is a full one, to notice a reused pid */
#define POLL_SOON_NS (2u * MS) /* while frames come at a camera's rate */
#define POLL_LAST_NS (200u * MS)
#define POLL_SHARE 16u /* later, this share of the time without a frame */

/* ---- the writer's life ---- */

HOT static bool is_closed(const struct reader *reader)
{
	return reader->ring.extension != NULL &&
		   atomic_load_explicit(&reader->ring.extension->state, memory_order_acquire) ==
			   VIDEO_SHM_STATE_CLOSED;
}

/* Returns whether nobody has the writer's hold. If the program has closed our descriptor, its number may
 * belong to another file by now. So a free hold is always checked again, and a taken one only now and then,
 * as each call costs time on a silent ring. */
COLD static bool is_free(struct reader *reader, bool sharp)
{
	if (!sharp && segment_is_held(reader->fd))
		return false;
	return reader_descriptor(reader) >= 0 && !segment_is_held(reader->fd);
}

COLD static bool writer_is_gone(struct reader *reader)
{
	const bool sharp = reader->looks <= SHARP_LOOKS || reader->looks % FULL_LOOK_EVERY == 0;
	const struct layout_extension *extension = reader->ring.extension;
	const struct process writer = {
		.pid = atomic_load_explicit(&extension->writer_pid, memory_order_relaxed),
		.start = atomic_load_explicit(&extension->writer_start, memory_order_relaxed),
		.pid_ns = atomic_load_explicit(&extension->writer_pid_ns, memory_order_relaxed),
	};

	if (is_free(reader, sharp))
		return true;
	/* A child may keep the hold of a dead writer of an earlier version, or of one that was emulated. */
	return sharp ? process_gone(&writer) : process_gone_at_a_glance(&writer, reader->pid_ns);
}

/* Puts empty memory in place of an object that was shrunk under us, for a touch of it would fault. */
COLD static void empty(struct reader *reader)
{
	reader->emptied = true;
	(void)mmap(reader->ring.base, (size_t)reader->ring.geometry.object_size, PROT_READ,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
}

/* Returns whether the mapping is still a ring of the same geometry. */
COLD static bool is_intact(struct reader *reader, const struct segment_identity *now)
{
	const struct layout_header *header = reader->ring.header;

	if (now->size < reader->ring.geometry.object_size)
		empty(reader);
	return !reader->emptied &&
		   atomic_load_explicit(&header->magic, memory_order_relaxed) == VIDEO_SHM_MAGIC &&
		   atomic_load_explicit(&header->version, memory_order_relaxed) == reader->ring.geometry.version;
}

COLD static void end(struct reader *reader, enum reader_fate fate)
{
	reader->fate = fate;
	reader->told = false;
	reader->next_look_ns = 0; /* its successor may be there already */
	PROBE_WRITER_LOST(reader->ring.extension != NULL
						  ? atomic_load_explicit(&reader->ring.extension->writer_pid, memory_order_relaxed)
						  : 0,
					  fate);
}

/* Checks name, size, magic, inode, and the writer's hold. */
COLD static void look_at_health(struct reader *reader)
{
	struct segment_identity now = reader->identity;
	const enum segment_name name = segment_name_leads(reader->path, &reader->identity, &now);

	reader->looks++;
	if (name != SEGMENT_NAME_SAME &&
		(reader_descriptor(reader) < 0 || segment_identify(reader->fd, &now) != 0))
		now.size = 0; /* its size is not known */
	if (!is_intact(reader, &now) || name == SEGMENT_NAME_OTHER)
		end(reader, READER_CLOSED);
	else if (reader->ring.extension == NULL) {
		if (name == SEGMENT_NAME_GONE) /* a version 1 writer leaves by unlinking */
			end(reader, READER_CLOSED);
	} else if (!is_closed(reader) && writer_is_gone(reader) && !is_closed(reader))
		end(reader, READER_DEAD); /* checked twice: a closing writer gives up its hold last */
}

/* ---- waiting ---- */

/* Notes that a writer has taken the ring over. */
COLD static void new_epoch(struct reader *reader, uint32_t epoch)
{
	reader->epoch = epoch;
	if (reader->fate == READER_DEAD)
		reader->fate = READER_FOLLOWS;
	cursor_restart(&reader->cursor);
}

HOT static void notice_epoch(struct reader *reader)
{
	uint32_t epoch;

	if (reader->ring.extension == NULL)
		return;
	epoch = atomic_load_explicit(&reader->ring.extension->epoch, memory_order_acquire);
	if (epoch != reader->epoch)
		new_epoch(reader, epoch);
}

HOT bool reader_has_news(const struct reader *reader)
{
	if (reader->refusal)
		return true;
	if (reader->fate == READER_FOLLOWS || reader->as_original)
		return false;
	return !reader->told || (reader->fate == READER_CLOSED && !reader->reconnect);
}

/* Reports what became of the ring, once all whole frames have been read. */
COLD static int tell(struct reader *reader)
{
	if (reader->refusal) {
		reader->refusal = false;
		errno = EPROTO;
	} else {
		reader->told = true;
		errno = reader->fate == READER_DEAD ? EOWNERDEAD : EPIPE;
	}
	return -1;
}

HOT uint32_t reader_wanted_bits(const struct reader *reader)
{
	const bool keyframes = reader->cursor.policy == VIDEO_SHM_POLICY_KEYFRAMES;

	return (keyframes ? LAYOUT_WAKE_KEYFRAME : LAYOUT_WAKE_FRAME) | LAYOUT_WAKE_STATE | reader->own_bit;
}

HOT void reader_poll_more_seldom(struct reader *reader)
{
	reader->poll_ns += reader->poll_ns < POLL_SOON_NS ? reader->poll_ns : reader->poll_ns / POLL_SHARE;
	if (reader->poll_ns > POLL_LAST_NS)
		reader->poll_ns = POLL_LAST_NS;
}

/* Sleeps until something happens, or it is time to look again. 0, or -1 with EINTR. */
HOT static int sleep_until(struct reader *reader, uint64_t now_ns, uint64_t until_ns, uint32_t signal)
{
	if (reader->ring.extension != NULL) {
		const int result =
			reader->ops->wait(&reader->ring.extension->signal, signal, until_ns, reader_wanted_bits(reader));

		hot_fetch(reader, READER_HOT_BYTES);
		return result;
	}
	/* Version 1: its semaphore is not ours to take from, so we come and look. */
	if (until_ns >= now_ns + reader->poll_ns) {
		until_ns = now_ns + reader->poll_ns;
		reader_poll_more_seldom(reader);
	}
	return reader->ops->wait(&reader->interrupted, 0, until_ns, UINT32_MAX);
}

HOT static bool take_interrupt(struct reader *reader)
{
	if (atomic_load_explicit(&reader->interrupted, memory_order_relaxed) == 0 ||
		atomic_exchange_explicit(&reader->interrupted, 0, memory_order_relaxed) == 0)
		return false;
	errno = EINTR;
	return true;
}

COLD int reader_look_around(struct reader *reader, uint64_t now_ns)
{
	const bool is_known_to_live = reader->ring.extension != NULL;

	reader->next_look_ns = now_ns + (reader->fate == READER_CLOSED ? SEARCH_EVERY_NS : LOOK_EVERY_NS);
	if (reader->fate == READER_FOLLOWS) {
		look_at_health(reader);
		if (reader->fate != READER_FOLLOWS)
			return 0;
		if (is_known_to_live || reader->looks == 1)
			reader_note_other(reader, is_known_to_live);
		if (is_known_to_live || reader->looks < SILENT_LOOKS)
			return 0;
	}
	return reader_look_for_successor(reader);
}

/* Looks for a successor during a wait, with signals blocked, so that none is lost between two sleeps. */
COLD static int look_between_sleeps(struct reader *reader, uint64_t now_ns)
{
	sigset_t before;
	int result;

	mask_begin(&before);
	result = reader_look_around(reader, now_ns);
	if (!mask_end(&before) || result != 0)
		return result;
	errno = EINTR;
	return -1;
}

HOT int reader_look(struct reader *reader, struct ring_look *look, uint32_t *signal)
{
	ring_prefetch_to_look(&reader->ring, reader->cursor.next);
	if (take_interrupt(reader))
		return -1;
	/* [C1] Whatever happens after this look at the word keeps us from falling asleep. Pairs with [P5]. */
	if (reader->ring.extension != NULL)
		*signal = atomic_load_explicit(&reader->ring.extension->signal, memory_order_acquire);
	if (!reader->emptied)
		notice_epoch(reader);
	/* Closed is looked at before the frames: none can come after it. */
	if (reader->fate != READER_CLOSED && is_closed(reader))
		end(reader, READER_CLOSED);
	if (reader->emptied || !cursor_find(&reader->cursor, &reader->ring, look))
		return 0;
	reader->poll_ns = READER_POLL_FIRST_NS;
	reader->looks = 0;
	return 1;
}

/* Looks around during a wait that ends at the deadline, or before. Returns READER_LOOKED or -1. */
COLD static int look_during_wait(struct reader *reader, uint64_t now_ns, uint64_t deadline_ns)
{
	const bool between = reader->fate != READER_FOLLOWS && now_ns < deadline_ns;
	const int cancel = cancel_defer();
	const int found = (between ? look_between_sleeps : reader_look_around)(reader, now_ns);

	cancel_resume(cancel);
	log_deliver();
	if (found == 0)
		return READER_LOOKED;
	return reader->as_original && errno == EINTR ? 0 : -1;
}

HOT int reader_seek(struct reader *reader, uint64_t deadline_ns, struct ring_look *look)
{
	for (;;) {
		uint32_t signal = 0;
		uint64_t now_ns;
		const int result = reader_look(reader, look, &signal);

		if (result != 0)
			return result;
		if (reader_has_news(reader))
			return tell(reader);
		now_ns = reader->ops->now();
		if (now_ns >= reader->next_look_ns)
			return look_during_wait(reader, now_ns, deadline_ns);
		if (now_ns >= deadline_ns)
			return 0;
		if (sleep_until(reader, now_ns,
						deadline_ns < reader->next_look_ns ? deadline_ns : reader->next_look_ns, signal) != 0)
			return reader->as_original ? 0 : -1; /* whose callers look at a flag of theirs */
	}
}

void reader_interrupt(struct reader *reader)
{
	uintptr_t word;

	atomic_store(&reader->interrupted, 1);
	/* The reader may go over to another ring meanwhile: then nobody sleeps there, or nothing is mapped. */
	word = atomic_load(&reader->word);
	if (word != 0)
		reader->ops->wake((_Atomic uint32_t *)word, reader->own_bit);
	reader->ops->wake(&reader->interrupted, UINT32_MAX);
}
