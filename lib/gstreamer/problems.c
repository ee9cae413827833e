/* SPDX-License-Identifier: Apache-2.0 */
#include "problems.h"

#include <errno.h>
#include <video_shm.h>

void problem_of_reader(GstElement *element, const char *ring, int problem)
{
	switch (problem) {
	case ENOENT:
	case EAGAIN:
		GST_ELEMENT_ERROR(element, RESOURCE, NOT_FOUND,
						  ("There is no ring %s: start its writer, or set when-gone=wait.", ring), (NULL));
		break;
	case EACCES:
		GST_ELEMENT_ERROR(element, RESOURCE, OPEN_READ,
						  ("You may not read ring %s: join its group (ls -l /dev/shm shows it).", ring),
						  (NULL));
		break;
	case EPROTO:
		GST_ELEMENT_ERROR(element, RESOURCE, OPEN_READ,
						  ("%s is no ring, or one of a newer format: vshm check says more.", ring), (NULL));
		break;
	case EINVAL:
		GST_ELEMENT_ERROR(element, RESOURCE, SETTINGS,
						  ("\"%s\" can't be the name of a ring: it has a slash in it, or is too long.", ring),
						  (NULL));
		break;
	case EPIPE:
		GST_ELEMENT_ERROR(
			element, RESOURCE, READ,
			("The writer of ring %s has closed it: when-gone=wait would wait for the next.", ring), (NULL));
		break;
	case EOWNERDEAD:
		GST_ELEMENT_ERROR(element, RESOURCE, READ,
						  ("The writer of ring %s died: when-gone=wait would wait for the next.", ring),
						  (NULL));
		break;
	case ETIMEDOUT:
		GST_ELEMENT_ERROR(
			element, RESOURCE, READ,
			("No frame came from ring %s within the timeout: vshm list shows its writer.", ring), (NULL));
		break;
	default:
		GST_ELEMENT_ERROR(element, RESOURCE, READ, ("Ring %s can't be read: %s.", ring, g_strerror(problem)),
						  (NULL));
	}
}

/* Returns the process that holds the ring, as from its own pid namespace; 0: not known. */
static guint holder(const char *ring)
{
	video_shm_info_t info = {.struct_size = sizeof(info)};

	return video_shm_inspect(ring, &info) == 0 ? info.writer_pid : 0;
}

void problem_of_writer(GstElement *element, const char *ring, int problem)
{
	switch (problem) {
	case EBUSY:
		GST_ELEMENT_ERROR(element, RESOURCE, BUSY,
						  ("Process %u writes to ring %s already: end it, or choose another ring or channel.",
						   holder(ring), ring),
						  (NULL));
		break;
	case EACCES:
		GST_ELEMENT_ERROR(
			element, RESOURCE, OPEN_WRITE,
			("You may not write to ring %s: it is another user's (ls -l /dev/shm shows whose).", ring),
			(NULL));
		break;
	case EPROTO:
		GST_ELEMENT_ERROR(element, RESOURCE, OPEN_WRITE,
						  ("/dev/shm%s is there and no ring: remove it, or choose another ring.", ring),
						  (NULL));
		break;
	case EINVAL:
		GST_ELEMENT_ERROR(element, RESOURCE, SETTINGS,
						  ("\"%s\" can't be the name of a ring: it has a slash in it, or is too long.", ring),
						  (NULL));
		break;
	case ENOSPC:
		GST_ELEMENT_ERROR(
			element, RESOURCE, NO_SPACE_LEFT,
			("/dev/shm has no room for ring %s: set fewer slots or a smaller slot-size, or make room.", ring),
			(NULL));
		break;
	case ESTALE:
		GST_ELEMENT_ERROR(element, RESOURCE, WRITE,
						  ("The name %s now leads to another writer's ring: this one ended.", ring), (NULL));
		break;
	default:
		GST_ELEMENT_ERROR(element, RESOURCE, WRITE,
						  ("Ring %s can't be written: %s.", ring, g_strerror(problem)), (NULL));
	}
}
