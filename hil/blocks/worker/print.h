/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GATE_PRINT_H
#define GATE_PRINT_H

#include "ledger.h"

/* Prints a block as one line of JSON. Times are ns; what could not be measured is null. */
void print_block(const struct ledger *ledger);

#endif
