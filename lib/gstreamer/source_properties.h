/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VSHM_SOURCE_PROPERTIES_H
#define VSHM_SOURCE_PROPERTIES_H

#include <glib-object.h>

void source_install_properties(GObjectClass *class);

#endif
