/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The path of a frame. The compiler puts what is marked together, apart from what runs once: between two
 * frames the processor's caches belong to others, and every page of code that a frame touches has to be
 * fetched anew.
 */
#ifndef VSHM_HOT_H
#define VSHM_HOT_H

#define HOT __attribute__((hot))

#endif
