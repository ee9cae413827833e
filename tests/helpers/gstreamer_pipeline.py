# SPDX-License-Identifier: Apache-2.0
"""A GStreamer pipeline in a child process, run by the distribution's Python, which has the binding.

    gstreamer_pipeline.py LINE [CLOCK]

LINE is a pipeline as gst-launch-1.0 takes it; CLOCK another clock for it than its own: realtime. Output: a line
of JSON for each sample of the appsink named out, if there is one (of its bytes at most 10,000), and one at the end:
{"end": "eos"} or {"end": message}, with the statistics of the element named ring. SIGTERM, too, ends the pipeline.
"""

import base64
import hashlib
import json
import signal
import sys
import time

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import GLib, GObject, Gst, GstApp  # type: ignore[import-not-found]  # noqa: E402

MOST_BYTES = 10_000
WATCHDOG_S = 100


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


def time_of(value: int) -> int | None:
    return None if value == Gst.CLOCK_TIME_NONE else value


def tell_sample(sink: GstApp.AppSink, pipeline: Gst.Pipeline) -> Gst.FlowReturn:
    arrived_ns = time.monotonic_ns()
    sample = sink.emit("pull-sample")
    buffer = sample.get_buffer()
    data = buffer.extract_dup(0, buffer.get_size())
    stamp = buffer.get_reference_timestamp_meta(None)
    say(
        running=sample.get_segment().to_running_time(Gst.Format.TIME, buffer.pts),
        duration=time_of(buffer.duration),
        offset=buffer.offset,
        discont=buffer.has_flags(Gst.BufferFlags.DISCONT),
        delta=buffer.has_flags(Gst.BufferFlags.DELTA_UNIT),
        sha=hashlib.sha256(data).hexdigest(),
        data=base64.b64encode(data[:MOST_BYTES]).decode(),
        caps=sample.get_caps().to_string(),
        base=pipeline.get_base_time(),  # on the pipeline's clock
        arrived_ns=arrived_ns,
        unix_ns=stamp.timestamp if stamp else None,
    )
    return Gst.FlowReturn.OK


def main() -> None:
    signal.alarm(WATCHDOG_S)
    Gst.init(None)
    assert GstApp
    pipeline = Gst.parse_launch(sys.argv[1])
    if not isinstance(pipeline, Gst.Pipeline):  # a single element
        element, pipeline = pipeline, Gst.Pipeline.new(None)
        pipeline.add(element)
    if sys.argv[2:] == ["realtime"]:
        clock = GObject.new(Gst.SystemClock, clock_type=Gst.ClockType.REALTIME)
        pipeline.use_clock(clock)
    if sink := pipeline.get_by_name("out"):
        sink.set_property("emit-signals", True)
        sink.connect("new-sample", tell_sample, pipeline)
    loop = GLib.MainLoop()
    ends = ["terminated"]

    def heard(_bus: Gst.Bus, message: Gst.Message) -> None:
        if message.type == Gst.MessageType.EOS:
            ends[0] = "eos"
            loop.quit()
        elif message.type == Gst.MessageType.ERROR:
            ends[0] = message.parse_error()[0].message
            loop.quit()

    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message", heard)
    GLib.unix_signal_add(GLib.PRIORITY_HIGH, signal.SIGTERM, loop.quit)
    pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    counts = {}
    if ring := pipeline.get_by_name("ring"):
        stats = ring.get_property("stats")
        names = [stats.nth_field_name(at) for at in range(stats.n_fields())]
        counts = {name: stats.get_value(name) for name in names}
    pipeline.set_state(Gst.State.NULL)
    say(end=ends[0], stats=counts)


main()
