/* SPDX-License-Identifier: Apache-2.0 */
/* A module for names of users and groups whose server does not answer: each question takes SLOW_S seconds,
 * and then fails for now. */
#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <stddef.h>
#include <unistd.h>

static enum nss_status nobody_answers(int *error)
{
	sleep(SLOW_S);
	*error = EAGAIN;
	return NSS_STATUS_TRYAGAIN;
}

enum nss_status _nss_slow_getpwuid_r(uid_t uid, struct passwd *found, char *text, size_t size, int *error)
{
	return nobody_answers(error);
}

enum nss_status _nss_slow_getpwnam_r(const char *name, struct passwd *found, char *text, size_t size,
									 int *error)
{
	return nobody_answers(error);
}

enum nss_status _nss_slow_getgrgid_r(gid_t gid, struct group *found, char *text, size_t size, int *error)
{
	return nobody_answers(error);
}

enum nss_status _nss_slow_getgrnam_r(const char *name, struct group *found, char *text, size_t size,
									 int *error)
{
	return nobody_answers(error);
}

enum nss_status _nss_slow_initgroups_dyn(const char *user, gid_t group, long *start, long *size,
										 gid_t **groups, long limit, int *error)
{
	return nobody_answers(error);
}
