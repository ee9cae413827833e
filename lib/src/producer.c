/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cancel.h"
#include "descriptor.h"
#include "forks.h"
#include "hot.h"
#include "inspect.h"
#include "log.h"
#include "options.h"
#include "producer.h"
#include "takeover.h"

#define MAGIC UINT32_C(0x72657276) /* the handle is open */

/*
 * The content of the caller's handle, and all of it that is ever touched: programs built with the original's
 * header have smaller ones. The rest is on the heap, because of fork.
 */
struct handle {
	uint32_t magic;
	uint32_t generation; /* generation of the writer when it was opened */
	struct writer *writer;
};

static_assert(sizeof(struct handle) <= 16, "the original's handle has room");

static struct pool producers = {.make = forks_memory};

/* Returns whether the handle is open; the generation tells that a copy of a destroyed handle is not. */
HOT static bool is_open(const struct handle *handle)
{
	return handle->magic == MAGIC && pool_generation(&handle->writer->item) == handle->generation;
}

HOT struct writer *producer_writer(const video_shm_producer_t *producer)
{
	struct handle handle;

	if (producer == NULL) {
		errno = EINVAL;
		return NULL;
	}
	memcpy(&handle, producer, sizeof(handle));
	if (!is_open(&handle)) {
		errno = EBADF;
		return NULL;
	}
	hot_fetch(handle.writer, WRITER_HOT_BYTES);
	if (handle.writer->state == WRITER_FORKED && !forks_inherit(handle.writer)) {
		errno = EOWNERDEAD;
		return NULL;
	}
	return handle.writer;
}

/* To be called between forks_block and forks_unblock. */
static void let_go(struct writer *writer)
{
	forks_remove(writer);
	if (atomic_load(&writer->reserved) && writer->state != WRITER_FORKED)
		ring_cancel(&writer->ring, &writer->counts);
	writer_close(writer);
}

/*
 * Returns whether the caller's handle was open on the ring that is to be opened: programs of the original
 * init again after an error, and get a new ring. The handle is not trusted before its writer is found in the
 * list of writers: it may be any memory.
 */
static bool is_own(const struct handle *before, const struct writer *writer)
{
	return before->magic == MAGIC && forks_know(before->writer) && is_open(before) &&
		   before->writer->state != WRITER_FORKED && strcmp(before->writer->path, writer->path) == 0;
}

/* Gives the writer back, while no lock is held. Keeps errno. */
static void give_back(struct writer *writer)
{
	const int error = errno;

	semaphores_close(&writer->former, false);
	pool_give_back(&producers, &writer->item);
	errno = error;
}

/* Opens the writer, in place of the caller's own one if that has the ring. Returns as writer_open. */
static int open_instead_of(const struct handle *before, struct writer *writer,
						   const struct geometry *geometry)
{
	struct writer *gone = NULL;
	int result;

	forks_block();
	result = writer_open(writer, geometry);
	if (result < 0 && errno == EBUSY && is_own(before, writer)) {
		gone = before->writer;
		let_go(gone);
		result = writer_open(writer, geometry);
	}
	if (result == 0)
		forks_add(writer);
	forks_unblock();
	if (gone != NULL)
		give_back(gone);
	return result;
}

static int open_new(video_shm_producer_t *producer, const video_shm_producer_options_t *given)
{
	video_shm_producer_options_t options;
	struct geometry geometry;
	struct handle before;
	struct writer *writer;
	int result;

	memcpy(&before, producer, sizeof(before));
	memset(producer, 0, sizeof(before));
	if (options_copy(&options, sizeof(options), given, given != NULL ? given->struct_size : 0) != 0)
		return -1;
	if (options.mode > 0777 || options.reserved != 0 ||
		geometry_plan(&geometry, options.slots != 0 ? options.slots : VIDEO_SHM_RING_SIZE,
					  options.slot_size != 0 ? options.slot_size : VIDEO_SHM_MAX_FRAME_SIZE,
					  options.media) != 0) {
		errno = EINVAL;
		return -1;
	}
	writer = pool_obtain(&producers, sizeof(*writer));
	if (writer == NULL)
		return -1;
	writer->fd = -1;
	writer->ops = &wait_system;
	writer->slot_size = geometry.slot_size;
	writer->mode = options.mode != 0 ? (mode_t)(options.mode | 0600) : 0660; /* the next writer must get in */
	writer->group = segment_video_group();
	atomic_flag_clear(&writer->busy);
	if (segment_path(writer->path, options.name != NULL ? options.name : VIDEO_SHM_NAME) != 0)
		goto give_back;
	while ((result = open_instead_of(&before, writer, &geometry)) == WRITER_CLAIMED)
		writer_await_claim();
	if (result != 0)
		goto give_back;
	memcpy(producer, &(struct handle){MAGIC, pool_generation(&writer->item), writer}, sizeof(struct handle));
	return 0;
give_back:
	pool_give_back(&producers, &writer->item);
	return -1;
}

int video_shm_producer_open(video_shm_producer_t *producer, const video_shm_producer_options_t *given)
{
	int result, cancel;

	if (producer == NULL) {
		errno = EINVAL;
		return -1;
	}
	cancel = cancel_defer();
	result = open_new(producer, given);
	cancel_resume(cancel);
	log_deliver();
	return result;
}

int video_shm_producer_init(video_shm_producer_t *producer)
{
	return video_shm_producer_open(producer, NULL);
}

int video_shm_producer_init_channel(video_shm_producer_t *producer, int channel)
{
	char name[OPTIONS_CHANNEL_NAME_MAX];
	const video_shm_producer_options_t options = {.struct_size = sizeof(options), .name = name};

	if (options_channel_name(name, channel) != 0) {
		if (producer != NULL)
			memset(producer, 0, sizeof(struct handle));
		return -1;
	}
	return video_shm_producer_open(producer, &options);
}

void video_shm_producer_destroy(video_shm_producer_t *producer)
{
	struct handle handle;
	int cancel;

	if (producer == NULL)
		return;
	memcpy(&handle, producer, sizeof(handle));
	memset(producer, 0, sizeof(handle));
	if (!is_open(&handle))
		return;
	cancel = cancel_defer();
	forks_block();
	let_go(handle.writer);
	forks_unblock();
	give_back(handle.writer);
	cancel_resume(cancel);
}

int video_shm_producer_descriptor(const video_shm_producer_t *producer, uint64_t *offset)
{
	struct writer *writer = producer_writer(producer);
	int fd;

	if (writer == NULL)
		return -1;
	if (offset == NULL || !atomic_load(&writer->reserved)) {
		errno = EINVAL;
		return -1;
	}
	*offset = ring_payload_offset(&writer->ring, writer->counts.frames);
	forks_block(); /* one thread at a time may open it again */
	fd = descriptor_regain(&writer->fd, writer->path, O_RDWR, &writer->identity);
	forks_unblock();
	return fd;
}

int video_shm_producer_info(video_shm_producer_t *producer, video_shm_info_t *info)
{
	struct writer *writer = producer_writer(producer);
	video_shm_info_t all;

	if (writer == NULL)
		return -1;
	if (info == NULL || info->struct_size == 0) {
		errno = EINVAL;
		return -1;
	}
	forks_block(); /* so that the ring is not made anew meanwhile */
	inspect_ring(&all, &writer->ring, writer->clock_shift_ns);
	inspect_identity(&all, &writer->identity);
	forks_unblock();
	/* The ring gets a drop with the next frame; the writer has it at once. */
	all.dropped_busy = atomic_load(&writer->dropped[WRITER_DROP_BUSY]);
	all.dropped_too_large = atomic_load(&writer->dropped[WRITER_DROP_TOO_LARGE]);
	all.dropped_no_space = atomic_load(&writer->dropped[WRITER_DROP_NO_SPACE]);
	all.dropped = all.dropped_busy + all.dropped_too_large + all.dropped_no_space;
	return options_fill(info, info->struct_size, &all, sizeof(all));
}
