/* SPDX-License-Identifier: Apache-2.0 */
#include "memory.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define POISON(at, size) ASAN_POISON_MEMORY_REGION(at, size)
#define UNPOISON(at, size) ASAN_UNPOISON_MEMORY_REGION(at, size)
#define IS_WHOLE(at, size) (__asan_region_is_poisoned(at, size) == NULL)
#else
#define POISON(at, size) ((void)(at), (void)(size))
#define UNPOISON(at, size) ((void)(at), (void)(size))
#define IS_WHOLE(at, size) ((void)(at), (void)(size), true)
#endif

#define FILES 16
#define GUARD ((size_t)16 << 20) /* more than a slot's stride on both sides */
#define MARGIN 65536u            /* poisoned ahead of what is mapped */
#define SMALL (4 * MARGIN)       /* all of it is poisoned when it is not mapped */
#define ALIGNMENT 64u            /* what the format asks for */
#define FIRST_INODE 1000

static struct memory_file files[FILES];
static uint64_t last_inode = FIRST_INODE;

/* ---- files ---- */

/* Maps the whole of the file's memory, between guards. */
static uint8_t *map_arena(int fd, int protection)
{
	uint8_t *base = mmap(NULL, MEMORY_CAPACITY + 2 * GUARD, PROT_NONE,
						 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	MUST(base != MAP_FAILED);
	MUST(mmap(base + GUARD, MEMORY_CAPACITY, protection, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED);
	return base + GUARD;
}

struct memory_file *memory_find(const char *path)
{
	for (int at = 0; at < FILES; at++)
		if (files[at].exists && strcmp(files[at].name, path) == 0)
			return &files[at];
	return NULL;
}

struct memory_file *memory_of(const uint8_t *data)
{
	for (int at = 0; at < FILES; at++)
		if (files[at].exists && files[at].data == data)
			return &files[at];
	abort();
}

struct memory_file *memory_make(mode_t mode, uid_t owner)
{
	struct memory_file *file = files;

	while (file->exists)
		MUST(++file < files + FILES);
	if (file->arena == NULL) {
		file->fd = memfd_create("fuzz", MFD_CLOEXEC);
		MUST(file->fd >= 0 && ftruncate(file->fd, (off_t)MEMORY_CAPACITY) == 0);
		file->arena = map_arena(file->fd, PROT_READ | PROT_WRITE);
	}
	file->exists = true;
	file->name[0] = '\0';
	file->opens = 0;
	file->kept = file->told = false;
	file->inode = ++last_inode;
	file->size = file->touchable = 0;
	file->data = file->arena + MEMORY_CAPACITY;
	file->mode = mode;
	file->owner = owner;
	file->holder = file->claimer = 0;
	file->spot_count = 0;
	return file;
}

static bool is_mapped(const struct memory_file *file)
{
	for (int at = 0; at < MEMORY_WINDOWS; at++)
		if (file->windows[at].mapped != 0)
			return true;
	return false;
}

/* A large part gives its memory back, as to zero it would take longer. */
static void clear(const struct memory_file *file, uint8_t *from, uint8_t *to)
{
	if (to - from <= MARGIN)
		memset(from, 0, (size_t)(to - from));
	else
		MUST(fallocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from - file->arena, to - from) ==
			 0);
}

static void note_spot(struct memory_file *file, uint8_t *at, size_t size)
{
	if (file->spot_count < MEMORY_SPOTS)
		file->spots[file->spot_count] = (struct memory_spot){at, size};
	if (file->spot_count <= MEMORY_SPOTS)
		file->spot_count++;
}

void memory_write(struct memory_file *file, uint64_t offset, const void *bytes, size_t size)
{
	MUST(offset + size <= file->size);
	memcpy(file->data + offset, bytes, size);
	note_spot(file, file->data + offset, size);
}

/* Moves the data so that its new end is the arena's. */
static void move(struct memory_file *file, uint64_t size)
{
	uint8_t *former = file->data;

	file->data = file->arena + MEMORY_CAPACITY - (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (file->size != 0 && size != 0)
		memmove(file->data, former, size < file->size ? size : file->size);
	if (former < file->data)
		clear(file, former, file->data);
	else if (file->size != 0)
		clear(file, file->data + file->size, file->arena + MEMORY_CAPACITY);
}

void memory_resize(struct memory_file *file, uint64_t size)
{
	const bool in_use = file->touchable != 0 && (file->opens != 0 || is_mapped(file));
	const bool stays = in_use || file->size > MARGIN;

	MUST(size <= MEMORY_CAPACITY);
	if (stays && size > file->size)
		return;
	if (size < file->size)
		clear(file, file->data + size, file->data + file->size);
	if (!stays)
		move(file, size);
	file->size = size;
	if (!in_use)
		file->touchable = size;
}

void memory_forget(struct memory_file *file)
{
	if (!file->exists || file->kept || file->opens != 0 || file->name[0] != '\0' || is_mapped(file))
		return;
	if (file->spot_count > MEMORY_SPOTS || file->touchable <= MARGIN)
		clear(file, file->data, file->arena + MEMORY_CAPACITY);
	else
		for (unsigned at = 0; at < file->spot_count; at++)
			memset(file->spots[at].at, 0, file->spots[at].size);
	file->exists = false;
}

void memory_must_be_empty(void)
{
	for (int at = 0; at < FILES; at++) {
		MUST(!is_mapped(&files[at]));
		MUST(!files[at].exists);
	}
	last_inode = FIRST_INODE; /* what an input does depends on nothing that was before it */
}

/* ---- windows ---- */

static uint8_t *window_base(const struct memory_file *file, const struct memory_window *window)
{
	return window->arena + (file->data - file->arena);
}

/* Begin and end, with a margin before: enough of a large file, and what is behind its end is the guard's.
   Where the file before this one was a large one of another size, its begin lies in the midst of this one. */
static void poison(const struct memory_file *file, struct memory_window *window)
{
	const size_t begin = (size_t)(file->data - file->arena);
	const size_t from = begin > MARGIN ? begin - MARGIN : 0;

	UNPOISON(window->arena + window->poisoned, MARGIN + MARGIN);
	window->poisoned = from;
	if (MEMORY_CAPACITY - begin > SMALL) {
		POISON(window->arena + from, begin - from + MARGIN);
		POISON(window->arena + MEMORY_CAPACITY - SMALL - MARGIN, SMALL + MARGIN);
	} else {
		POISON(window->arena + from, MEMORY_CAPACITY - from);
	}
}

/* The rest of a large one was not poisoned. */
static void unpoison(const struct memory_file *file, const struct memory_window *window)
{
	const size_t size = window->mapped < file->touchable ? window->mapped : (size_t)file->touchable;
	uint8_t *base = window_base(file, window);

	if (file->data + SMALL < file->arena + MEMORY_CAPACITY) {
		UNPOISON(base, size < MARGIN ? size : MARGIN);
		UNPOISON(window->arena + MEMORY_CAPACITY - SMALL - MARGIN, SMALL + MARGIN);
	} else {
		UNPOISON(base, size);
	}
	MUST(IS_WHOLE(base, size));
}

void *memory_map(struct memory_file *file, size_t size, bool writable)
{
	struct memory_window *window = file->windows;
	const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;

	while (window->mapped != 0 || (window->arena != NULL && window->writable != writable))
		MUST(++window < file->windows + MEMORY_WINDOWS);
	if (window->arena == NULL)
		window->arena = map_arena(file->fd, protection);
	window->writable = writable;
	window->mapped = size;
	if (writable)
		file->spot_count = MEMORY_SPOTS + 1; /* who writes there, and where, is not known */
	poison(file, window);
	unpoison(file, window);
	return window_base(file, window);
}

static struct memory_file *find_window(const void *base, size_t size, struct memory_window **window)
{
	for (struct memory_file *file = files; file < files + FILES; file++) {
		for (*window = file->windows; *window < file->windows + MEMORY_WINDOWS; (*window)++) {
			if ((*window)->mapped != 0 && window_base(file, *window) == base) {
				MUST((*window)->mapped == size);
				return file;
			}
		}
	}
	abort();
}

void memory_replace(void *base, size_t size)
{
	struct memory_window *window;

	(void)find_window(base, size, &window);
	MUST(mmap(window->arena, MEMORY_CAPACITY, window->writable ? PROT_READ | PROT_WRITE : PROT_READ,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED);
	window->replaced = true;
}

void memory_unmap(void *base, size_t size)
{
	struct memory_window *window;
	struct memory_file *file = find_window(base, size, &window);

	if (window->replaced)
		MUST(mmap(window->arena, MEMORY_CAPACITY, window->writable ? PROT_READ | PROT_WRITE : PROT_READ,
				  MAP_SHARED | MAP_FIXED, file->fd, 0) != MAP_FAILED);
	window->replaced = false;
	poison(file, window);
	window->mapped = 0;
	memory_forget(file);
}
