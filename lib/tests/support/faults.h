/* SPDX-License-Identifier: Apache-2.0 */
/* Makes something happen in the middle of a copy. */
#ifndef VSHM_FAULTS_H
#define VSHM_FAULTS_H

#include <stdint.h>

/* A page that faults once, in the middle of whatever touches it first: then action runs, as a signal handler.
 * The page at the given address, which must begin a page, is writable afterwards. */
void fault_once(uint8_t *page, void (*action)(void));

#endif
