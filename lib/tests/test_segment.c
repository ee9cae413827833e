/* SPDX-License-Identifier: Apache-2.0 */
/* segment.c: names, making, linking, permissions. */
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"
#include "log.h"
#include "named_object.h"
#include "segment.h"

static char path[SEGMENT_PATH_MAX];
static struct segment_identity identity;

/* ---- names ---- */

static void a_name_that_leads_anywhere_else_is_refused(void)
{
	static const char *const names[] = {NULL,  "",    "/",   ".",    "..",   "/.",
										"/..", "//x", "a/b", "/a/b", "../x", "x/"};
	char longest[SEGMENT_NAME_MAX + 3];

	for (size_t at = 0; at < sizeof(names) / sizeof(names[0]); at++)
		CHECK_FAILS(segment_path(path, names[at]), EINVAL);
	CHECK_EQ(segment_path(path, "ring"), 0);
	CHECK(strcmp(path, "/dev/shm/ring") == 0);
	CHECK_EQ(segment_path(path, "/ring"), 0);
	CHECK(strcmp(path, "/dev/shm/ring") == 0);
	CHECK_EQ(segment_path(path, "..."), 0);
	memset(longest, 'n', sizeof(longest));
	longest[0] = '/';
	longest[SEGMENT_NAME_MAX + 1] = '\0';
	CHECK_EQ(segment_path(path, longest), 0);
	CHECK_EQ(strlen(path), strlen("/dev/shm/") + SEGMENT_NAME_MAX);
	longest[SEGMENT_NAME_MAX + 1] = 'n';
	longest[SEGMENT_NAME_MAX + 2] = '\0';
	CHECK_FAILS(segment_path(path, longest), EINVAL);
}

/* ---- making ---- */

/* A writer killed before its ring has a name must leave no memory behind. */
static void an_unnamed_object_leaves_nothing_behind(void)
{
	struct stat status;

	CHECK_EQ(fstat(object_build(), &status), 0);
	CHECK_EQ(status.st_nlink, 0);
}

/* Memory is there from the start: else a full /dev/shm is a SIGBUS in the middle of a frame. */
static void an_object_is_zero_and_has_all_its_memory(void)
{
	const int fd = object_build();
	const uint8_t *base;
	struct stat status;

	CHECK_EQ(fstat(fd, &status), 0);
	CHECK_EQ(status.st_size, OBJECT_BYTES);
	CHECK(status.st_blocks * 512 >= OBJECT_BYTES);
	CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	base = segment_map(fd, OBJECT_BYTES, true);
	CHECK(base != NULL);
	for (size_t at = 0; at < OBJECT_BYTES; at++)
		CHECK_EQ(base[at], 0);
}

/* A service that runs with umask 077 would lock its readers out. */
static void the_mode_is_what_was_asked_for_whatever_the_umask(void)
{
	static const mode_t modes[] = {0660, 0666, 0600, 0640};

	(void)umask(077);
	for (size_t at = 0; at < 4; at++) {
		const int fd = segment_build(OBJECT_BYTES, modes[at], segment_video_group());

		CHECK_EQ(segment_identify(fd, &identity), 0);
		CHECK_EQ(identity.mode, modes[at]);
		CHECK_EQ(identity.size, OBJECT_BYTES);
		CHECK_EQ(identity.uid, geteuid());
		CHECK_EQ(close(fd), 0);
	}
}

static void the_group_is_video_where_the_process_may_give_it(void)
{
	const gid_t video = segment_video_group();

	if (video == (gid_t)-1 || geteuid() != 0)
		skip_test("needs root and a group video: sudo groupadd --system video, and run as root");
	const int fd = segment_build(OBJECT_BYTES, OBJECT_MODE, video);

	CHECK_EQ(segment_identify(fd, &identity), 0);
	CHECK_EQ(identity.gid, video);
}

static size_t entry_bytes; /* of the group video, if this is not 0 */

int __real_getgrnam_r(const char *name, struct group *entry, char *text, size_t size, struct group **found);
int __wrap_getgrnam_r(const char *name, struct group *entry, char *text, size_t size, struct group **found);
int __wrap_getgrnam_r(const char *name, struct group *entry, char *text, size_t size, struct group **found)
{
	if (entry_bytes == 0)
		return __real_getgrnam_r(name, entry, text, size, found);
	*found = NULL;
	if (size < entry_bytes)
		return ERANGE;
	entry->gr_gid = 4711;
	*found = entry;
	return 0;
}

static void keep_line(int level, const char *message, void *context)
{
	CHECK_EQ(level, VIDEO_SHM_LOG_WARNING);
	(void)snprintf(context, 256, "%s", message);
}

/* 3.3 MB of text and a pointer for each member, as a directory service may have it. */
static void a_group_of_300000_members_is_read_and_a_larger_one_is_told(void)
{
	char line[256] = "";

	video_shm_set_log(keep_line, line);
	entry_bytes = 3300000 + 300000 * sizeof(char *);
	CHECK_EQ(segment_video_group(), 4711);
	log_deliver();
	CHECK_EQ(line[0], '\0');
	entry_bytes = SIZE_MAX;
	CHECK_EQ(segment_video_group(), (gid_t)-1);
	log_deliver();
	CHECK(strstr(line, "the group video can't be read") != NULL);
	video_shm_set_log(NULL, NULL);
}

/* Two writers that start at once: one ring would vanish under the other's readers. */
static void a_name_is_given_once(void)
{
	const int first = object_make(path), second = object_build();
	struct segment_identity there;

	CHECK_FAILS(segment_link(second, path), EEXIST);
	CHECK_EQ(segment_identify(first, &identity), 0);
	CHECK_EQ(segment_name_leads(path, &identity, &there), SEGMENT_NAME_SAME);
}

static void a_name_leads_to_the_same_to_another_or_nowhere(void)
{
	const int fd = object_make(path);
	struct segment_identity now = {0}, other;

	CHECK_EQ(segment_identify(fd, &identity), 0);
	CHECK_EQ(segment_name_leads(path, &identity, &now), SEGMENT_NAME_SAME);
	CHECK(now.inode == identity.inode && now.size == OBJECT_BYTES);
	CHECK_EQ(ftruncate(fd, 100), 0);
	CHECK_EQ(segment_name_leads(path, &identity, &now), SEGMENT_NAME_SAME);
	CHECK_EQ(now.size, 100); /* how a shrunken ring is noticed */
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(segment_name_leads(path, &identity, &now), SEGMENT_NAME_GONE);
	const int second = object_build();

	CHECK_EQ(segment_link(second, path), 0);
	CHECK_EQ(segment_identify(second, &other), 0);
	CHECK_EQ(segment_name_leads(path, &identity, &now), SEGMENT_NAME_OTHER);
	CHECK_EQ(now.inode, other.inode);
}

/* Taken for gone, a ring would be closed and made anew because of an error that has nothing to do with it. */
static void a_name_that_can_not_be_looked_at_is_not_gone(void)
{
	struct segment_identity now = {0};
	char below[SEGMENT_PATH_MAX + 2];
	const int fd = object_make(path);

	CHECK_EQ(segment_identify(fd, &identity), 0);
	(void)snprintf(below, sizeof(below), "%s/x", path); /* ENOTDIR: it is a file */
	CHECK_EQ(segment_name_leads(below, &identity, &now), SEGMENT_NAME_SAME);
	CHECK(now.inode == identity.inode && now.size == OBJECT_BYTES);
}

/* ---- opening ---- */

static int open_there(void)
{
	return segment_open(path, O_RDONLY, &identity);
}

static int open_there_to_write(void)
{
	return segment_open(path, O_RDWR, &identity);
}

static void an_object_is_opened_with_what_it_is(void)
{
	struct segment_identity made;
	const int fd = object_make(path);

	CHECK_EQ(segment_identify(fd, &made), 0);
	const int again = open_there();

	CHECK(again >= 0);
	CHECK((fcntl(again, F_GETFD) & FD_CLOEXEC) != 0);
	CHECK(identity.inode == made.inode && identity.device == made.device && identity.size == OBJECT_BYTES);
	object_path(path);
	CHECK_FAILS(open_there(), ENOENT);
}

/* Anybody may put anything under a name in /dev/shm; a FIFO would block its opener for ever. */
static void what_is_no_file_is_refused_at_once(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener;

	object_path(path);
	CHECK_EQ(mkdir(path, 0700), 0);
	CHECK_FAILS(open_there(), EPROTO);
	CHECK_FAILS(open_there_to_write(), EPROTO);
	CHECK_EQ(rmdir(path), 0);
	CHECK_EQ(mkfifo(path, 0600), 0);
	CHECK_FAILS(open_there(), EPROTO);
	CHECK_FAILS(open_there_to_write(), EPROTO);
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(symlink("/dev/zero", path), 0);
	CHECK_FAILS(open_there(), EPROTO);
	CHECK_EQ(unlink(path), 0);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", path);
	CHECK_EQ(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_FAILS(open_there(), EPROTO);
	CHECK_FAILS(open_there_to_write(), EPROTO);
	CHECK_EQ(unlink(path), 0);
}

/* It could lead to a ring, and be led elsewhere the next moment. */
static void a_symbolic_link_to_a_ring_is_refused(void)
{
	char target[SEGMENT_PATH_MAX];

	(void)object_make(path);
	memcpy(target, path, sizeof(target));
	object_path(path);
	CHECK_EQ(symlink(target, path), 0);
	CHECK_FAILS(open_there(), EPROTO);
}

/*
 * Reserves as kernels do that give up at any signal, and would never be done under a fast timer. Not every
 * C library has both names.
 */
static int reserve_unless_disturbed(int fd, off_t begin, off_t size)
{
	static unsigned disturbed;
	sigset_t blocked;

	CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, &blocked), 0);
	if (sigismember(&blocked, SIGALRM) == 1)
		return fallocate(fd, 0, begin, size) == 0 ? 0 : errno;
	CHECK(++disturbed < 100);
	return EINTR;
}

int __wrap_posix_fallocate(int fd, off_t begin, off_t size);
int __wrap_posix_fallocate(int fd, off_t begin, off_t size)
{
	return reserve_unless_disturbed(fd, begin, size);
}

int __wrap_posix_fallocate64(int fd, off_t begin, off_t size);
int __wrap_posix_fallocate64(int fd, off_t begin, off_t size)
{
	return reserve_unless_disturbed(fd, begin, size);
}

static void no_timer_keeps_an_object_from_being_made(void)
{
	const int fd = segment_build(OBJECT_BYTES, OBJECT_MODE, (gid_t)-1);
	sigset_t blocked;

	CHECK(fd >= 0);
	CHECK_EQ(pthread_sigmask(SIG_SETMASK, NULL, &blocked), 0);
	CHECK_EQ(sigismember(&blocked, SIGALRM), 0);
	(void)close(fd);
}

TEST_MAIN(20, TEST(a_name_that_leads_anywhere_else_is_refused), TEST(an_unnamed_object_leaves_nothing_behind),
		  TEST(an_object_is_zero_and_has_all_its_memory),
		  TEST(the_mode_is_what_was_asked_for_whatever_the_umask),
		  TEST(the_group_is_video_where_the_process_may_give_it),
		  TEST(a_group_of_300000_members_is_read_and_a_larger_one_is_told), TEST(a_name_is_given_once),
		  TEST(a_name_leads_to_the_same_to_another_or_nowhere),
		  TEST(a_name_that_can_not_be_looked_at_is_not_gone), TEST(an_object_is_opened_with_what_it_is),
		  TEST(what_is_no_file_is_refused_at_once), TEST(a_symbolic_link_to_a_ring_is_refused),
		  TEST(no_timer_keeps_an_object_from_being_made))
