/* SPDX-License-Identifier: Apache-2.0 */
/* A side of several rings: one thread writes to them, and one thread waits for all of them. */
#include <errno.h>
#ifdef __has_include /* not every C library has the kernel's headers */
#if __has_include(<linux/filter.h>)
#include <linux/filter.h>
#include <linux/seccomp.h>
#endif
#endif
#include <stddef.h>
#include <sys/prctl.h>

#include "fleet.h"
#include "side.h"

#define RINGS 16u
#define FIRST_NUMBER SIDES /* the numbers before are those of the sides */
#define FUTEX_WAITV 449u

/* The rings of each side, as this process has them. */
static struct group {
	video_shm_producer_t producers[RINGS];
	video_shm_consumer_t consumers[RINGS];
	video_shm_consumer_t *all[RINGS];
	uint32_t written, received, at;
} groups[SIDES];

static void prepare_rings(struct side *side, unsigned number)
{
	side->number = number;
}

static void ring_name(char *name, size_t size, const struct side *side, unsigned ring)
{
	fleet_ring_name(name, size, FIRST_NUMBER + side->number * RINGS + ring);
}

/* Frames come from the rings in another order than they are searched. */
static unsigned ring_of(uint32_t frame)
{
	return frame * 7 % RINGS;
}

static void open_producers(struct side *side)
{
	char name[40];

	for (unsigned ring = 0; ring < RINGS; ring++) {
		const video_shm_producer_options_t options = {.struct_size = sizeof(options),
													  .slots = side->slots,
													  .slot_size = side->slot_bytes,
													  .name = name};

		ring_name(name, sizeof(name), side, ring);
		if (video_shm_producer_open(&groups[side->number].producers[ring], &options) != 0)
			fleet_die(name);
	}
}

static void close_producers(struct side *side)
{
	for (unsigned ring = 0; ring < RINGS; ring++)
		video_shm_producer_destroy(&groups[side->number].producers[ring]);
}

/* Each ring counts its own frames, so the metadata tells how many there were of all. */
static void write_to(const struct side *side, unsigned ring)
{
	struct group *group = &groups[side->number];
	const video_frame_meta_t meta = {.timestamp_ms = ++group->written, .codec = VIDEO_SHM_CODEC_H264};

	if (video_shm_producer_write(&group->producers[ring], side->source, side->frame_bytes, &meta) != 0)
		fleet_die("write");
}

static void write_to_one(struct side *side)
{
	write_to(side, RINGS / 2);
}

static void write_in_turn(struct side *side)
{
	write_to(side, ring_of(groups[side->number].written));
}

static void open_consumers(struct side *side)
{
	struct group *group = &groups[side->number];

	for (unsigned ring = 0; ring < RINGS; ring++) {
		char name[40];
		const video_shm_consumer_options_t options = {.struct_size = sizeof(options), .name = name};

		ring_name(name, sizeof(name), side, ring);
		if (video_shm_consumer_open(&group->consumers[ring], &options) != 0)
			fleet_die(name);
		group->all[ring] = &group->consumers[ring];
	}
}

/* Has the kernel refuse to wait for several words, as one does that is older than Linux 5.16. */
static void open_polled(struct side *side)
{
#ifdef BPF_STMT
	struct sock_filter refusal[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FUTEX_WAITV, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = {.len = sizeof(refusal) / sizeof(refusal[0]), .filter = refusal};

	open_consumers(side);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0)
		return;
#else
	(void)side;
	errno = ENOSYS;
#endif
	fleet_die("seccomp");
}

static void close_consumers(struct side *side)
{
	for (unsigned ring = 0; ring < RINGS; ring++)
		video_shm_consumer_destroy(&groups[side->number].consumers[ring]);
}

static uint32_t wait_any(struct side *side)
{
	struct group *group = &groups[side->number];
	video_frame_meta_t meta;
	int size;

	do {
		if (video_shm_consumer_wait_any(group->all, RINGS, 0, &group->at) != 1)
			fleet_die("wait_any");
		size = video_shm_consumer_receive(group->all[group->at], side->target, SIDE_FRAME_MAX, &meta,
										  VIDEO_SHM_NO_WAIT);
		if (size < 0 && errno == EPIPE) { /* at the end of a block, before the last frame of another ring */
			group->all[group->at] = NULL;
			size = 0;
		}
	} while (size == 0);
	if (size != (int)side->frame_bytes)
		fleet_die("receive");
	return (uint32_t)meta.timestamp_ms - 1;
}

static uint32_t wait_for_next(struct side *side)
{
	struct group *group = &groups[side->number];
	video_frame_meta_t meta;
	int size;

	do {
		size = video_shm_consumer_wait(&group->consumers[ring_of(group->received)], side->target, &meta, 0);
	} while (size == 0);
	if (size != (int)side->frame_bytes)
		fleet_die("wait");
	group->received = (uint32_t)meta.timestamp_ms;
	return group->received - 1;
}

static void no_discard(struct side *side)
{
	(void)side;
}

#define SEVERAL(write, open, wait)                                                                           \
	{                                                                                                        \
		prepare_rings, open_producers, write, close_producers, open, wait, close_consumers, no_discard       \
	}

const struct side_kind side_any_one = SEVERAL(write_to_one, open_consumers, wait_any);
const struct side_kind side_any_turn = SEVERAL(write_in_turn, open_consumers, wait_any);
const struct side_kind side_any_polled = SEVERAL(write_in_turn, open_polled, wait_any);
const struct side_kind side_each_turn = SEVERAL(write_in_turn, open_consumers, wait_for_next);
