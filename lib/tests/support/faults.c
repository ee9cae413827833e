/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"

static uint8_t *faulting_page;
static void (*fault_action)(void);

static void on_fault(int number, siginfo_t *info, void *context)
{
	const long page_size = sysconf(_SC_PAGESIZE);
	const uintptr_t at = (uintptr_t)info->si_addr, page = (uintptr_t)faulting_page;

	(void)number;
	(void)context;
	if (at < page || at >= page + (uintptr_t)page_size) {
		(void)signal(SIGSEGV, SIG_DFL); /* somebody else's: it faults again, for good */
		return;
	}
	fault_action();
	if (mprotect(faulting_page, (size_t)page_size, PROT_READ | PROT_WRITE) != 0)
		_exit(1);
}

void fault_once(uint8_t *page, void (*action)(void))
{
	struct sigaction handler = {.sa_flags = SA_SIGINFO | SA_NODEFER};

	handler.sa_sigaction = on_fault;
	(void)sigemptyset(&handler.sa_mask);
	faulting_page = page;
	fault_action = action;
	CHECK_EQ(sigaction(SIGSEGV, &handler, NULL), 0);
	CHECK_EQ(mprotect(page, (size_t)sysconf(_SC_PAGESIZE), PROT_NONE), 0);
}
