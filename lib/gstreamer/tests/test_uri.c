/* SPDX-License-Identifier: Apache-2.0 */
/* vshm://RING, for whatever takes addresses. */
#include "rig.h"

static GstElement *of(const char *uri)
{
	gst_init(NULL, NULL);
	return gst_element_make_from_uri(GST_URI_SRC, uri, NULL, NULL);
}

static void names(const char *uri, const char *ring, int channel, const char *told)
{
	GstElement *element = of(uri);
	char *text, *name;
	int number;

	CHECK(element != NULL);
	g_object_get(element, "ring", &name, "channel", &number, NULL);
	CHECK(strcmp(name, ring) == 0);
	CHECK_EQ(number, channel);
	text = gst_uri_handler_get_uri(GST_URI_HANDLER(element));
	CHECK(strcmp(text, told) == 0);
	g_free(text);
	g_free(name);
	gst_object_unref(element);
}

static void an_address_names_a_ring_or_a_channel(void)
{
	names("vshm://door", "door", -1, "vshm://door");
	names("vshm:///door", "door", -1, "vshm://door");
	names("vshm://12", "/video_stream", 12, "vshm://12");
	names("vshm://7up", "7up", -1, "vshm://7up");
}

static void its_options_are_properties(void)
{
	GstElement *element = of("vshm://door?start=next&when-gone=eos&timeout=5&resync=false&policy=keyframes");
	int start, when_gone, policy;
	guint64 timeout;
	gboolean resync;

	CHECK(element != NULL);
	g_object_get(element, "start", &start, "when-gone", &when_gone, "timeout", &timeout, "resync", &resync,
				 "policy", &policy, NULL);
	CHECK_EQ(start, VIDEO_SHM_START_NEXT);
	CHECK_EQ(when_gone, 1);
	CHECK_EQ(timeout, 5);
	CHECK_EQ(resync, FALSE);
	CHECK_EQ(policy, VIDEO_SHM_POLICY_KEYFRAMES);
	gst_object_unref(element);
}

static void what_names_no_ring_is_refused(void)
{
	static const char *const wrong[] = {"vshm://",
										"vshm:///",
										"vshm://a/b",
										"vshm://door?start=never",
										"vshm://door?start",
										"vshm://door?name=x",
										"vshm://door?blocksize=1"};

	for (guint at = 0; at < G_N_ELEMENTS(wrong); at++)
		CHECK(of(wrong[at]) == NULL);
}

TEST_MAIN(60, TEST(an_address_names_a_ring_or_a_channel), TEST(its_options_are_properties),
		  TEST(what_names_no_ring_is_refused))
