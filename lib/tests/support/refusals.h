/* SPDX-License-Identifier: Apache-2.0 */
/* What the library does with an object that bears a ring's name. */
#ifndef VSHM_REFUSALS_H
#define VSHM_REFUSALS_H

#include <stdint.h>
#include <sys/stat.h>

/* Makes an object of that size, whose first words are these. Returns the name. */
const char *made_as(const char *name, uint64_t size, uint32_t magic, uint32_t version);

/* Checks that an object was left as it was. */
void check_same(const struct stat *before, const struct stat *after);

/* Checks that the calls that only look fail, or those of writers, too, and change nothing. */
void is_refused_to_readers(const char *name, int error);
void is_refused_to_all(const char *name, int error);

/* Checks that a writer takes it, and goes on at that number of frames. */
void is_taken_by_a_writer(const char *name, uint64_t frames);

#endif
