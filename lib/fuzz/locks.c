/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors and their locks, which belong to what is behind a descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>

#include "calls.h"
#include "descriptors.h"
#include "host.h"

static int fails(int error)
{
	errno = error;
	return -1;
}

int fuzz_close(int fd)
{
	fd_close(fd);
	return 0;
}

static int lock(struct description *description, struct flock *lock, bool ask)
{
	struct memory_file *file = description->file;
	const bool taken = file->holder != 0 && file->holder != description->number;

	if (ask) {
		if (!taken)
			lock->l_type = F_UNLCK;
		else
			lock->l_type = F_WRLCK;
		return 0;
	}
	if (taken)
		return fails(EAGAIN);
	file->holder = description->number;
	return 0;
}

/* A descriptor that is not the library's can be asked, since nobody knows before; it has no lock. */
static int ask_others(int fd, struct flock *lock)
{
	if (fd_owner(fd) == FD_NOBODYS)
		return fails(EBADF);
	lock->l_type = F_UNLCK;
	return 0;
}

int fuzz_fcntl(int fd, int command, ...)
{
	struct description *description = fd_find(fd);
	va_list rest;
	int result = -1;

	MUST(fd_owner(fd) == FD_OURS || command == F_OFD_GETLK);
	va_start(rest, command);
	switch (command) {
	case F_GETFL:
		result = description->flags;
		break;
	case F_SETSIG:
		result = 0;
		break;
	case F_SETLEASE: /* nobody else has anything open */
		result = 0;
		break;
	case F_DUPFD_CLOEXEC:
		result = host_refuses(ENOMEM) ? -1 : fd_again(fd, va_arg(rest, int));
		break;
	default:
		fuzz_turn();
		MUST(command == F_OFD_SETLK || command == F_OFD_GETLK);
		result = fd_owner(fd) != FD_OURS
					 ? ask_others(fd, va_arg(rest, struct flock *))
					 : lock(description, va_arg(rest, struct flock *), command == F_OFD_GETLK);
	}
	va_end(rest);
	return result;
}

int fuzz_flock(int fd, int operation)
{
	struct description *description = fd_find(fd);
	struct memory_file *file = fd_file(fd);

	fuzz_turn();
	if ((operation & LOCK_UN) != 0) {
		if (file->claimer == description->number)
			file->claimer = 0;
		return 0;
	}
	if (file->claimer != 0 && file->claimer != description->number)
		return fails(EWOULDBLOCK);
	file->claimer = description->number;
	return 0;
}
