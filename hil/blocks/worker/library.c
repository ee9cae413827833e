/* SPDX-License-Identifier: Apache-2.0 */
#include "library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_BROKEN 1

_Noreturn void die(const char *what)
{
	fprintf(stderr, "block worker: %s: %s\n", what, strerror(errno));
	_exit(EXIT_BROKEN);
}

static void *call(void *loaded, const char *name)
{
	void *address = dlsym(loaded, name);

	if (address != NULL)
		return address;
	fprintf(stderr, "block worker: the library has no %s\n", name);
	_exit(EXIT_BROKEN);
}

void library_load(struct library *library)
{
	const char *const path = getenv("VSHM_LIBRARY");
	void *const loaded = path != NULL ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;

	if (loaded == NULL) {
		fprintf(stderr, "block worker: can't load VSHM_LIBRARY: %s\n", path != NULL ? dlerror() : "not set");
		_exit(EXIT_BROKEN);
	}
	/* By POSIX, a function pointer fits into an object pointer. */
	*(void **)&library->producer_init_channel = call(loaded, "video_shm_producer_init_channel");
	*(void **)&library->producer_write = call(loaded, "video_shm_producer_write");
	*(void **)&library->producer_destroy = call(loaded, "video_shm_producer_destroy");
	*(void **)&library->consumer_init_channel = call(loaded, "video_shm_consumer_init_channel");
	*(void **)&library->consumer_wait = call(loaded, "video_shm_consumer_wait");
	*(void **)&library->consumer_stats = call(loaded, "video_shm_consumer_stats");
	*(void **)&library->consumer_destroy = call(loaded, "video_shm_consumer_destroy");
}
