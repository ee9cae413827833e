/* SPDX-License-Identifier: Apache-2.0 */
/* vshm://RING?PROPERTY=VALUE&..., for whatever takes addresses: playbin, uridecodebin, programs that know no
 * elements. */
#ifndef VSHM_SOURCE_URI_H
#define VSHM_SOURCE_URI_H

#include <gst/gst.h>

/* Initialises the interface GstURIHandler, as G_IMPLEMENT_INTERFACE wants it. */
void source_init_uri(gpointer interface, gpointer unused);

#endif
