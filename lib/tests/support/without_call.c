/* SPDX-License-Identifier: Apache-2.0 */
/*
 * without_call NUMBER ERRNO PROGRAM [ARGUMENT...]: runs a program for which the kernel refuses that system
 * call, as an older one does (ENOSYS), or a container's sandbox (EPERM).
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define SKIPPED 77

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	struct sock_filter refusal[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)atoi(argv[1]), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)atoi(argv[2])),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = {.len = sizeof(refusal) / sizeof(refusal[0]), .filter = refusal};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) {
		fprintf(stderr, "skipped: no seccomp filter can be set here: %s\n", strerror(errno));
		return SKIPPED;
	}
	(void)execv(argv[3], argv + 3);
	perror(argv[3]);
	return 1;
}
