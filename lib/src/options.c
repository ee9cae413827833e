/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "video_shm.h"

#define LARGEST 65536u /* a larger struct_size was never set */

static int refuse(void)
{
	errno = EINVAL;
	return -1;
}

int options_copy(void *known, uint32_t known_size, const void *given, uint32_t given_size)
{
	memset(known, 0, known_size);
	if (given == NULL)
		return 0;
	if (given_size < sizeof(uint32_t) || given_size > LARGEST)
		return refuse();
	for (uint32_t at = known_size; at < given_size; at++)
		if (((const uint8_t *)given)[at] != 0)
			return refuse();
	memcpy(known, given, given_size < known_size ? given_size : known_size);
	return 0;
}

int options_fill(void *given, uint32_t given_size, const void *known, uint32_t known_size)
{
	const size_t word = sizeof(uint32_t);

	if (given_size < word || given_size > LARGEST)
		return refuse();
	memset((uint8_t *)given + word, 0, given_size - word);
	memcpy((uint8_t *)given + word, (const uint8_t *)known + word,
		   (given_size < known_size ? given_size : known_size) - word);
	return 0;
}

int options_channel_name(char name[OPTIONS_CHANNEL_NAME_MAX], int channel)
{
	if (channel < 0)
		return refuse();
	(void)snprintf(name, OPTIONS_CHANNEL_NAME_MAX, VIDEO_SHM_NAME "_ch%d", channel);
	return 0;
}

const char *options_channel_suffix(const char *ring_name)
{
	const char *stem = &VIDEO_SHM_NAME[1];
	const char *suffix = ring_name + strlen(stem);

	if (strncmp(ring_name, stem, strlen(stem)) != 0)
		return NULL;
	if (suffix[0] != '\0' && (strncmp(suffix, "_ch", 3) != 0 || suffix[3] == '\0' ||
							  suffix[3 + strspn(suffix + 3, "0123456789")] != '\0'))
		return NULL;
	return suffix;
}
