/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cancel.h"

#define LINES 4 /* the most that one call logs */

struct line {
	int level;
	char text[512];
};

static video_shm_log_t log_callback;
static void *log_context;
static _Thread_local struct line waiting[LINES];
static _Thread_local unsigned waiting_count;

void video_shm_set_log(video_shm_log_t callback, void *context)
{
	log_context = context;
	log_callback = callback;
}

void log_line(int level, const char *format, ...)
{
	const int saved = errno;
	struct line *line;
	va_list arguments;

	if (log_callback == NULL || waiting_count == LINES)
		return;
	line = &waiting[waiting_count++];
	line->level = level;
	va_start(arguments, format);
	(void)vsnprintf(line->text, sizeof(line->text), format, arguments);
	va_end(arguments);
	errno = saved;
}

void log_deliver(void)
{
	const int saved = errno;
	struct line line;
	int cancel;

	if (waiting_count == 0)
		return;
	cancel = cancel_defer(); /* the callback may well print */
	/* Remove each line first: the callback may call the library again. */
	while (waiting_count > 0) {
		line = waiting[0];
		memmove(&waiting[0], &waiting[1], --waiting_count * sizeof(waiting[0]));
		if (log_callback != NULL)
			log_callback(line.level, line.text, log_context);
	}
	cancel_resume(cancel);
	errno = saved;
}
