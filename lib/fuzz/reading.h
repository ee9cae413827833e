/* SPDX-License-Identifier: Apache-2.0 */
/* The readers, and what is asked of a ring without joining it. */
#ifndef VSHM_FUZZ_READING_H
#define VSHM_FUZZ_READING_H

#include "object.h"

#define READERS 2

/* Ends the program if a call returned -1 with an errno that the header does not name. */
void check_error(int result);

void reading_begin(void);
void reading_inspect(struct input *input);
void reading_open(struct input *input, uint32_t which);
void reading_receive(struct input *input, uint32_t which);
void reading_acquire(struct input *input, uint32_t which);
void reading_release(uint32_t which);
void reading_interrupt(uint32_t which);
void reading_ask_descriptors(void);
/* Ends the program if received, missed and skipped frames do not add up to the span. */
void reading_check_books(uint32_t which);
void reading_end(void);

#endif
