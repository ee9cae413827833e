#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# GStreamer 1.22.0 (Debian 12): a seek that a live source refuses has flushed it all the same, and taken its segment away.
# udpsrc says that it can't be sought in, and a seek that is sent to its pipeline is refused without any effect. Sent to the
# element itself (gst_element_seek on udpsrc, as a program does that looks its source up by name), a flushing seek returns
# false too. But FLUSH_START and FLUSH_STOP have gone downstream, so that all elements have dropped what they held and
# forgotten the segment, and no new one follows: buffers go on for ever without one. GStreamer says "Got data flow before
# segment event" once; nothing ends, no error is posted, and whatever needs a running time (mixers, muxers, sinks that
# synchronise) has none. Expected: a seek that returns false changes nothing.
# Exits 0 while that is so. Needs Debian 12 on amd64 with its Python 3.11, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

while read -r package version; do
	apt-get download -qq -o APT::Sandbox::User=root "$package=$version"
done <<'PACKAGES'
gstreamer1.0-plugins-good 1.22.0-5+deb12u4
libgstreamer1.0-0 1.22.0-2+deb12u1
libgstreamer-plugins-base1.0-0 1.22.0-3+deb12u7
gir1.2-gstreamer-1.0 1.22.0-2+deb12u1
gir1.2-glib-2.0 1.74.0-3
libgirepository-1.0-1 1.74.0-3
python3-gi 3.42.2-3+b1
libglib2.0-0 2.74.6-2+deb12u9
PACKAGES
for package in *.deb; do dpkg -x "$package" root; done
libraries=$folder/root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$libraries GST_PLUGIN_SYSTEM_PATH=$libraries/gstreamer-1.0 GST_PLUGIN_PATH='' GST_REGISTRY=$folder/registry
export GST_PLUGIN_SCANNER=$libraries/gstreamer1.0/gstreamer-1.0/gst-plugin-scanner
export PYTHONPATH=$folder/root/usr/lib/python3/dist-packages GI_TYPELIB_PATH=$libraries/girepository-1.0

cat >seek.py <<'PYTHON'
import socket
import time

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst

Gst.init(None)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
pipeline = Gst.parse_launch(f"udpsrc name=source address=127.0.0.1 port={port} ! fakesink name=sink")
source = pipeline.get_by_name("source")
passed = []


def note(_pad, info):
    event = info.get_event()
    passed.append("buffer" if event is None else event.type.value_nick)
    return Gst.PadProbeReturn.OK


kinds = Gst.PadProbeType.BUFFER | Gst.PadProbeType.EVENT_DOWNSTREAM | Gst.PadProbeType.EVENT_FLUSH
pipeline.get_by_name("sink").get_static_pad("sink").add_probe(kinds, note)
pipeline.set_state(Gst.State.PLAYING)
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def buffers(count):
    """Send until so many more have passed, and return what passed."""
    before = len(passed)
    while passed[before:].count("buffer") < count:
        sender.sendto(b"x", ("127.0.0.1", port))
        time.sleep(0.02)
    return [one for one in passed[before:] if one != "buffer"]


print("at the start:", buffers(5))
query = Gst.Query.new_seeking(Gst.Format.TIME)
assert source.query(query)
print("seekable:", query.parse_seeking().seekable)
print("the pipeline's seek:", pipeline.seek_simple(Gst.Format.TIME, Gst.SeekFlags.FLUSH, 5 * Gst.SECOND))
print("then:", buffers(5))
before = len(passed)
print("the source's seek:", source.seek_simple(Gst.Format.TIME, Gst.SeekFlags.FLUSH, 5 * Gst.SECOND))
buffers(50)
print("then:", [one for one in passed[before:] if one != "buffer"])
print("segment:", source.get_static_pad("src").get_sticky_event(Gst.EventType.SEGMENT, 0))
pipeline.set_state(Gst.State.NULL)
PYTHON
/usr/bin/python3 seek.py 2>warnings | tee seen
diff seen - <<'EXPECTED'
at the start: ['stream-start', 'segment']
seekable: False
the pipeline's seek: False
then: []
the source's seek: False
then: ['flush-start', 'flush-stop']
segment: None
EXPECTED
grep -q "Got data flow before segment event" warnings
