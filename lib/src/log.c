/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static video_shm_log_t log_callback;
static void *log_context;

void video_shm_set_log(video_shm_log_t callback, void *context)
{
	log_context = context;
	log_callback = callback;
}

void log_line(int level, const char *format, ...)
{
	const int saved = errno;
	char line[512];
	va_list arguments;

	if (log_callback == NULL)
		return;
	va_start(arguments, format);
	(void)vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	log_callback(level, line, log_context);
	errno = saved;
}
