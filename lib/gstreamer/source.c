/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include "formats.h"
#include "options.h"
#include "source_properties.h"
#include "source_reading.h"
#include "source_stamping.h"
#include "source_uri.h"
#include "stream.h"

GST_DEBUG_CATEGORY(vshm_source_debug);
#define GST_CAT_DEFAULT vshm_source_debug

G_DEFINE_TYPE_WITH_CODE(VshmSource, vshm_source, GST_TYPE_PUSH_SRC,
						G_IMPLEMENT_INTERFACE(GST_TYPE_URI_HANDLER, source_init_uri))

/* ---- states ---- */

static gboolean start(GstBaseSrc *base)
{
	VshmSource *self = VSHM_SOURCE(base);

	GST_OBJECT_LOCK(self);
	self->name = option_ring_name(self->ring, self->channel, VIDEO_SHM_NAME);
	latency_reset(&self->latency);
	self->figures = (video_shm_info_t){0};
	GST_OBJECT_UNLOCK(self);
	self->has_format = self->looked_for_sets = FALSE;
	source_reset_times(self);
	if (source_look(self))
		return TRUE;
	g_clear_pointer(&self->name, g_free);
	return FALSE;
}

static gboolean stop(GstBaseSrc *base)
{
	VshmSource *self = VSHM_SOURCE(base);

	source_leave(self);
	gst_clear_caps(&self->caps);
	g_clear_pointer(&self->name, g_free);
	return TRUE;
}

static gboolean unlock(GstBaseSrc *base)
{
	source_interrupt(VSHM_SOURCE(base));
	return TRUE;
}

static gboolean unlock_stop(GstBaseSrc *base)
{
	source_resume(VSHM_SOURCE(base));
	return TRUE;
}

/* The base class would take a seek that is sent to the element itself for done. */
static gboolean send_event(GstElement *element, GstEvent *event)
{
	if (GST_EVENT_TYPE(event) != GST_EVENT_SEEK)
		return GST_ELEMENT_CLASS(vshm_source_parent_class)->send_event(element, event);
	gst_event_unref(event);
	return FALSE;
}

/* ---- what it can do, and how late it is ---- */

/* What the ring can keep until it is read: all slots but the one that is written next. */
static GstClockTime longest(const VshmSource *self, GstClockTime shortest)
{
	const GstClockTime duration = self->has_format ? format_duration(&self->format) : GST_CLOCK_TIME_NONE;

	if (!GST_CLOCK_TIME_IS_VALID(duration) || self->figures.slots == 0)
		return GST_CLOCK_TIME_NONE;
	return shortest + (self->figures.slots - 1) * duration;
}

static gboolean query(GstBaseSrc *base, GstQuery *query)
{
	VshmSource *self = VSHM_SOURCE(base);

	if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
		return GST_BASE_SRC_CLASS(vshm_source_parent_class)->query(base, query);
	GST_OBJECT_LOCK(self);
	gst_query_set_latency(query, TRUE, self->latency.told_ns, longest(self, self->latency.told_ns));
	GST_OBJECT_UNLOCK(self);
	return TRUE;
}

static void take_latency(VshmSource *self, const video_shm_view_t *view)
{
	gboolean has_grown;

	GST_OBJECT_LOCK(self);
	has_grown = latency_take(&self->latency, view->capture_ns, view->publish_ns);
	GST_OBJECT_UNLOCK(self);
	if (has_grown)
		gst_element_post_message(GST_ELEMENT(self), gst_message_new_latency(GST_OBJECT(self)));
}

/* Nothing is known before the first frame; create negotiates then. */
static gboolean negotiate(GstBaseSrc *base)
{
	VshmSource *self = VSHM_SOURCE(base);
	GstCaps *wanted;
	gboolean fits;

	if (self->caps == NULL)
		return TRUE;
	wanted = gst_pad_peer_query_caps(GST_BASE_SRC_PAD(base), NULL);
	fits = gst_caps_can_intersect(self->caps, wanted);
	if (!fits)
		GST_ELEMENT_ERROR(self, STREAM, FORMAT,
						  ("Ring %s has %" GST_PTR_FORMAT ", which the next element does not take.",
						   self->name, (void *)self->caps),
						  ("it takes %" GST_PTR_FORMAT, (void *)wanted));
	gst_caps_unref(wanted);
	return fits && gst_base_src_set_caps(base, self->caps);
}

/* Sets the caps if the frame's are others than those of the frame before. */
static GstFlowReturn renegotiate(VshmSource *self, const video_frame_meta_t *meta)
{
	GstCaps *caps;

	if (self->has_format && format_is_same(&self->format, meta))
		return GST_FLOW_OK;
	caps = format_caps(meta);
	if (caps == NULL) {
		GST_ELEMENT_ERROR(
			self, STREAM, WRONG_TYPE,
			("Ring %s has frames of codec %u, which this version does not know.", self->name, meta->codec),
			(NULL));
		return GST_FLOW_ERROR;
	}
	gst_clear_caps(&self->caps);
	self->caps = caps;
	if (raw_is(meta->codec))
		gst_video_info_from_caps(&self->raw, caps);
	GST_OBJECT_LOCK(self);
	self->format = *meta;
	self->has_format = TRUE;
	self->looked_for_sets = FALSE;
	GST_OBJECT_UNLOCK(self);
	return gst_base_src_negotiate(GST_BASE_SRC(self)) ? GST_FLOW_OK : GST_FLOW_NOT_NEGOTIATED;
}

/* Raw pictures are large: their buffers come from a pool, the next element's if it has one. */
static gboolean decide_allocation(GstBaseSrc *base, GstQuery *query)
{
	VshmSource *self = VSHM_SOURCE(base);

	if (self->has_format && raw_is(self->format.codec) && gst_query_get_n_allocation_pools(query) == 0) {
		const guint size = (guint)GST_VIDEO_INFO_SIZE(&self->raw);
		GstBufferPool *pool = gst_video_buffer_pool_new();
		GstStructure *settings = gst_buffer_pool_get_config(pool);

		gst_buffer_pool_config_set_params(settings, self->caps, size, 0, 0);
		gst_buffer_pool_set_config(pool, settings);
		gst_query_add_allocation_pool(query, pool, size, 0, 0);
		gst_object_unref(pool);
	}
	return GST_BASE_SRC_CLASS(vshm_source_parent_class)->decide_allocation(base, query);
}

/* ---- frames ---- */

/* Returns a copy of the frame in *buffer. */
static GstFlowReturn copied(VshmSource *self, const video_shm_view_t *view, GstBuffer **buffer)
{
	GstBaseSrc *base = GST_BASE_SRC(self);
	GstFlowReturn result;

	if (!raw_is(view->meta.codec)) {
		*buffer = gst_buffer_new_memdup(view->data, view->meta.size);
		return GST_FLOW_OK;
	}
	*buffer = NULL;
	result = GST_BASE_SRC_GET_CLASS(base)->alloc(base, 0, (guint)GST_VIDEO_INFO_SIZE(&self->raw), buffer);
	if (result != GST_FLOW_OK || raw_copy_out(*buffer, &self->raw, view->data, &view->meta))
		return result;
	gst_clear_buffer(buffer);
	GST_ELEMENT_ERROR(
		self, STREAM, WRONG_TYPE,
		("A picture in ring %s has %u bytes, which is not its format's size: its writer is wrong.",
		 self->name, view->meta.size),
		(NULL));
	return GST_FLOW_ERROR;
}

/* Some encoders send them once, with their first keyframe: who begins later gets frames, and no decoder a
 * picture. */
static void look_for_parameter_sets(VshmSource *self, const video_shm_view_t *view, GstBuffer *buffer)
{
	GstMapInfo map;

	if (self->looked_for_sets || !view->meta.is_keyframe || !gst_buffer_map(buffer, &map, GST_MAP_READ))
		return;
	if (!stream_can_begin(view->meta.codec, map.data, map.size))
		GST_ELEMENT_WARNING(
			self, STREAM, DECODE,
			("A keyframe in ring %s has no parameter sets, so that nobody can begin to decode there: let its "
			 "writer's encoder repeat them with each.",
			 self->name),
			(NULL));
	self->looked_for_sets = TRUE;
	gst_buffer_unmap(buffer, &map);
}

/* A frame is copied, always: a buffer lives as long as anybody downstream likes, and the writer waits for
 * nobody. */
static GstFlowReturn create(GstPushSrc *base, GstBuffer **out)
{
	VshmSource *self = VSHM_SOURCE(base);

	for (;;) {
		video_shm_view_t view;
		GstFlowReturn result = source_next(self, &view);
		GstBuffer *buffer = NULL;
		gboolean is_whole;

		if (result != GST_FLOW_OK)
			return result;
		result = renegotiate(self, &view.meta);
		if (result == GST_FLOW_OK)
			result = copied(self, &view, &buffer);
		is_whole = source_give_back(self, &view);
		if (result != GST_FLOW_OK)
			return result;
		if (!is_whole) {
			self->times.torn++;
			gst_buffer_unref(buffer);
			continue;
		}
		take_latency(self, &view);
		look_for_parameter_sets(self, &view, buffer);
		source_stamp(self, buffer, &view);
		*out = buffer;
		return GST_FLOW_OK;
	}
}

/* ---- the class ---- */

static void finalize(GObject *object)
{
	VshmSource *self = VSHM_SOURCE(object);

	g_free(self->ring);
	gst_caps_unref(self->unix_time);
	g_mutex_clear(&self->lock);
	g_cond_clear(&self->woken);
	G_OBJECT_CLASS(vshm_source_parent_class)->finalize(object);
}

static void vshm_source_init(VshmSource *self)
{
	g_mutex_init(&self->lock);
	g_cond_init(&self->woken);
	self->ring = g_strdup(VIDEO_SHM_NAME);
	self->channel = -1;
	self->start = VIDEO_SHM_START_KEYFRAME;
	self->resync = TRUE;
	self->unix_time = gst_caps_new_empty_simple("timestamp/x-unix");
	gst_base_src_set_live(GST_BASE_SRC(self), TRUE);
	gst_base_src_set_format(GST_BASE_SRC(self), GST_FORMAT_TIME);
}

static void vshm_source_class_init(VshmSourceClass *class)
{
	GObjectClass *object = G_OBJECT_CLASS(class);
	GstElementClass *element = GST_ELEMENT_CLASS(class);
	GstBaseSrcClass *source = GST_BASE_SRC_CLASS(class);

	GST_DEBUG_CATEGORY_INIT(vshm_source_debug, "vshmsrc", 0, "frames from a ring in shared memory");
	object->finalize = finalize;
	source_install_properties(object);
	gst_element_class_set_static_metadata(element, "Shared memory ring source", "Source/Video/Audio",
										  "Reads video or sound from a ring in shared memory", "video-shm");
	gst_element_class_add_pad_template(
		element, gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, gst_caps_from_string(FORMATS_ALL)));
	element->send_event = send_event;
	source->start = start;
	source->stop = stop;
	source->unlock = unlock;
	source->unlock_stop = unlock_stop;
	source->query = query;
	source->negotiate = negotiate;
	source->decide_allocation = decide_allocation;
	GST_PUSH_SRC_CLASS(class)->create = create;
}
