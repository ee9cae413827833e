/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a block: each loads the library itself, and ends when its part is done. */
#ifndef GATE_SIDES_H
#define GATE_SIDES_H

#include "ledger.h"

/* Writes all frames, or those up to its own death. */
void side_write(struct ledger *ledger);
/* Waits for the first writer's death, and writes the remaining frames. */
void side_follow(struct ledger *ledger);
void side_read(struct ledger *ledger, unsigned reader);

#endif
