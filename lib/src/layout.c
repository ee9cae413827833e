/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and offsets of the header's types in this library, for bindings that can't include the header. */
#include "layout.h"

#include <string.h>

struct entry {
	const char *name;
	int64_t value;
};

#define TYPE(type)                                                                                           \
	{                                                                                                        \
#type, (int64_t)sizeof(type)                                                                         \
	}
#define FIELD(type, field)                                                                                   \
	{                                                                                                        \
#type "." #field, (int64_t)offsetof(type, field)                                                     \
	}
#define INFO(field) FIELD(video_shm_info_t, field)
#define VIEW(field) FIELD(video_shm_view_t, field)
#define META(field) FIELD(video_frame_meta_t, field)
#define SLOT(field) FIELD(video_shm_slot_t, field)
#define PRODUCER(field) FIELD(video_shm_producer_options_t, field)
#define CONSUMER(field) FIELD(video_shm_consumer_options_t, field)
#define PICTURE(field) FIELD(video_shm_picture_t, field)
#define TIMING(field) FIELD(video_frame_timing_t, field)

static const struct entry entries[] = {
	TYPE(video_frame_meta_t),
	META(timestamp_ms),
	META(size),
	META(sequence),
	META(is_keyframe),
	META(codec),
	META(width),
	META(height),
	META(fps),
	META(reserved),
	TYPE(video_shm_producer_t),
	TYPE(video_shm_consumer_t),
	TYPE(video_shm_producer_options_t),
	PRODUCER(struct_size),
	PRODUCER(slots),
	PRODUCER(slot_size),
	PRODUCER(mode),
	PRODUCER(media),
	PRODUCER(reserved),
	PRODUCER(name),
	TYPE(video_shm_consumer_options_t),
	CONSUMER(struct_size),
	CONSUMER(start),
	CONSUMER(policy),
	CONSUMER(resync),
	CONSUMER(reconnect),
	CONSUMER(max_slot_size),
	CONSUMER(name),
	TYPE(video_frame_timing_t),
	TIMING(capture_ns),
	TIMING(flags),
	TIMING(reserved),
	TYPE(video_shm_view_t),
	VIEW(struct_size),
	VIEW(flags),
	VIEW(data),
	VIEW(offset),
	VIEW(frame),
	VIEW(capture_ns),
	VIEW(publish_ns),
	VIEW(missed_before),
	VIEW(attachment),
	VIEW(meta),
	TYPE(video_shm_info_t),
	INFO(struct_size),
	INFO(version),
	INFO(extended),
	INFO(state),
	INFO(media),
	INFO(slots),
	INFO(slot_size),
	INFO(epoch),
	INFO(object_bytes),
	INFO(inode),
	INFO(mode),
	INFO(uid),
	INFO(gid),
	INFO(writer_pid),
	INFO(writer_start),
	INFO(frames),
	INFO(keyframes),
	INFO(bytes),
	INFO(dropped),
	INFO(dropped_busy),
	INFO(dropped_too_large),
	INFO(dropped_no_space),
	INFO(remade),
	INFO(rearmed),
	INFO(realtime_offset_ns),
	INFO(last_publish_ns),
	INFO(v1_readers),
	INFO(v1_signals),
	INFO(received),
	INFO(missed),
	INFO(skipped),
	INFO(span),
	INFO(next_frame),
	INFO(reattached),
	INFO(device),
	TYPE(video_shm_slot_t),
	SLOT(struct_size),
	SLOT(whole),
	SLOT(frame),
	SLOT(capture_ns),
	SLOT(publish_ns),
	SLOT(flags),
	SLOT(reserved),
	SLOT(meta),
	TYPE(video_shm_picture_t),
	PICTURE(struct_size),
	PICTURE(size),
	PICTURE(planes),
	PICTURE(offset),
	PICTURE(stride),
	PICTURE(rows),
	PICTURE(primaries),
	PICTURE(transfer),
	PICTURE(matrix),
	PICTURE(range),
};

int64_t video_shm_layout(const char *name)
{
	for (size_t at = 0; name != NULL && at < sizeof(entries) / sizeof(entries[0]); at++)
		if (strcmp(name, entries[at].name) == 0)
			return entries[at].value;
	return -1;
}

const char *video_shm_version(void)
{
	return VIDEO_SHM_VERSION_STRING;
}
