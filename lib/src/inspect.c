/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cancel.h"
#include "options.h"
#include "process.h"
#include "ring.h"

#define LOAD(field) atomic_load_explicit(&(field), memory_order_relaxed)

void inspect_identity(video_shm_info_t *info, const struct segment_identity *identity)
{
	info->object_bytes = identity->size;
	info->inode = identity->inode;
	info->device = identity->device;
	info->mode = identity->mode;
	info->uid = identity->uid;
	info->gid = identity->gid;
}

static void inspect_extension(video_shm_info_t *info, const struct layout_extension *extension,
							  uint64_t clock_shift_ns)
{
	const uint32_t state = LOAD(extension->state);

	info->state = state == VIDEO_SHM_STATE_CLOSED ? VIDEO_SHM_STATE_CLOSED : VIDEO_SHM_STATE_LIVE;
	info->epoch = LOAD(extension->epoch);
	info->writer_pid = LOAD(extension->writer_pid);
	info->writer_start = LOAD(extension->writer_start);
	info->frames = atomic_load_explicit(&extension->frames, memory_order_acquire);
	info->keyframes = LOAD(extension->keyframes);
	info->bytes = LOAD(extension->bytes);
	info->dropped_busy = LOAD(extension->dropped_busy);
	info->dropped_too_large = LOAD(extension->dropped_too_large);
	info->dropped_no_space = LOAD(extension->dropped_no_space);
	info->dropped = info->dropped_busy + info->dropped_too_large + info->dropped_no_space;
	info->remade = LOAD(extension->remade);
	info->rearmed = LOAD(extension->rearmed);
	info->realtime_offset_ns = LOAD(extension->realtime_offset_ns) - (int64_t)clock_shift_ns;
	info->v1_signals = LOAD(extension->v1_signals);
}

/* Fills in the figures; extension is NULL for version 1. */
static void inspect_words(video_shm_info_t *info, const struct geometry *geometry,
						  const struct layout_header *header, const struct layout_extension *extension,
						  uint64_t clock_shift_ns)
{
	memset(info, 0, sizeof(*info));
	info->version = geometry->version;
	info->extended = geometry->extension_offset != 0;
	info->media = geometry->media;
	info->slots = geometry->slots;
	info->slot_size = geometry->slot_size;
	info->v1_readers = LOAD(header->active_readers);
	info->frames = LOAD(header->frame_count);
	info->dropped = LOAD(header->dropped_frames);
	if (extension != NULL)
		inspect_extension(info, extension, clock_shift_ns);
}

void inspect_ring(video_shm_info_t *info, const struct ring *ring, uint64_t clock_shift_ns)
{
	struct ring_look newest;

	inspect_words(info, &ring->geometry, ring->header, ring->extension, clock_shift_ns);
	if (info->extended && info->frames > 0 && ring_look(ring, info->frames - 1, &newest))
		info->last_publish_ns = inspect_time(newest.publish_ns, clock_shift_ns);
}

/* ---- without mapping: a copy of the ring through pread ---- */

struct glance {
	struct segment_identity identity;
	struct segment_survey survey;
	uint64_t clock_shift_ns;
	int fd;
	int cancel;
};

static void close_glance(const struct glance *glance)
{
	const int error = errno;

	if (glance->fd >= 0)
		(void)close(glance->fd);
	cancel_resume(glance->cancel);
	errno = error;
}

static int open_glance(const char *name, struct glance *glance)
{
	char path[SEGMENT_PATH_MAX];

	if (segment_path(path, name != NULL ? name : VIDEO_SHM_NAME) != 0)
		return -1;
	glance->cancel = cancel_defer();
	glance->fd = segment_open(path, O_RDONLY, &glance->identity);
	if (glance->fd >= 0) {
		glance->clock_shift_ns = process_clock_shift_ns();
		if (segment_survey(glance->fd, path, glance->identity.size, &glance->survey) == 0)
			return 0;
	}
	close_glance(glance);
	return -1;
}

/* Returns the number of frames now, since a slot may hold a frame that is newer than the survey. */
static uint64_t glance_frames(const struct glance *glance)
{
	const off_t at =
		(off_t)(glance->survey.geometry.extension_offset + offsetof(struct layout_extension, frames));
	uint64_t frames = 0;

	return pread(glance->fd, &frames, sizeof(frames), at) == (ssize_t)sizeof(frames) ? frames : 0;
}

/* Reads a slot: its line before and after its metadata, as a reader does. Returns false if it has no whole
 * frame; a frame that was never counted, as after a crash, does not count. */
static bool glance_slot(const struct glance *glance, uint32_t index, video_shm_slot_t *slot)
{
	const struct geometry *geometry = &glance->survey.geometry;
	const off_t meta_at = (off_t)geometry_slot(geometry, index);
	const off_t line_at = (off_t)(geometry->line_offset + index * sizeof(struct layout_line));
	struct layout_line line, again;

	if (pread(glance->fd, &slot->meta, sizeof(slot->meta), meta_at) != (ssize_t)sizeof(slot->meta))
		return false;
	if (geometry->extension_offset == 0) {
		slot->frame = slot->meta.sequence;
		slot->flags = ring_is_keyframe(&slot->meta) ? VIDEO_SHM_FLAG_KEYFRAME : 0;
		return slot->meta.size != 0 && slot->meta.size <= geometry->slot_size;
	}
	if (pread(glance->fd, &line, sizeof(line), line_at) != (ssize_t)sizeof(line) ||
		pread(glance->fd, &slot->meta, sizeof(slot->meta), meta_at) != (ssize_t)sizeof(slot->meta) ||
		pread(glance->fd, &again, sizeof(again), line_at) != (ssize_t)sizeof(again))
		return false;
	slot->frame = LOAD(line.frame);
	slot->flags = LOAD(line.flags);
	slot->capture_ns = inspect_time(LOAD(line.capture_ns), glance->clock_shift_ns);
	slot->publish_ns = inspect_time(LOAD(line.publish_ns), glance->clock_shift_ns);
	return slot->frame != LAYOUT_NO_FRAME && LOAD(line.stamp) == layout_stamp(slot->frame) &&
		   LOAD(again.stamp) == LOAD(line.stamp) && slot->meta.size != 0 &&
		   slot->meta.size <= geometry->slot_size && (uint32_t)slot->frame % geometry->slots == index &&
		   slot->frame < glance_frames(glance);
}

static void inspect_newest(video_shm_info_t *info, const struct glance *glance)
{
	video_shm_slot_t newest = {0};

	if (info->extended && info->frames > 0 &&
		glance_slot(glance, (uint32_t)(info->frames - 1) % info->slots, &newest))
		info->last_publish_ns = newest.publish_ns;
}

int video_shm_inspect(const char *name, video_shm_info_t *info)
{
	const struct segment_survey *survey;
	struct glance glance;
	video_shm_info_t all;

	if (info == NULL) {
		errno = EINVAL;
		return -1;
	}
	if (open_glance(name, &glance) != 0)
		return -1;
	survey = &glance.survey;
	inspect_words(&all, &survey->geometry, &survey->header,
				  survey->geometry.extension_offset != 0 ? &survey->extension : NULL, glance.clock_shift_ns);
	inspect_identity(&all, &glance.identity);
	inspect_newest(&all, &glance);
	if (all.state == VIDEO_SHM_STATE_LIVE && (!segment_is_held(glance.fd) || process_gone(&survey->writer)))
		all.state = VIDEO_SHM_STATE_DEAD;
	close_glance(&glance);
	return options_fill(info, info->struct_size, &all, sizeof(all));
}

int video_shm_inspect_slots(const char *name, video_shm_slot_t *slots, uint32_t capacity)
{
	struct glance glance;
	uint32_t size, count;

	if (slots == NULL || capacity == 0 || slots[0].struct_size < sizeof(uint32_t)) {
		errno = EINVAL;
		return -1;
	}
	size = slots[0].struct_size;
	if (open_glance(name, &glance) != 0)
		return -1;
	count = glance.survey.geometry.slots < capacity ? glance.survey.geometry.slots : capacity;
	for (uint32_t index = 0; index < count; index++) {
		uint8_t *given = (uint8_t *)slots + (size_t)index * size;
		video_shm_slot_t slot = {0};

		if (glance_slot(&glance, index, &slot))
			slot.whole = 1;
		else
			memset(&slot, 0, sizeof(slot));
		memcpy(given, &size, sizeof(size));
		(void)options_fill(given, size, &slot, sizeof(slot));
	}
	close_glance(&glance);
	return (int)count;
}
