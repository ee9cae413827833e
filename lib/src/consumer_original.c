/* SPDX-License-Identifier: Apache-2.0 */
/* The original's calls that join a ring: their callers need a buffer of VIDEO_SHM_MAX_FRAME_SIZE bytes, and
 * do not notice a restart of the writer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "consumer.h"
#include "log.h"
#include "options.h"

#define POLICY_VARIABLE "VIDEO_SHM_POLICY"

/* Reads the policy from the environment, by which an old program can get the newest frame, as the original
 * gave it. Returns 0, or -1 with EINVAL. */
static int policy_of_environment(uint32_t *policy)
{
	static const char *const words[] = {"every", "newest", "keyframes"};
	const char *word = secure_getenv(POLICY_VARIABLE);

	*policy = VIDEO_SHM_POLICY_EVERY;
	if (word == NULL || word[0] == '\0')
		return 0;
	for (uint32_t at = 0; at < sizeof(words) / sizeof(*words); at++) {
		if (strcmp(word, words[at]) == 0) {
			*policy = at;
			return 0;
		}
	}
	log_line(VIDEO_SHM_LOG_WARNING, POLICY_VARIABLE "=%s: it can be every, newest or keyframes", word);
	log_deliver();
	errno = EINVAL;
	return -1;
}

static int init_as_original(video_shm_consumer_t *given, const char *name, const char *other)
{
	video_shm_consumer_options_t options = {
		.struct_size = sizeof(options),
		.reconnect = 1,
		.max_slot_size = VIDEO_SHM_MAX_FRAME_SIZE,
		.name = name,
	};

	consumer_clear(given);
	if (policy_of_environment(&options.policy) != 0)
		return -1;
	return consumer_open(given, &options, other);
}

int video_shm_consumer_init(video_shm_consumer_t *given)
{
	return init_as_original(given, VIDEO_SHM_NAME, VIDEO_SHM_NAME "_ch0");
}

int video_shm_consumer_init_channel(video_shm_consumer_t *given, int channel)
{
	char name[OPTIONS_CHANNEL_NAME_MAX];

	consumer_clear(given);
	if (options_channel_name(name, channel) != 0)
		return -1;
	return init_as_original(given, name, "");
}
