/* SPDX-License-Identifier: Apache-2.0 */
/* The values of properties that are words, and how a ring is named. */
#ifndef VSHM_OPTIONS_H
#define VSHM_OPTIONS_H

#include <gst/gst.h>

/* What the source does once the writer has closed the ring or died, and where there is none. */
enum when_gone { WHEN_GONE_WAIT, WHEN_GONE_EOS, WHEN_GONE_ERROR };

GType option_start_type(void);     /* of enum video_shm_start */
GType option_policy_type(void);    /* of enum video_shm_policy */
GType option_when_gone_type(void); /* of enum when_gone */

/* Installs the properties "ring" and "channel" under these numbers; unset: the ring's default, NULL if it
 * depends. */
void option_install_ring(GObjectClass *class, guint ring, guint channel, const char *unset);

/* Returns the ring's name with its slash, from both properties' values; the caller frees it. */
char *option_ring_name(const char *ring, int channel, const char *unset);

#endif
