/* SPDX-License-Identifier: Apache-2.0 */
#include "source_properties.h"

#include "options.h"
#include "source.h"

enum { RING = 1, CHANNEL, START, POLICY, RESYNC, WHEN_GONE, TIMEOUT, STATS };

#define CONFIGURABLE (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)

static GstStructure *stats(VshmSource *self)
{
	GstStructure *stats;

	GST_OBJECT_LOCK(self);
	stats = gst_structure_new("application/x-vshm-stats", "received", G_TYPE_UINT64, self->figures.received,
							  "missed", G_TYPE_UINT64, self->figures.missed, "skipped", G_TYPE_UINT64,
							  self->figures.skipped, "reattached", G_TYPE_UINT64, self->figures.reattached,
							  "latency", G_TYPE_UINT64, self->latency.told_ns, NULL);
	GST_OBJECT_UNLOCK(self);
	return stats;
}

static void set_property(GObject *object, guint number, const GValue *value, GParamSpec *spec)
{
	VshmSource *self = VSHM_SOURCE(object);

	GST_OBJECT_LOCK(self);
	switch (number) {
	case RING:
		g_free(self->ring);
		self->ring = g_value_dup_string(value);
		break;
	case CHANNEL:
		self->channel = g_value_get_int(value);
		break;
	case START:
		self->start = g_value_get_enum(value);
		break;
	case POLICY:
		self->policy = g_value_get_enum(value);
		break;
	case RESYNC:
		self->resync = g_value_get_boolean(value);
		break;
	case WHEN_GONE:
		self->when_gone = g_value_get_enum(value);
		break;
	case TIMEOUT:
		self->timeout_ns = g_value_get_uint64(value);
		break;
	default:
		G_OBJECT_WARN_INVALID_PROPERTY_ID(object, number, spec);
	}
	GST_OBJECT_UNLOCK(self);
}

static void get_property(GObject *object, guint number, GValue *value, GParamSpec *spec)
{
	VshmSource *self = VSHM_SOURCE(object);

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
	case START:
		g_value_set_enum(value, self->start);
		break;
	case POLICY:
		g_value_set_enum(value, self->policy);
		break;
	case RESYNC:
		g_value_set_boolean(value, self->resync);
		break;
	case WHEN_GONE:
		g_value_set_enum(value, self->when_gone);
		break;
	case TIMEOUT:
		g_value_set_uint64(value, self->timeout_ns);
		break;
	default:
		G_OBJECT_WARN_INVALID_PROPERTY_ID(object, number, spec);
	}
	GST_OBJECT_UNLOCK(self);
}

void source_install_properties(GObjectClass *class)
{
	class->set_property = set_property;
	class->get_property = get_property;
	option_install_ring(class, RING, CHANNEL, VIDEO_SHM_NAME);
	g_object_class_install_property(class, START,
									g_param_spec_enum("start", "Start", "The first frame",
													  option_start_type(), VIDEO_SHM_START_KEYFRAME,
													  CONFIGURABLE));
	g_object_class_install_property(class, POLICY,
									g_param_spec_enum("policy", "Policy", "Which frames",
													  option_policy_type(), VIDEO_SHM_POLICY_EVERY,
													  CONFIGURABLE));
	g_object_class_install_property(
		class, RESYNC,
		g_param_spec_boolean("resync", "Resync",
							 "In H.264 and H.265, nothing until a keyframe, at the start and after a loss",
							 TRUE, CONFIGURABLE));
	g_object_class_install_property(class, WHEN_GONE,
									g_param_spec_enum("when-gone", "When gone",
													  "What to do where there is no writer, or no longer one",
													  option_when_gone_type(), WHEN_GONE_WAIT, CONFIGURABLE));
	g_object_class_install_property(
		class, TIMEOUT,
		g_param_spec_uint64("timeout", "Timeout",
							"Fail once no frame has come for so many nanoseconds; 0: never", 0, G_MAXUINT64,
							0, CONFIGURABLE));
	g_object_class_install_property(
		class, STATS,
		g_param_spec_boxed("stats", "Statistics",
						   "Frames received, missed, skipped; rings reattached to; latency in nanoseconds",
						   GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}
