/* SPDX-License-Identifier: Apache-2.0 */
#include "source_reading.h"

#include <errno.h>

#include "capture_time.h"
#include "options.h"
#include "problems.h"

#define LONGEST_WAIT_MS 3600000u
#define BETWEEN_LOOKS_US (100 * G_TIME_SPAN_MILLISECOND) /* as long as there is no ring */
#define SLOTS_LOOKED_AT 64

GST_DEBUG_CATEGORY_EXTERN(vshm_source_debug);
#define GST_CAT_DEFAULT vshm_source_debug

/* Whether a ring can still come to be where there is none that can be joined. */
static gboolean is_not_yet(const VshmSource *self, int problem)
{
	return (problem == ENOENT || problem == EAGAIN) && self->when_gone == WHEN_GONE_WAIT;
}

/* The original's newest version writes no ring without a number: its channel 0 stands in for that. */
static void choose_name(VshmSource *self)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};
	char *channel_0;

	if (g_strcmp0(self->name, VIDEO_SHM_NAME) != 0 || video_shm_inspect(self->name, &info) == 0)
		return;
	channel_0 = g_strdup(VIDEO_SHM_NAME "_ch0");
	if (errno == ENOENT && video_shm_inspect(channel_0, &info) == 0) {
		g_free(self->name);
		self->name = g_steal_pointer(&channel_0);
	}
	g_free(channel_0);
}

/* What the ring holds tells how old its frames are, before the pipeline asks. */
static void learn_latency(VshmSource *self, const video_shm_info_t *info)
{
	video_shm_slot_t slots[SLOTS_LOOKED_AT] = {{.struct_size = sizeof(slots[0])}};
	const int count = video_shm_inspect_slots(self->name, slots, SLOTS_LOOKED_AT);

	GST_OBJECT_LOCK(self);
	self->figures = *info;
	for (int i = 0; i < count; i++)
		if (slots[i].whole)
			(void)latency_take(&self->latency, slots[i].capture_ns, slots[i].publish_ns);
	GST_OBJECT_UNLOCK(self);
}

gboolean source_look(VshmSource *self)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	choose_name(self);
	if (video_shm_inspect(self->name, &info) != 0) {
		if (is_not_yet(self, errno))
			return TRUE;
		problem_of_reader(GST_ELEMENT(self), self->name, errno);
		return FALSE;
	}
	learn_latency(self, &info);
	return TRUE;
}

/* With the lock. Returns 0 or an errno. */
static int join(VshmSource *self)
{
	const video_shm_consumer_options_t options = {
		.struct_size = sizeof(options),
		.start = (uint32_t)self->start,
		.policy = (uint32_t)self->policy,
		.resync = self->resync != FALSE,
		.reconnect = self->when_gone == WHEN_GONE_WAIT,
		.name = self->name,
	};

	choose_name(self);
	if (video_shm_consumer_open(&self->consumer, &options) != 0)
		return errno;
	self->is_open = TRUE;
	GST_INFO_OBJECT(self, "joined ring %s", self->name);
	return 0;
}

/* Joins the ring if that was not done. Returns GST_FLOW_CUSTOM_SUCCESS if there is none yet, after a while.
 */
static GstFlowReturn joined(VshmSource *self)
{
	GstFlowReturn result = GST_FLOW_OK;
	int problem = 0;

	g_mutex_lock(&self->lock);
	if (self->flushing)
		result = GST_FLOW_FLUSHING;
	else if (!self->is_open && (problem = join(self)) != 0)
		result = is_not_yet(self, problem) ? GST_FLOW_CUSTOM_SUCCESS : GST_FLOW_ERROR;
	if (result == GST_FLOW_CUSTOM_SUCCESS)
		g_cond_wait_until(&self->woken, &self->lock, g_get_monotonic_time() + BETWEEN_LOOKS_US);
	g_mutex_unlock(&self->lock);
	if (result == GST_FLOW_ERROR)
		problem_of_reader(GST_ELEMENT(self), self->name, problem);
	return result;
}

/* After a call of the library that failed. GST_FLOW_OK: go on waiting. */
static GstFlowReturn failed(VshmSource *self, int problem)
{
	if (problem == EINTR)
		return GST_FLOW_OK;
	if (problem == EPIPE || problem == EOWNERDEAD) {
		GST_INFO_OBJECT(self, "the writer of ring %s %s", self->name,
						problem == EPIPE ? "closed it" : "died");
		self->times.broken = TRUE;
		if (self->when_gone == WHEN_GONE_WAIT)
			return GST_FLOW_OK;
		if (self->when_gone == WHEN_GONE_EOS)
			return GST_FLOW_EOS;
	}
	if (problem == EPROTO &&
		self->when_gone == WHEN_GONE_WAIT) { /* somebody else's, under this ring's name */
		GST_ELEMENT_WARNING(
			self, RESOURCE, READ,
			("What is called %s now is no ring that can be read: waiting for another.", self->name), (NULL));
		return GST_FLOW_OK;
	}
	problem_of_reader(GST_ELEMENT(self), self->name, problem);
	return GST_FLOW_ERROR;
}

/* Returns how long to wait for a frame, in ms as the library takes it: 0 is for ever, until source_interrupt.
 */
static guint32 patience_ms(guint64 now_ns, guint64 deadline_ns)
{
	if (deadline_ns == G_MAXUINT64)
		return 0;
	return (guint32)CLAMP((deadline_ns - now_ns) / GST_MSECOND, 1, LONGEST_WAIT_MS);
}

GstFlowReturn source_next(VshmSource *self, video_shm_view_t *view)
{
	const guint64 begin_ns = capture_now();
	const guint64 deadline_ns = self->timeout_ns != 0 && self->timeout_ns < G_MAXUINT64 - begin_ns
									? begin_ns + self->timeout_ns
									: G_MAXUINT64;

	for (guint64 now_ns = begin_ns; now_ns < deadline_ns; now_ns = capture_now()) {
		GstFlowReturn result = joined(self);
		int size;

		if (result == GST_FLOW_CUSTOM_SUCCESS)
			continue;
		if (result != GST_FLOW_OK)
			return result;
		*view = (video_shm_view_t){.struct_size = sizeof(*view)};
		size = video_shm_consumer_acquire(&self->consumer, view, patience_ms(now_ns, deadline_ns));
		if (size > 0)
			return GST_FLOW_OK;
		if (size < 0)
			result = failed(self, errno);
		if (result != GST_FLOW_OK)
			return result;
	}
	problem_of_reader(GST_ELEMENT(self), self->name, ETIMEDOUT);
	return GST_FLOW_ERROR;
}

gboolean source_give_back(VshmSource *self, video_shm_view_t *view)
{
	const gboolean is_whole = video_shm_consumer_release(&self->consumer, view) == 0;
	video_shm_info_t figures = {.struct_size = sizeof(figures)};

	if (video_shm_consumer_info(&self->consumer, &figures) == 0) {
		GST_OBJECT_LOCK(self);
		self->figures = figures;
		GST_OBJECT_UNLOCK(self);
	}
	return is_whole;
}

void source_interrupt(VshmSource *self)
{
	g_mutex_lock(&self->lock);
	self->flushing = TRUE;
	if (self->is_open)
		video_shm_consumer_interrupt(&self->consumer);
	g_cond_signal(&self->woken);
	g_mutex_unlock(&self->lock);
}

void source_resume(VshmSource *self)
{
	g_mutex_lock(&self->lock);
	self->flushing = FALSE;
	g_mutex_unlock(&self->lock);
}

void source_leave(VshmSource *self)
{
	g_mutex_lock(&self->lock);
	if (self->is_open)
		video_shm_consumer_destroy(&self->consumer);
	self->is_open = FALSE;
	g_mutex_unlock(&self->lock);
}
