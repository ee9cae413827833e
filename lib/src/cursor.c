/* SPDX-License-Identifier: Apache-2.0 */
#include "cursor.h"
#include "hot.h"

/* Returns the oldest frame that may be whole. Without stamps, the slot being written is never whole. */
HOT static uint64_t oldest_frame(const struct ring *ring, uint64_t frames)
{
	const uint64_t first = ring_first_frame(ring);
	const uint64_t reach = ring->geometry.slots - (ring->extension == NULL);

	return frames > reach && frames - reach > first ? frames - reach : (first < frames ? first : frames);
}

COLD void cursor_break(struct cursor *cursor)
{
	cursor->discontinuity = true;
	cursor->awaiting_keyframe = cursor->awaiting_keyframe || cursor->resync;
	cursor->restarted = false;
}

void cursor_restart(struct cursor *cursor)
{
	cursor->restarted = true;
}

/* Returns the oldest whole frame: the writer may be overwriting the oldest one already. */
COLD static uint64_t first_whole(const struct ring *ring, uint64_t oldest, uint64_t frames)
{
	struct ring_look look;

	while (oldest < frames && !ring_look(ring, oldest, &look))
		oldest++;
	return oldest;
}

/* Finds the last keyframe in the ring. Returns false if there is none. */
static bool last_keyframe(const struct ring *ring, uint64_t oldest, uint64_t frames, uint64_t *frame)
{
	struct ring_look look;

	for (*frame = frames; *frame > oldest;) {
		--*frame;
		if (ring_look(ring, *frame, &look) && ring_is_keyframe(&look.meta))
			return true;
	}
	return false;
}

/* Sets how many keyframes were written before next, if that can be told; before frame 0 there are none. */
COLD static void count_keyframes(struct cursor *cursor, const struct ring *ring)
{
	struct ring_look look;

	cursor->keyframes = 0;
	cursor->keyframes_known = true;
	if (cursor->next == 0)
		return;
	if (ring_look(ring, cursor->next - 1, &look))
		cursor->keyframes = look.keyframes;
	else if (cursor->next < ring_frames(ring, cursor->next) && ring_look(ring, cursor->next, &look))
		cursor->keyframes = look.keyframes - ring_is_keyframe(&look.meta);
	else
		cursor->keyframes_known = false;
}

/* Counts all unclear frames as missed, since it will never be known which of them were keyframes. */
COLD static void give_up_unclear(struct cursor *cursor)
{
	cursor->span += cursor->unclear;
	cursor->missed += cursor->unclear;
	cursor->unclear = 0;
}

void cursor_place(struct cursor *cursor, const struct ring *ring, uint32_t start)
{
	const uint64_t frames = ring_frames(ring, cursor->next);
	const uint64_t oldest = oldest_frame(ring, frames);
	uint64_t keyframe;

	cursor->awaiting_keyframe = cursor->resync || start == VIDEO_SHM_START_KEYFRAME;
	cursor->next = frames;
	if (start == VIDEO_SHM_START_OLDEST)
		cursor->next = first_whole(ring, oldest, frames);
	else if (start == VIDEO_SHM_START_NEWEST)
		cursor->next = frames > oldest ? frames - 1 : frames;
	else if (start == VIDEO_SHM_START_KEYFRAME && last_keyframe(ring, oldest, frames, &keyframe))
		cursor->next = keyframe;
	count_keyframes(cursor, ring);
}

void cursor_move_to(struct cursor *cursor, const struct ring *ring, uint64_t first)
{
	const uint64_t frames = ring_frames(ring, first);

	give_up_unclear(cursor);
	cursor->next = first < frames ? first : frames;
	count_keyframes(cursor, ring);
	cursor->torn = 0;
	cursor_break(cursor);
}

void cursor_move(struct cursor *cursor, const struct ring *ring)
{
	const uint64_t frames = ring_frames(ring, ring->extension != NULL ? cursor->next : 0);

	/* A ring that continues the numbering begins no earlier than our position; version 1 never continues it.
	 * Any other ring has started at 0, and all its frames are new to us, also those that it holds no more.
	 * What a version 1 ring started at is not known. */
	if (ring->extension == NULL || frames < cursor->next || ring_first_frame(ring) < cursor->next) {
		give_up_unclear(cursor);
		cursor->next = ring->extension != NULL ? ring_first_frame(ring) : oldest_frame(ring, frames);
		count_keyframes(cursor, ring);
	}
	cursor->torn = 0;
	cursor_break(cursor);
}

/* Whether a frame that is no keyframe, as each JPEG is, leans on those before it: in video, not in audio. */
HOT static bool leans(const struct ring_look *look)
{
	return look->meta.codec < VIDEO_SHM_CODEC_PCM_S16LE;
}

/* Counts the frames before upto as lost. */
COLD static void lose(struct cursor *cursor, const struct ring *ring, uint64_t upto)
{
	const uint64_t lost = upto - cursor->next;

	if (cursor->restarted) /* the frame that says so may be among them */
		cursor_break(cursor);
	cursor->next = upto;
	if (cursor->policy == VIDEO_SHM_POLICY_KEYFRAMES && ring->extension != NULL && cursor->keyframes_known) {
		cursor->unclear += lost;
		return;
	}
	cursor->span += lost;
	if (cursor->policy == VIDEO_SHM_POLICY_NEWEST)
		cursor->skipped += lost;
	else
		cursor->missed += lost;
	cursor->awaiting_keyframe = cursor->awaiting_keyframe || cursor->resync;
}

static void skip(struct cursor *cursor, uint64_t upto)
{
	cursor->span += upto - cursor->next;
	cursor->skipped += upto - cursor->next;
	cursor->next = upto;
}

/* Divides the unclear frames into missed and skipped ones, by the number of keyframes up to this frame. */
COLD static void clear_up(struct cursor *cursor, const struct ring_look *look)
{
	const uint64_t before = look->keyframes - ring_is_keyframe(&look->meta);
	uint64_t lost_keyframes = before > cursor->keyframes ? before - cursor->keyframes : 0;

	if (lost_keyframes > cursor->unclear)
		lost_keyframes = cursor->unclear;
	cursor->span += cursor->unclear;
	cursor->missed += lost_keyframes;
	cursor->skipped += cursor->unclear - lost_keyframes;
	cursor->unclear = 0;
	cursor->keyframes = before; /* so that they are not counted again if this frame is lost too */
	cursor->awaiting_keyframe = cursor->awaiting_keyframe || (lost_keyframes > 0 && cursor->resync);
}

/* Moves past frames that are gone, and past those that the policy does not want. frames is the count. */
HOT static void catch_up(struct cursor *cursor, const struct ring *ring, uint64_t frames)
{
	uint64_t oldest = oldest_frame(ring, frames);

	if (cursor->torn > 0 && oldest < frames) {
		/* The writer overtook our copy at the oldest frame: keep twice the distance each time, up to the
		 * newest frame. */
		const uint64_t margin = UINT64_C(1) << (cursor->torn < 12 ? cursor->torn : 12);

		oldest = frames - oldest > margin ? oldest + margin : frames - 1;
	}
	if (cursor->next < oldest)
		lose(cursor, ring, oldest);
	if (cursor->policy == VIDEO_SHM_POLICY_NEWEST && !cursor->awaiting_keyframe &&
		cursor->next < frames - 1) {
		cursor->awaiting_keyframe = cursor->resync;
		if (cursor->restarted)
			cursor_break(cursor);
		if (!cursor->awaiting_keyframe)
			skip(cursor, frames - 1);
	}
}

HOT static bool wanted(const struct cursor *cursor, const struct ring_look *look)
{
	if (ring_is_keyframe(&look->meta))
		return true;
	return cursor->policy != VIDEO_SHM_POLICY_KEYFRAMES && !(cursor->awaiting_keyframe && leans(look));
}

/* Starts again after the ring's count was set back, which no writer of ours does. */
COLD static void begin_again(struct cursor *cursor, const struct ring *ring, uint64_t frames)
{
	give_up_unclear(cursor);
	cursor->next = frames;
	count_keyframes(cursor, ring);
	cursor_break(cursor);
}

HOT bool cursor_find(struct cursor *cursor, const struct ring *ring, struct ring_look *look)
{
	uint64_t frames = ring_frames(ring, cursor->next);

	if (frames < cursor->next)
		begin_again(cursor, ring, frames);
	while (cursor->next < frames) {
		catch_up(cursor, ring, frames);
		if (cursor->next == frames) /* it has not held any frame yet */
			break;
		if (!ring_look(ring, cursor->next, look)) {
			const uint64_t before = frames;

			/* It was emptied after a crash, or overwritten meanwhile. Or, in version 1, frames came between
			 * our reading of its two counters: then look again, which ends when the frame is out of reach. */
			frames = ring_frames(ring, cursor->next);
			if (frames <= before)
				lose(cursor, ring, cursor->next + 1);
			continue;
		}
		if (cursor->unclear > 0)
			clear_up(cursor, look);
		if (look->flags & VIDEO_SHM_FLAG_DISCONTINUITY)
			cursor_break(cursor);
		if (wanted(cursor, look))
			return true;
		cursor->keyframes = look->keyframes;
		cursor->keyframes_known = true;
		skip(cursor, cursor->next + 1);
	}
	return false;
}

HOT void cursor_take(struct cursor *cursor, const struct ring_look *look, bool whole)
{
	cursor->next = look->frame + 1;
	cursor->span++;
	cursor->keyframes = look->keyframes;
	cursor->keyframes_known = true;
	if (!whole) {
		cursor->missed++;
		cursor->torn++;
		cursor->awaiting_keyframe = cursor->awaiting_keyframe || cursor->resync;
		return;
	}
	cursor->received++;
	cursor->torn = 0;
	cursor->awaiting_keyframe = false;
	cursor->discontinuity = false;
	cursor->missed_at_take = cursor->missed;
}
