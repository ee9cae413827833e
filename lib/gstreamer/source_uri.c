/* SPDX-License-Identifier: Apache-2.0 */
#include "source_uri.h"

#include <string.h>

#include "source.h"

/* What an address may set: nothing that belongs to another element or to the base class. */
static const char *const settable[] = {"start", "policy", "resync", "when-gone", "timeout", NULL};

static GstURIType get_type(GType type)
{
	(void)type;
	return GST_URI_SRC;
}

static const gchar *const *get_protocols(GType type)
{
	static const gchar *const protocols[] = {"vshm", NULL};

	(void)type;
	return protocols;
}

static gchar *get_uri(GstURIHandler *handler)
{
	char *ring, *uri;
	int channel;

	g_object_get(handler, "ring", &ring, "channel", &channel, NULL);
	uri = channel >= 0 ? g_strdup_printf("vshm://%d", channel)
					   : g_strdup_printf("vshm://%s", ring[0] == '/' ? ring + 1 : ring);
	g_free(ring);
	return uri;
}

static gboolean refused(GError **error, const char *what, const char *uri)
{
	g_set_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI,
				"%s in %s: it is vshm://RING or vshm://CHANNEL, with %s", what, uri,
				"?start=, policy=, resync=, when-gone= or timeout= behind it.");
	return FALSE;
}

/* Sets one NAME=VALUE. Returns FALSE for a name or a value that is none. */
static gboolean set_option(GObject *object, const char *name, const char *text)
{
	GParamSpec *spec = g_strv_contains(settable, name)
						   ? g_object_class_find_property(G_OBJECT_GET_CLASS(object), name)
						   : NULL;
	GValue value = G_VALUE_INIT;
	gboolean is_good = FALSE;

	if (spec == NULL || text == NULL)
		return FALSE;
	g_value_init(&value, spec->value_type);
	is_good = gst_value_deserialize(&value, text);
	if (is_good)
		g_object_set_property(object, name, &value);
	g_value_unset(&value);
	return is_good;
}

static gboolean set_options(GObject *object, const GstUri *uri)
{
	GList *names = gst_uri_get_query_keys(uri);
	gboolean are_good = TRUE;

	for (GList *at = names; at != NULL; at = at->next)
		are_good = are_good && set_option(object, at->data, gst_uri_get_query_value(uri, at->data));
	g_list_free(names);
	return are_good;
}

/* vshm:///RING has the name in its path, vshm://RING where others have a host. */
static gboolean set_uri(GstURIHandler *handler, const gchar *text, GError **error)
{
	GstUri *uri = gst_uri_from_string(text);
	char *path = uri != NULL ? gst_uri_get_path(uri) : NULL;
	const char *host = uri != NULL ? gst_uri_get_host(uri) : NULL;
	const char *name = host != NULL && host[0] != '\0'  ? host
					   : path != NULL && path[0] == '/' ? path + 1
														: "";
	gboolean is_good =
		name[0] != '\0' && !(name == host && path != NULL && path[0] != '\0' && strcmp(path, "/") != 0);
	char *end;
	const guint64 channel = g_ascii_strtoull(name, &end, 10);

	if (is_good && g_ascii_isdigit(name[0]) && *end == '\0' && channel <= G_MAXINT)
		g_object_set(handler, "channel", (int)channel, NULL);
	else if (is_good)
		g_object_set(handler, "ring", name, "channel", -1, NULL);
	is_good = is_good ? set_options(G_OBJECT(handler), uri) || refused(error, "an unknown option", text)
					  : refused(error, "no ring", text);
	g_free(path);
	if (uri != NULL)
		gst_uri_unref(uri);
	return is_good;
}

void source_init_uri(gpointer interface, gpointer unused)
{
	GstURIHandlerInterface *handler = interface;

	(void)unused;
	handler->get_type = get_type;
	handler->get_protocols = get_protocols;
	handler->get_uri = get_uri;
	handler->set_uri = set_uri;
}
