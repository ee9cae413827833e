/* SPDX-License-Identifier: Apache-2.0 */
#include <gst/gst.h>

#include "sink.h"
#include "source.h"

static gboolean register_elements(GstPlugin *plugin)
{
	return gst_element_register(plugin, "vshmsrc", GST_RANK_PRIMARY, VSHM_TYPE_SOURCE) &&
		   gst_element_register(plugin, "vshmsink", GST_RANK_NONE, VSHM_TYPE_SINK);
}

#define PACKAGE "video-shm"
#pragma GCC visibility push(default)
GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, vshm,
				  "Video and sound from and into video-shm's rings in shared memory", register_elements,
				  VIDEO_SHM_VERSION_STRING, "Apache 2.0", "video-shm", "video-shm")
#pragma GCC visibility pop
