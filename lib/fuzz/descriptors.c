/* SPDX-License-Identifier: Apache-2.0 */
#include "descriptors.h"

#include <string.h>

#include "host.h"

#define DESCRIPTORS 32
#define MAPPINGS 32

static struct description descriptions[DESCRIPTORS];
static struct description strangers = {.number = -1};
static struct description *table[DESCRIPTORS];
static bool lost[DESCRIPTORS]; /* closed by the program, and nobody's since */
static bool any_lost;          /* then two handles of one ring may have the same number, and one closes it */

static struct {
	const void *base;
	struct description *description; /* NULL: it is free */
} mappings[MAPPINGS];

static int lowest_free(int least)
{
	while (table[least] != NULL)
		MUST(++least < DESCRIPTORS);
	lost[least] = false;
	return least;
}

int fd_make(struct memory_file *file, const char *text, int flags)
{
	const int fd = lowest_free(host_kind() == HOST_CLOSED_STREAMS ? 0 : 3);
	struct description *description = descriptions;

	while (description->descriptors + description->mappings != 0)
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

struct description *fd_find(int fd)
{
	return fd >= 0 && fd < DESCRIPTORS ? table[fd] : NULL;
}

enum fd_owner fd_owner(int fd)
{
	const struct description *description = fd_find(fd);

	if (description == &strangers)
		return FD_STRANGERS;
	MUST(description != NULL || fd < 0 || (fd < DESCRIPTORS && lost[fd]));
	return description != NULL ? FD_OURS : FD_NOBODYS;
}

struct memory_file *fd_file(int fd)
{
	MUST(fd_owner(fd) == FD_OURS && table[fd]->file != NULL);
	return table[fd]->file;
}

int fd_again(int fd, int least)
{
	const int again = lowest_free(least);

	table[again] = table[fd];
	table[again]->descriptors++;
	return again;
}

static void forget(struct description *description)
{
	struct memory_file *file = description->file;

	if (description->descriptors + description->mappings != 0 || file == NULL)
		return;
	if (file->holder == description->number)
		file->holder = 0;
	if (file->claimer == description->number)
		file->claimer = 0;
	file->opens--;
	memory_forget(file);
}

void fd_close(int fd)
{
	struct description *description = fd_find(fd);

	MUST(description != NULL && description != &strangers); /* twice, or somebody else's */
	table[fd] = NULL;
	lost[fd] = any_lost;
	description->descriptors--;
	forget(description);
}

void fd_map(int fd, const void *base)
{
	int at = 0;

	while (mappings[at].description != NULL)
		MUST(++at < MAPPINGS);
	mappings[at].base = base;
	mappings[at].description = table[fd];
	table[fd]->mappings++;
}

void fd_unmap(const void *base)
{
	struct description *description;
	int at = 0;

	while (mappings[at].description == NULL || mappings[at].base != base)
		MUST(++at < MAPPINGS);
	description = mappings[at].description;
	mappings[at].description = NULL;
	description->mappings--;
	forget(description);
}

void fds_lose(uint32_t taken)
{
	any_lost = true;
	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		if (table[fd] == NULL)
			continue;
		if (table[fd] != &strangers)
			fd_close(fd);
		lost[fd] = (taken >> fd % 8 & 1) == 0;
		table[fd] = lost[fd] ? NULL : &strangers;
	}
}

void fds_spare_streams(void)
{
	for (int fd = 0; fd < 3; fd++)
		MUST(table[fd] == NULL);
}

void fds_must_be_closed(void)
{
	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		MUST(table[fd] == NULL || table[fd] == &strangers);
		table[fd] = NULL;
		lost[fd] = any_lost = false;
	}
	for (int at = 0; at < MAPPINGS; at++)
		MUST(mappings[at].description == NULL);
}
