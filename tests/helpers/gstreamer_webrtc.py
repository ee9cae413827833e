# SPDX-License-Identifier: Apache-2.0
"""Two ends of WebRTC in one process, run by the distribution's Python: what one sends, the other one decodes.

    gstreamer_webrtc.py LINE

LINE is a pipeline with a webrtcbin named sender, for H.264. Standard output: the SHA-256 of each picture that came,
until SIGTERM.
"""

import hashlib
import signal
import sys

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
gi.require_version("GstWebRTC", "1.0")
gi.require_version("GstSdp", "1.0")
from gi.repository import GLib, Gst, GstApp, GstSdp, GstWebRTC  # type: ignore[import-not-found]  # noqa: E402

WATCHDOG_S = 100


def tell_picture(sink: GstApp.AppSink) -> Gst.FlowReturn:
    buffer = sink.emit("pull-sample").get_buffer()
    print(hashlib.sha256(buffer.extract_dup(0, buffer.get_size())).hexdigest(), flush=True)
    return Gst.FlowReturn.OK


class Ends:
    """The pipelines of both sides, and the offer, answer and candidates between them."""

    def __init__(self, line: str) -> None:
        self.sending = Gst.parse_launch(line)
        self.receiving = Gst.Pipeline.new(None)
        self.sender = self.sending.get_by_name("sender")
        self.receiver = Gst.ElementFactory.make("webrtcbin", None)
        self.receiving.add(self.receiver)
        self.sender.connect("on-negotiation-needed", self._offer)
        self.sender.connect(
            "on-ice-candidate", lambda _, line, text: self.receiver.emit("add-ice-candidate", line, text)
        )
        self.receiver.connect(
            "on-ice-candidate", lambda _, line, text: self.sender.emit("add-ice-candidate", line, text)
        )
        self.receiver.connect("pad-added", self._decode)

    def _offer(self, _element: Gst.Element) -> None:
        self.sender.emit("create-offer", None, Gst.Promise.new_with_change_func(self._answer))

    def _answer(self, promise: Gst.Promise) -> None:
        reply = promise.get_reply()  # the description is part of it
        offer = reply.get_value("offer")
        self.sender.emit("set-local-description", offer, None)
        self.receiver.emit("set-remote-description", offer, Gst.Promise.new_with_change_func(self._reply))

    def _reply(self, _promise: Gst.Promise) -> None:
        self.receiver.emit("create-answer", None, Gst.Promise.new_with_change_func(self._connect))

    def _connect(self, promise: Gst.Promise) -> None:
        reply = promise.get_reply()
        answer = reply.get_value("answer")
        self.receiver.emit("set-local-description", answer, None)
        self.sender.emit("set-remote-description", answer, None)

    def _decode(self, _element: Gst.Element, pad: Gst.Pad) -> None:
        line = "rtph264depay ! h264parse ! avdec_h264 ! appsink name=out sync=false emit-signals=true"
        decoding = Gst.parse_bin_from_description(line, True)
        decoding.get_by_name("out").connect("new-sample", tell_picture)
        self.receiving.add(decoding)
        decoding.sync_state_with_parent()
        pad.link(decoding.get_static_pad("sink"))


def main() -> None:
    signal.alarm(WATCHDOG_S)
    Gst.init(None)
    assert GstApp and GstSdp and GstWebRTC
    ends = Ends(sys.argv[1])
    loop = GLib.MainLoop()
    GLib.unix_signal_add(GLib.PRIORITY_HIGH, signal.SIGTERM, loop.quit)
    for pipeline in (ends.receiving, ends.sending):
        pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    for pipeline in (ends.sending, ends.receiving):
        pipeline.set_state(Gst.State.NULL)


main()
