/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <video_shm.h>

#define CONFIGURABLE (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)

/* Registers an enumeration once, whichever thread comes first. */
static GType registered(gsize *once, const char *name, const GEnumValue *values)
{
	if (g_once_init_enter(once))
		g_once_init_leave(once, g_enum_register_static(name, values));
	return *once;
}

GType option_start_type(void)
{
	static gsize once;
	static const GEnumValue values[] = {
		{VIDEO_SHM_START_NEXT, "The next frame that is written", "next"},
		{VIDEO_SHM_START_NEWEST, "The newest frame in the ring", "newest"},
		{VIDEO_SHM_START_OLDEST, "The oldest frame in the ring", "oldest"},
		{VIDEO_SHM_START_KEYFRAME, "The last keyframe in the ring, so that decoding begins at once",
		 "keyframe"},
		{0, NULL, NULL},
	};

	return registered(&once, "VshmStart", values);
}

GType option_policy_type(void)
{
	static gsize once;
	static const GEnumValue values[] = {
		{VIDEO_SHM_POLICY_EVERY, "Every frame, in order", "every"},
		{VIDEO_SHM_POLICY_NEWEST, "The newest frame each time", "newest"},
		{VIDEO_SHM_POLICY_KEYFRAMES, "Keyframes only", "keyframes"},
		{0, NULL, NULL},
	};

	return registered(&once, "VshmPolicy", values);
}

GType option_when_gone_type(void)
{
	static gsize once;
	static const GEnumValue values[] = {
		{WHEN_GONE_WAIT, "Wait for the ring, and for its next writer", "wait"},
		{WHEN_GONE_EOS, "End the stream once the writer is gone", "eos"},
		{WHEN_GONE_ERROR, "Fail once the writer is gone", "error"},
		{0, NULL, NULL},
	};

	return registered(&once, "VshmWhenGone", values);
}

void option_install_ring(GObjectClass *class, guint ring, guint channel, const char *unset)
{
	const char *description = unset != NULL
								  ? "Name of the ring, as in vshm list"
								  : "Name of the ring; unset: /video_stream, or /audio_stream for sound";

	g_object_class_install_property(class, ring,
									g_param_spec_string("ring", "Ring", description, unset, CONFIGURABLE));
	g_object_class_install_property(
		class, channel,
		g_param_spec_int("channel", "Channel",
						 "Number of the ring /video_stream_chN, instead of its name; -1: none", -1, G_MAXINT,
						 -1, CONFIGURABLE));
}

char *option_ring_name(const char *ring, int channel, const char *unset)
{
	if (channel >= 0)
		return g_strdup_printf("%s_ch%d", VIDEO_SHM_NAME, channel);
	if (ring == NULL || ring[0] == '\0')
		return g_strdup(unset);
	return ring[0] == '/' ? g_strdup(ring) : g_strconcat("/", ring, NULL);
}
