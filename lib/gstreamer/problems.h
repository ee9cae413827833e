/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of the library as messages on the pipeline's bus, which say what happened and what to do. */
#ifndef VSHM_PROBLEMS_H
#define VSHM_PROBLEMS_H

#include <gst/gst.h>

/* Posts an error about the ring; problem is an errno. */
void problem_of_reader(GstElement *element, const char *ring, int problem);
void problem_of_writer(GstElement *element, const char *ring, int problem);

#endif
