/* SPDX-License-Identifier: Apache-2.0 */
#include "crash_story.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "frames.h"

struct story *story;

static uint32_t die_at;
static bool armed;
static bool own_shm;
static uint64_t ahead_ms;

void crash_point(void);
int crash_clock(clockid_t clock, struct timespec *time);

void crash_point(void)
{
	const int error = errno;

	if (armed && ++story->points == die_at) {
		(void)kill(getpid(), SIGKILL);
		for (;;)
			(void)pause();
	}
	errno = error;
}

int crash_clock(clockid_t clock, struct timespec *time)
{
	const int result = clock_gettime(clock, time);

	if (clock == CLOCK_MONOTONIC)
		time->tv_sec += (time_t)(ahead_ms / 1000);
	return result;
}

void story_begin(void)
{
	if (story == NULL) {
		story = mmap(NULL, sizeof(*story), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		CHECK(story != MAP_FAILED);
	}
	story->committed = story->begun = 0;
	story->points = 0;
}

void story_arm(uint32_t k)
{
	story->points = 0;
	die_at = k;
	armed = k != 0;
}

void story_clock_ahead(unsigned ms)
{
	ahead_ms += ms;
}

/*
 * Mounts it with huge pages if the kernel has them: making a version 1 ring takes a fifth of the time then. A
 * small ring has none, each of which would have to be cleared whole.
 */
static bool mount_shm(void)
{
	return mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777,huge=within_size") == 0 ||
		   mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777") == 0;
}

bool story_own_shm(void)
{
	own_shm =
		unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mount_shm();
	return own_shm;
}

/* "sem.video_sem_write_ch7" belongs to "video_stream_ch7". */
static bool belongs(const char *entry, const char *ring)
{
	const char *suffix = strrchr(ring, '_');

	if (strcmp(entry, ring) == 0)
		return true;
	return strstr(entry, "video_sem_") != NULL && strlen(entry) > strlen(suffix) &&
		   strcmp(entry + strlen(entry) - strlen(suffix), suffix) == 0;
}

bool story_shm_is_clean(const char *ring, bool may_hold_the_ring)
{
	DIR *directory = opendir("/dev/shm");
	const struct dirent *entry;
	bool clean = true;

	CHECK(directory != NULL);
	ring += ring[0] == '/';
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.' || (!own_shm && !belongs(entry->d_name, ring)) ||
			(may_hold_the_ring && belongs(entry->d_name, ring)))
			continue;
		fprintf(stderr, "left behind: /dev/shm/%s\n", entry->d_name);
		clean = false;
	}
	(void)closedir(directory);
	return clean;
}

uint32_t story_size(uint64_t frame, uint16_t who)
{
	return 100 + (uint32_t)(frame * 37 + who * 11u) % (STORY_SLOT_SIZE - 100);
}

uint64_t story_pattern(uint64_t frame, uint16_t who)
{
	return frame | (uint64_t)who << 40;
}

int story_write(video_shm_producer_t *producer, uint16_t who, bool keyframe)
{
	const video_frame_meta_t meta = {.is_keyframe = keyframe, .width = who, .height = 2, .fps = 30};
	video_shm_info_t info = {.struct_size = sizeof(info)};
	uint8_t data[STORY_SLOT_SIZE];
	int result;

	CHECK_EQ(video_shm_producer_info(producer, &info), 0);
	fill_pattern(data, story_size(info.frames, who), story_pattern(info.frames, who));
	story->begun = info.frames + 1;
	result = video_shm_producer_write(producer, data, story_size(info.frames, who), &meta);
	if (result == 0)
		story->committed = info.frames + 1;
	return result;
}
