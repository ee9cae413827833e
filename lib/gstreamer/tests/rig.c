/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include "frames.h"

#define SIZE(frame) (100 + (guint32)(frame) % 50)

void rig_start_writer(struct rig *rig)
{
	const video_shm_producer_options_t options = {
		.struct_size = sizeof(options), .slots = 8, .slot_size = 4096, .name = rig->ring};

	CHECK_EQ(video_shm_producer_open(&rig->producer, &options), 0);
}

void rig_open(struct rig *rig)
{
	*rig = (struct rig){.ring = fresh_name()};
	rig->meta = (video_frame_meta_t){.codec = VIDEO_SHM_CODEC_H264, .width = 320, .height = 240, .fps = 25};
	gst_init(NULL, NULL);
	rig_start_writer(rig);
}

/* Makes the element, alone in its harness, with one pad. */
static void make(struct rig *rig, const char *element, const char *properties, gboolean is_source)
{
	char *description = g_strdup_printf("%s ring=%s %s", element, rig->ring, properties);
	GstElement *made = gst_parse_launch(description, NULL);

	CHECK(made != NULL);
	rig->bus = gst_bus_new();
	gst_element_set_bus(made, rig->bus);
	rig->harness = gst_harness_new_with_element(made, is_source ? NULL : "sink", is_source ? "src" : NULL);
	gst_object_unref(made);
	g_free(description);
}

void rig_make_source(struct rig *rig, const char *properties)
{
	make(rig, "vshmsrc", properties, TRUE);
}

void rig_make_sink(struct rig *rig, const char *properties, const char *caps)
{
	if (rig->ring == NULL) {
		rig->ring = fresh_name();
		gst_init(NULL, NULL);
	}
	make(rig, "vshmsink", properties, FALSE);
	gst_harness_use_systemclock(rig->harness);
	gst_harness_play(rig->harness);
	gst_harness_set_src_caps_str(rig->harness, caps);
}

void rig_play(struct rig *rig, const char *properties)
{
	rig_make_source(rig, properties);
	gst_harness_use_systemclock(rig->harness);
	gst_harness_play(rig->harness);
}

/* What the leaks tracer counts: elements, pads, buffers, events, caps. */
static void nothing_is_left(void)
{
	GList *tracers = gst_tracing_get_active_tracers();
	GstStructure *alive = NULL;
	const GValue *list;

	CHECK(tracers != NULL);
	g_signal_emit_by_name(tracers->data, "get-live-objects", &alive);
	list = gst_structure_get_value(alive, "live-objects-list");
	for (guint at = 0; at < gst_value_list_get_size(list); at++) {
		char *text = g_strdup_value_contents(gst_value_list_get_value(list, at));

		fprintf(stderr, "left: %s\n", text);
		g_free(text);
	}
	CHECK_EQ(gst_value_list_get_size(list), 0);
	gst_structure_free(alive);
	g_list_free_full(tracers, gst_object_unref);
}

void rig_close(struct rig *rig)
{
	if (rig->harness != NULL) {
		gst_element_set_bus(rig->harness->element, NULL);
		gst_harness_teardown(rig->harness);
		gst_object_unref(rig->bus);
	}
	video_shm_producer_destroy(&rig->producer);
	gst_task_cleanup_all(); /* threads that are about to end */
	nothing_is_left();
}

void put_frame(struct rig *rig, gboolean keyframe, guint64 capture_ns, guint32 flags)
{
	const video_frame_timing_t timing = {.capture_ns = capture_ns, .flags = flags};
	const guint32 size = SIZE(rig->frame);
	video_frame_meta_t meta = rig->meta;
	guint32 capacity;
	guint8 *data;

	meta.is_keyframe = keyframe != FALSE;
	CHECK_EQ(video_shm_producer_reserve(&rig->producer, &data, &capacity), 0);
	fill_pattern(data, size, rig->frame++);
	CHECK_EQ(video_shm_producer_commit(&rig->producer, size, &meta, &timing), 0);
}

GstBuffer *pull_frame(struct rig *rig, guint64 frame)
{
	GstBuffer *buffer = gst_harness_pull(rig->harness);
	GstMapInfo map;

	CHECK(buffer != NULL);
	CHECK_EQ(GST_BUFFER_OFFSET(buffer), frame);
	CHECK_EQ(GST_BUFFER_OFFSET_END(buffer), frame + 1);
	CHECK(gst_buffer_map(buffer, &map, GST_MAP_READ));
	CHECK_EQ(map.size, SIZE(frame));
	CHECK(has_pattern(map.data, (guint32)map.size, frame));
	gst_buffer_unmap(buffer, &map);
	return buffer;
}

void pull_frames(struct rig *rig, guint64 from, guint64 until)
{
	for (guint64 frame = from; frame < until; frame++)
		gst_buffer_unref(pull_frame(rig, frame));
}

GstEvent *pull_event(struct rig *rig, GstEventType type)
{
	for (;;) {
		GstEvent *event = gst_harness_pull_event(rig->harness);

		CHECK(event != NULL);
		if (GST_EVENT_TYPE(event) == type)
			return event;
		gst_event_unref(event);
	}
}

void await_message(struct rig *rig, GstMessageType type, const char *words)
{
	GstMessage *message = gst_bus_timed_pop_filtered(rig->bus, GST_CLOCK_TIME_NONE, type);
	GError *error;

	if (type == GST_MESSAGE_ERROR)
		gst_message_parse_error(message, &error, NULL);
	else
		gst_message_parse_warning(message, &error, NULL);
	if (strstr(error->message, words) == NULL)
		check_failed(__FILE__, __LINE__, words, "it said: %s", error->message);
	g_error_free(error);
	gst_message_unref(message);
}
