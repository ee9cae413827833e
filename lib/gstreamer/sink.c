/* SPDX-License-Identifier: Apache-2.0 */
#include "sink.h"

#include "sink_properties.h"
#include "sink_writing.h"

G_DEFINE_TYPE(VshmSink, vshm_sink, GST_TYPE_BASE_SINK)

static gboolean start(GstBaseSink *base)
{
	VshmSink *self = VSHM_SINK(base);

	self->refused = self->broken = FALSE;
	self->warned_large = self->warned_sets = self->warned_no_room = FALSE;
	return TRUE;
}

static gboolean stop(GstBaseSink *base)
{
	sink_close(VSHM_SINK(base));
	return TRUE;
}

static gboolean accept_caps(VshmSink *self, GstCaps *caps)
{
	if (!stream_from_caps(&self->stream, caps)) {
		GST_ELEMENT_ERROR(self, STREAM, FORMAT, ("A ring can't hold %" GST_PTR_FORMAT ".", (void *)caps),
						  (NULL));
		return FALSE;
	}
	return sink_open(self);
}

/* The ring is made here, since its kind and its size depend on the stream. An encoder that is refused tries
 * again with each picture that it still holds: what is wrong is told once. */
static gboolean set_caps(GstBaseSink *base, GstCaps *caps)
{
	VshmSink *self = VSHM_SINK(base);

	self->refused = self->refused || !accept_caps(self, caps);
	return !self->refused;
}

static GstFlowReturn render(GstBaseSink *base, GstBuffer *buffer)
{
	return sink_write(VSHM_SINK(base), buffer);
}

/* Rows may be padded as whoever makes them likes. */
static gboolean propose_allocation(GstBaseSink *base, GstQuery *query)
{
	(void)base;
	gst_query_add_allocation_meta(query, GST_VIDEO_META_API_TYPE, NULL);
	return TRUE;
}

static void finalize(GObject *object)
{
	VshmSink *self = VSHM_SINK(object);

	g_free(self->ring);
	g_mutex_clear(&self->lock);
	G_OBJECT_CLASS(vshm_sink_parent_class)->finalize(object);
}

/* Frames are written as they come: readers take the times from the metadata, and want them early. */
static void vshm_sink_init(VshmSink *self)
{
	g_mutex_init(&self->lock);
	self->channel = -1;
	gst_base_sink_set_sync(GST_BASE_SINK(self), FALSE);
	gst_base_sink_set_last_sample_enabled(GST_BASE_SINK(self), FALSE); /* it would keep an encoder's buffer */
}

static void vshm_sink_class_init(VshmSinkClass *class)
{
	GObjectClass *object = G_OBJECT_CLASS(class);
	GstElementClass *element = GST_ELEMENT_CLASS(class);
	GstBaseSinkClass *sink = GST_BASE_SINK_CLASS(class);

	object->finalize = finalize;
	sink_install_properties(object);
	gst_element_class_set_static_metadata(element, "Shared memory ring sink", "Sink/Video/Audio",
										  "Writes video or sound into a ring in shared memory", "video-shm");
	gst_element_class_add_pad_template(element, gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
																	 gst_caps_from_string(FORMATS_ALL)));
	sink->start = start;
	sink->stop = stop;
	sink->set_caps = set_caps;
	sink->render = render;
	sink->propose_allocation = propose_allocation;
}
