/* SPDX-License-Identifier: Apache-2.0 */
#include "crash_watchers.h"

#include "check.h"
#include "crash_story.h"
#include "frames.h"

void watcher_open(struct watcher *watcher, const video_shm_consumer_options_t *options, bool borrows)
{
	*watcher = (struct watcher){.options = *options, .borrows = borrows};
	CHECK_EQ(video_shm_consumer_open(&watcher->consumer, options), 0);
}

/* A torn frame fails by its bytes, one handed out twice by its number. */
static void check_frame(struct watcher *watcher, const video_frame_meta_t *meta, const uint8_t *data)
{
	const video_shm_info_t info = info_of(&watcher->consumer);

	CHECK_EQ(meta->size, story_size(meta->sequence, meta->width));
	CHECK(has_pattern(data, meta->size, story_pattern(meta->sequence, meta->width)));
	CHECK_EQ(meta->height, 2);
	if (info.reattached != watcher->reattached) /* the ring's successor may count anew */
		watcher->any = false;
	CHECK(!watcher->any || meta->sequence > watcher->last);
	CHECK(watcher->options.policy != VIDEO_SHM_POLICY_KEYFRAMES || meta->is_keyframe);
	watcher->any = true;
	watcher->last = meta->sequence;
	watcher->reattached = info.reattached;
	watcher->received++;
}

/* Reads a frame as receive does, but by acquire and release. */
static int borrow_one(struct watcher *watcher)
{
	video_shm_view_t view = {.struct_size = sizeof(view)};
	const int size = video_shm_consumer_acquire(&watcher->consumer, &view, VIDEO_SHM_NO_WAIT);

	if (size <= 0)
		return size;
	CHECK_EQ(view.frame & UINT32_MAX, view.meta.sequence);
	watcher->last_flags = view.flags;
	check_frame(watcher, &view.meta, view.data);
	CHECK_EQ(video_shm_consumer_release(&watcher->consumer, &view), 0);
	return size;
}

static int copy_one(struct watcher *watcher)
{
	uint8_t data[STORY_SLOT_SIZE];
	video_frame_meta_t meta;
	const int size =
		video_shm_consumer_receive(&watcher->consumer, data, sizeof(data), &meta, VIDEO_SHM_NO_WAIT);

	if (size > 0)
		check_frame(watcher, &meta, data);
	return size;
}

void watcher_drain(struct watcher *watcher)
{
	int size;

	do {
		size = watcher->borrows ? borrow_one(watcher) : copy_one(watcher);
		if (size >= 0)
			continue;
		CHECK(errno == EOWNERDEAD || errno == EPIPE);
		if (errno == EOWNERDEAD) {
			watcher->dead++;
		} else if (watcher->options.reconnect) {
			watcher->closed++;
		} else {
			watcher->closed = 1; /* final: every call says so */
			return;
		}
	} while (size != 0);
}

void watcher_settle(struct watcher *watcher)
{
	for (int round = 0; round < 3; round++) {
		watcher_drain(watcher);
		story_clock_ahead(1000);
	}
	watcher_drain(watcher);
}

void watcher_hold(struct watcher *watcher)
{
	watcher->view.struct_size = sizeof(watcher->view);
	CHECK(video_shm_consumer_acquire(&watcher->consumer, &watcher->view, VIDEO_SHM_NO_WAIT) > 0);
}

void watcher_let_go(struct watcher *watcher)
{
	video_shm_view_t *view = &watcher->view;
	const video_frame_meta_t meta = view->meta;
	const bool whole = has_pattern(view->data, meta.size, story_pattern(meta.sequence, meta.width));
	const int lapped = video_shm_consumer_release(&watcher->consumer, view);

	CHECK(lapped == 0 || lapped == 1);
	CHECK(whole || lapped);
	watcher->any = true;
	watcher->last = meta.sequence;
	watcher->received += lapped == 0;
}

void watcher_close(struct watcher *watcher)
{
	const video_shm_info_t info = info_of(&watcher->consumer);

	CHECK_EQ(info.received, watcher->received);
	CHECK_EQ(info.received + info.missed + info.skipped, info.span);
	if (watcher->any && info.reattached == watcher->reattached)
		CHECK(info.next_frame > watcher->last);
	video_shm_consumer_destroy(&watcher->consumer);
}
