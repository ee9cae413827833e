/* SPDX-License-Identifier: Apache-2.0 */
#include "sink_writing.h"

#include <errno.h>
#include <string.h>

#include "capture_time.h"
#include "options.h"
#include "problems.h"

#define AUDIO_NAME "/audio_stream"
#define SOUND_SLOTS 100
#define RAW_BYTES (32u << 20)
#define LEAST_RAW_SLOTS 4
#define SOUND_SLOT_SIZE 8192
#define PCM_SLOT_SIZE 65536

/* ---- the ring ---- */

/* What a ring needs if its user does not say: as camera-streamer makes them. */
static video_shm_producer_options_t suitable(const VshmSink *self)
{
	const struct stream *stream = &self->stream;
	const gboolean is_sound = format_is_sound(stream->meta.codec), is_raw = stream->picture_size != 0;
	const guint32 fitting = is_raw                      ? stream->picture_size
							: stream->sample_bytes != 0 ? PCM_SLOT_SIZE
							: is_sound                  ? SOUND_SLOT_SIZE
														: VIDEO_SHM_MAX_FRAME_SIZE;
	video_shm_producer_options_t options = {
		.struct_size = sizeof(options),
		.slots = self->slots,
		.slot_size = self->slot_size != 0 ? self->slot_size : fitting,
		.mode = self->mode,
		.media = is_sound ? VIDEO_SHM_MEDIA_AUDIO : VIDEO_SHM_MEDIA_VIDEO,
	};

	if (options.slots == 0)
		options.slots = is_raw ? CLAMP(RAW_BYTES / options.slot_size, LEAST_RAW_SLOTS, VIDEO_SHM_RING_SIZE)
						: is_sound ? SOUND_SLOTS
								   : VIDEO_SHM_RING_SIZE;
	/* Raw pictures are kept from version 1 programs, which would join a ring of these numbers. */
	if (is_raw && options.slots == VIDEO_SHM_RING_SIZE && options.slot_size == VIDEO_SHM_MAX_FRAME_SIZE)
		options.slot_size += 64;
	return options;
}

gboolean sink_open(VshmSink *self)
{
	video_shm_producer_options_t options = suitable(self);
	char *name = option_ring_name(self->ring, self->channel,
								  options.media == VIDEO_SHM_MEDIA_AUDIO ? AUDIO_NAME : VIDEO_SHM_NAME);
	int problem = 0;

	if (self->is_open && strcmp(name, self->name) == 0 && options.slots == self->options.slots &&
		options.slot_size == self->options.slot_size && options.media == self->options.media) {
		g_free(name);
		return TRUE;
	}
	sink_close(self);
	g_mutex_lock(&self->lock);
	self->name = name;
	options.name = name;
	self->options = options;
	if (video_shm_producer_open(&self->producer, &options) == 0)
		self->is_open = TRUE;
	else
		problem = errno;
	g_mutex_unlock(&self->lock);
	if (problem != 0)
		problem_of_writer(GST_ELEMENT(self), name, problem);
	return problem == 0;
}

void sink_close(VshmSink *self)
{
	g_mutex_lock(&self->lock);
	if (self->is_open)
		video_shm_producer_destroy(&self->producer);
	self->is_open = FALSE;
	g_clear_pointer(&self->name, g_free);
	g_mutex_unlock(&self->lock);
}

/* ---- times ---- */

/* Returns the moment of CLOCK_MONOTONIC at which the buffer's first sample was captured; now if the pipeline
 * does not say, and never later than now: a file that is not played in real time says what can't be. */
static guint64 captured(VshmSink *self, GstBuffer *buffer)
{
	GstBaseSink *base = GST_BASE_SINK(self);
	const guint64 now_ns = capture_now();
	GstClock *clock = gst_element_get_clock(GST_ELEMENT(self));
	GstClockTime running = GST_CLOCK_TIME_NONE;
	guint64 capture_ns = 0;

	if (GST_BUFFER_PTS_IS_VALID(buffer))
		running = gst_segment_to_running_time(&base->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
	if (clock != NULL && GST_CLOCK_TIME_IS_VALID(running))
		capture_ns = capture_from_clock(clock, running + gst_element_get_base_time(GST_ELEMENT(self)));
	if (clock != NULL)
		gst_object_unref(clock);
	return capture_ns != 0 && capture_ns < now_ns ? capture_ns : now_ns;
}

/* Returns the wall clock of capture, in ms: what the buffer tells of it, as one of vshmsrc does, or as it is
 * here. */
static guint64 wall_clock_ms(GstBuffer *buffer, guint64 capture_ns)
{
	GstReferenceTimestampMeta *meta = NULL;
	gpointer state = NULL;

	while ((meta = (GstReferenceTimestampMeta *)gst_buffer_iterate_meta_filtered(
				buffer, &state, GST_REFERENCE_TIMESTAMP_META_API_TYPE)) != NULL)
		if (gst_structure_has_name(gst_caps_get_structure(meta->reference, 0), "timestamp/x-unix"))
			return meta->timestamp / GST_MSECOND;
	return (capture_ns + (guint64)capture_realtime_offset()) / GST_MSECOND;
}

/* ---- frames ---- */

/* A frame that is larger than its slot is lost, and counted. */
static GstFlowReturn too_large(VshmSink *self, const guint8 *data, gsize size)
{
	(void)video_shm_producer_write(&self->producer, data, (guint32)MIN(size, G_MAXUINT32),
								   &self->stream.meta);
	self->broken = TRUE;
	if (!self->warned_large)
		GST_ELEMENT_WARNING(self, RESOURCE, WRITE,
							("A frame of %" G_GSIZE_FORMAT
							 " bytes does not fit into a slot of ring %s: set slot-size=%" G_GSIZE_FORMAT
							 " or more.",
							 size, self->name, size),
							(NULL));
	self->warned_large = TRUE;
	return GST_FLOW_OK;
}

/* After a call of the library that failed. A frame that was dropped is counted there. */
static GstFlowReturn failed(VshmSink *self, int problem)
{
	self->broken = TRUE;
	if (problem == EBUSY)
		return GST_FLOW_OK;
	if (problem != ENOSPC) {
		problem_of_writer(GST_ELEMENT(self), self->name, problem);
		return GST_FLOW_ERROR;
	}
	if (!self->warned_no_room)
		GST_ELEMENT_WARNING(self, RESOURCE, NO_SPACE_LEFT,
							("/dev/shm has no room to make ring %s anew: frames are dropped.", self->name),
							(NULL));
	self->warned_no_room = TRUE;
	return GST_FLOW_OK;
}

static void warn_of_parameter_sets(VshmSink *self, const guint8 *data, gsize size)
{
	if (self->warned_sets || stream_can_begin(self->stream.meta.codec, data, size))
		return;
	self->warned_sets = TRUE;
	GST_ELEMENT_WARNING(
		self, STREAM, ENCODE,
		("A keyframe has no parameter sets: readers that come later can't decode. Put %s config-interval=-1 "
		 "in front.",
		 self->stream.meta.codec == VIDEO_SHM_CODEC_H264 ? "h264parse" : "h265parse"),
		(NULL));
}

static video_frame_timing_t timing_of(VshmSink *self, GstBuffer *buffer, guint64 capture_ns)
{
	video_frame_timing_t timing = {.capture_ns = capture_ns};

	if (self->broken || GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DISCONT))
		timing.flags |= VIDEO_SHM_FLAG_DISCONTINUITY;
	if (GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_CORRUPTED))
		timing.flags |= VIDEO_SHM_FLAG_CORRUPT;
	self->broken = FALSE;
	return timing;
}

/* Writes one frame, either these bytes or the buffer's raw picture. */
static GstFlowReturn write_frame(VshmSink *self, GstBuffer *buffer, const guint8 *data, gsize size,
								 guint64 capture_ns)
{
	video_frame_meta_t meta = self->stream.meta;
	video_frame_timing_t timing;
	guint8 *slot;
	guint32 capacity;

	if (size > self->options.slot_size)
		return too_large(self, data, size);
	if (video_shm_producer_reserve(&self->producer, &slot, &capacity) != 0)
		return failed(self, errno);
	if (self->stream.picture_size == 0) {
		memcpy(slot, data, size);
	} else if (!raw_copy_in(slot, &meta, buffer, &self->stream.raw)) {
		video_shm_producer_abort(&self->producer);
		GST_ELEMENT_ERROR(self, STREAM, WRONG_TYPE, ("A buffer is smaller than its picture."), (NULL));
		return GST_FLOW_ERROR;
	}
	timing = timing_of(self, buffer, capture_ns);
	meta.timestamp_ms = wall_clock_ms(buffer, capture_ns);
	if (format_is_sound(meta.codec))
		meta.width = stream_samples(&self->stream, data, size);
	meta.is_keyframe = format_is_sound(meta.codec) || raw_is(meta.codec) ||
					   meta.codec == VIDEO_SHM_CODEC_JPEG ||
					   !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
	if (video_shm_producer_commit(&self->producer, (guint32)size, &meta, &timing) != 0)
		return failed(self, errno);
	return GST_FLOW_OK;
}

/* PCM comes in buffers of any size: each frame holds as much as a slot and its count of samples can. */
static GstFlowReturn write_pcm(VshmSink *self, GstBuffer *buffer, const GstMapInfo *map, guint64 capture_ns)
{
	const gsize sample = self->stream.sample_bytes;
	const gsize most = MIN(self->options.slot_size / sample, G_MAXUINT16) * sample;
	GstFlowReturn result = most == 0 ? too_large(self, map->data, sample) : GST_FLOW_OK;

	for (gsize at = 0; most != 0 && at < map->size && result == GST_FLOW_OK; at += most)
		result = write_frame(self, buffer, map->data + at, MIN(most, map->size - at),
							 capture_ns +
								 gst_util_uint64_scale(at / sample, GST_SECOND, (guint64)self->stream.rate));
	return result;
}

GstFlowReturn sink_write(VshmSink *self, GstBuffer *buffer)
{
	const guint64 capture_ns = captured(self, buffer);
	GstFlowReturn result = GST_FLOW_OK;
	GstMapInfo map;

	if (self->stream.picture_size != 0)
		return write_frame(self, buffer, NULL, self->stream.picture_size, capture_ns);
	if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) {
		GST_ELEMENT_ERROR(self, RESOURCE, READ, ("A buffer can't be read."), (NULL));
		return GST_FLOW_ERROR;
	}
	if (self->stream.sample_bytes != 0) {
		result = write_pcm(self, buffer, &map, capture_ns);
	} else if (map.size > 0) { /* an empty buffer is no frame */
		if (!GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT))
			warn_of_parameter_sets(self, map.data, map.size);
		result = write_frame(self, buffer, map.data, map.size, capture_ns);
	}
	gst_buffer_unmap(buffer, &map);
	return result;
}
