/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of the hostile object, made at once or while the library looks at it. */
#ifndef VSHM_FUZZ_CHANGES_H
#define VSHM_FUZZ_CHANGES_H

#include <stdbool.h>

#include "object.h"

/* Reads a change from the input, and makes it after that many turns, or now if turns is 0. */
void changes_take(struct input *input, uint32_t turns);
/* Makes all changes of this input over and over in another thread; begin false: stops that. */
void changes_race(bool begin);
/* Drops all changes that are still due. */
void changes_forget(void);

#endif
