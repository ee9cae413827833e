/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's wait on several words at once. */
#ifndef VSHM_WAIT_ANY_H
#define VSHM_WAIT_ANY_H

#include "wait.h"

/* As wait_ops.wait_any. */
int wait_any_system(const struct wait_word *words, uint32_t count, uint64_t deadline_ns);

#endif
