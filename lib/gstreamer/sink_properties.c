/* SPDX-License-Identifier: Apache-2.0 */
#include "sink_properties.h"

#include "options.h"
#include "sink.h"

enum { RING = 1, CHANNEL, SLOTS, SLOT_SIZE, MODE, STATS };

#define CONFIGURABLE (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)

static GstStructure *stats(VshmSink *self)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	g_mutex_lock(&self->lock);
	if (self->is_open)
		(void)video_shm_producer_info(&self->producer, &info);
	g_mutex_unlock(&self->lock);
	return gst_structure_new("application/x-vshm-stats", "frames", G_TYPE_UINT64, info.frames, "keyframes",
							 G_TYPE_UINT64, info.keyframes, "bytes", G_TYPE_UINT64, info.bytes, "dropped",
							 G_TYPE_UINT64, info.dropped, NULL);
}

static void set_property(GObject *object, guint number, const GValue *value, GParamSpec *spec)
{
	VshmSink *self = VSHM_SINK(object);

	GST_OBJECT_LOCK(self);
	switch (number) {
	case RING:
		g_free(self->ring);
		self->ring = g_value_dup_string(value);
		break;
	case CHANNEL:
		self->channel = g_value_get_int(value);
		break;
	case SLOTS:
		self->slots = g_value_get_uint(value);
		break;
	case SLOT_SIZE:
		self->slot_size = g_value_get_uint(value);
		break;
	case MODE:
		self->mode = g_value_get_uint(value);
		break;
	default:
		G_OBJECT_WARN_INVALID_PROPERTY_ID(object, number, spec);
	}
	GST_OBJECT_UNLOCK(self);
}

static void get_property(GObject *object, guint number, GValue *value, GParamSpec *spec)
{
	VshmSink *self = VSHM_SINK(object);

	if (number == STATS) {
		g_value_take_boxed(value, stats(self));
		return;
	}
	GST_OBJECT_LOCK(self);
	switch (number) {
	case RING:
		g_value_set_string(value, self->ring);
		break;
	case CHANNEL:
		g_value_set_int(value, self->channel);
		break;
	case SLOTS:
		g_value_set_uint(value, self->slots);
		break;
	case SLOT_SIZE:
		g_value_set_uint(value, self->slot_size);
		break;
	case MODE:
		g_value_set_uint(value, self->mode);
		break;
	default:
		G_OBJECT_WARN_INVALID_PROPERTY_ID(object, number, spec);
	}
	GST_OBJECT_UNLOCK(self);
}

void sink_install_properties(GObjectClass *class)
{
	class->set_property = set_property;
	class->get_property = get_property;
	option_install_ring(class, RING, CHANNEL, NULL);
	g_object_class_install_property(
		class, SLOTS,
		g_param_spec_uint("slots", "Slots",
						  "Frames that the ring holds; 0: 30, of sound 100, of raw pictures what 32 MiB hold",
						  0, 4096, 0, CONFIGURABLE));
	g_object_class_install_property(
		class, SLOT_SIZE,
		g_param_spec_uint(
			"slot-size", "Slot size",
			"Bytes of the largest frame; 0: 512 KiB, of sound 8 KiB, of PCM 64 KiB, or the raw picture's", 0,
			256u << 20, 0, CONFIGURABLE));
	g_object_class_install_property(class, MODE,
									g_param_spec_uint("mode", "Mode",
													  "Permission bits of the ring, such as 0644; 0: 0660", 0,
													  0777, 0, CONFIGURABLE));
	g_object_class_install_property(
		class, STATS,
		g_param_spec_boxed("stats", "Statistics",
						   "Frames, keyframes and bytes in the ring so far, and frames dropped",
						   GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}
