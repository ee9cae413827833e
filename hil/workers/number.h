/* SPDX-License-Identifier: Apache-2.0 */
/* Parses numbers of the command line, for workers that are compiled without a checkout. */
#ifndef HIL_NUMBER_H
#define HIL_NUMBER_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Returns a decimal number from 0 to max, or prints what is wrong and exits with code 2. */
static inline uint32_t number_of(const char *text, uint32_t max)
{
	char *end = NULL;

	errno = 0;
	const unsigned long long number = strtoull(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || errno || number > max) {
		fprintf(stderr, "%s: not a number of 0 to %u\n", text, max);
		exit(2);
	}
	return (uint32_t)number;
}

#endif
