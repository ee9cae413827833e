# SPDX-License-Identifier: Apache-2.0
"""GStreamer's parsers in a child process, run by the distribution's Python, which has the binding.

Standard input: for each stream a line of JSON, {"codec": "h264" or "h265", "pieces": [bytes, ...]}, then the bytes of
all its pieces. Standard output: for each a line of JSON, [[data in base64, whether a decoder can begin with it], ...]:
the access units as the parser gives them with alignment=au.
"""

import base64
import json
import sys

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstApp", "1.0")
from gi.repository import Gst, GstApp  # type: ignore[import-not-found]  # noqa: E402

LINE = (
    "appsrc name=in format=bytes ! video/x-{codec},stream-format=byte-stream ! {codec}parse ! "
    "video/x-{codec},stream-format=byte-stream,alignment=au ! appsink name=out sync=false max-buffers=0"
)


def parsed(codec: str, pieces: list[bytes]) -> list[tuple[str, bool]]:
    pipeline = Gst.parse_launch(LINE.format(codec=codec))
    source, sink = pipeline.get_by_name("in"), pipeline.get_by_name("out")
    pipeline.set_state(Gst.State.PLAYING)
    for piece in pieces:
        source.emit("push-buffer", Gst.Buffer.new_wrapped(piece))
    source.emit("end-of-stream")
    units: list[tuple[str, bool]] = []
    while (sample := sink.emit("pull-sample")) is not None:
        buffer = sample.get_buffer()
        data = buffer.extract_dup(0, buffer.get_size())
        units.append((base64.b64encode(data).decode(), not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT)))
    pipeline.set_state(Gst.State.NULL)
    return units


def main() -> None:
    Gst.init(None)
    assert GstApp
    while line := sys.stdin.buffer.readline():
        asked = json.loads(line)
        pieces = [sys.stdin.buffer.read(size) for size in asked["pieces"]]
        print(json.dumps(parsed(asked["codec"], pieces)), flush=True)


main()
