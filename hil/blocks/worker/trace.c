/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include <signal.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#define AT_SYSTEM_CALL (SIGTRAP | 0x80)

bool trace_me(void)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		return false;
	(void)raise(SIGSTOP);
	return true;
}

void trace_go_on(pid_t pid, int status, struct tally *tally)
{
	int signal = WSTOPSIG(status);

	if (signal == AT_SYSTEM_CALL) {
		tally->stops += atomic_load(&tally->counting);
		signal = 0;
	} else if (signal == SIGSTOP) {
		(void)ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(uintptr_t)PTRACE_O_TRACESYSGOOD);
		signal = 0;
	}
	(void)ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(uintptr_t)signal);
}
