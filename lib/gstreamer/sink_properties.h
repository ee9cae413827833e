/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VSHM_SINK_PROPERTIES_H
#define VSHM_SINK_PROPERTIES_H

#include <glib-object.h>

void sink_install_properties(GObjectClass *class);

#endif
