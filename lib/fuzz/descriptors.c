/* SPDX-License-Identifier: Apache-2.0 */
#include "descriptors.h"

#include <string.h>

#include "host.h"

#define DESCRIPTORS 32

static struct description descriptions[DESCRIPTORS];
static struct description *table[DESCRIPTORS];

static int lowest_free(int least)
{
	while (table[least] != NULL)
		MUST(++least < DESCRIPTORS);
	return least;
}

int descriptor_make(struct memory_file *file, const char *text, int flags)
{
	const int fd = lowest_free(host_kind() == HOST_CLOSED_STREAMS ? 0 : 3);
	struct description *description = descriptions;

	while (description->descriptors != 0)
		MUST(++description < descriptions + DESCRIPTORS);
	description->number = (int)(description - descriptions) + 1;
	description->descriptors = 1;
	description->file = file;
	description->flags = flags;
	description->text[0] = '\0';
	if (file != NULL)
		file->opens++;
	else
		(void)snprintf(description->text, sizeof(description->text), "%s", text);
	table[fd] = description;
	return fd;
}

struct description *descriptor_find(int fd)
{
	return fd >= 0 && fd < DESCRIPTORS ? table[fd] : NULL;
}

int descriptor_again(int fd, int least)
{
	const int again = lowest_free(least);

	table[again] = table[fd];
	table[again]->descriptors++;
	return again;
}

void descriptor_close(int fd)
{
	struct description *description = descriptor_find(fd);
	struct memory_file *file;

	MUST(description != NULL); /* twice, or somebody else's */
	table[fd] = NULL;
	file = description->file;
	if (--description->descriptors != 0 || file == NULL)
		return;
	if (file->holder == description->number)
		file->holder = 0;
	if (file->claimer == description->number)
		file->claimer = 0;
	file->opens--;
	memory_forget(file);
}

void descriptors_spare_streams(void)
{
	for (int fd = 0; fd < 3; fd++)
		MUST(table[fd] == NULL);
}

void descriptors_must_be_closed(void)
{
	for (int fd = 0; fd < DESCRIPTORS; fd++)
		MUST(table[fd] == NULL);
}
