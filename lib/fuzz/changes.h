/* SPDX-License-Identifier: Apache-2.0 */
/* Changes that come over the hostile object, at once or while the library looks at it. */
#ifndef VSHM_FUZZ_CHANGES_H
#define VSHM_FUZZ_CHANGES_H

#include <stdbool.h>

#include "object.h"

/* Reads a change from the input and makes it now, or in so many turns; turns 0: now. */
void changes_take(struct input *input, uint32_t turns);
/* Makes all changes of this input over and over, from another thread, until it is told to stop. */
void changes_race(bool begin);
/* None is due any more. */
void changes_forget(void);

#endif
