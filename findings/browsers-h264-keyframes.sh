#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# "WebCodecs takes an IDR picture as a key chunk and nothing else" is true of no browser here. Where H.264 may begin,
# pictures shown of those sent (VideoDecoder, in byte stream format; those shown before the first are not sent), seen with
# Debian 12's Chromium 156.0.8078.108 and Firefox 153.8.0esr:
#     first picture                                  Chromium                     Firefox
#     I with a recovery point message (open GOP)     all                          all
#     the same, B pictures are references            EncodingError, none          all
#     I that nothing marks                           DataError, none              all
#     P with a recovery point message (refresh)      DataError, none              all but those that are not whole yet
# Chromium counts a recovery point message as a keyframe where the picture is an I picture, then fails at the first P
# picture once reference B pictures are missing before it. In Media Source Extensions the refresh of Chromium's last line
# is no error at all: each append succeeds, and "buffered" stays empty for ever; Firefox plays it.
# Parameter sets that are missing altogether: Chromium has an EncodingError; Firefox neither a picture nor an error, and
# flush() is fulfilled.
# Exits 0 while that is so, 1 where it has changed. Needs Debian 12 on x86-64 with the libraries that both browsers need
# (apt-get install chromium firefox-esr brings them), Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0
version=156.0.8078.108-1~deb12u1
apt-get download -qq "chromium=$version" "chromium-common=$version" firefox-esr=153.8.0esr-1~deb12u1
for package in ./*.deb; do dpkg -x "$package" root; done

cat >page.html <<'HTML'
<!DOCTYPE html><meta charset="utf-8"><video muted></video><script>
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
async function decode({ codec, units }) {
  const told = { shown: 0, error: "" };
  const decoder = new VideoDecoder({
    output: (frame) => { told.shown += 1; frame.close(); },
    error: (error) => { told.error = error.name; },
  });
  try {
    decoder.configure({ codec });
    for (const { key, pts, data } of units) {
      decoder.decode(new EncodedVideoChunk({ type: key ? "key" : "delta", timestamp: pts * 40000, data: bytes(data) }));
      await wait(2);
    }
    await decoder.flush();
  } catch (error) {
    told.error ||= error.name;
  }
  return told;
}
async function buffer({ codec, fragments }) {
  const source = new MediaSource(), video = document.querySelector("video");
  const opened = new Promise((resolve) => source.addEventListener("sourceopen", resolve));
  video.src = URL.createObjectURL(source);
  await opened;
  const sink = source.addSourceBuffer(`video/mp4; codecs="${codec}"`);
  for (const fragment of fragments) {
    const done = new Promise((resolve) => sink.addEventListener("updateend", resolve, { once: true }));
    sink.appendBuffer(bytes(fragment));
    await done;
  }
  const told = { error: video.error?.message ?? "", seconds: 0 };
  for (let at = 0; at < sink.buffered.length; at += 1) told.seconds += sink.buffered.end(at) - sink.buffered.start(at);
  return told;
}
(async () => {
  const streams = await (await fetch("streams")).json(), told = {};
  for (const [name, stream] of Object.entries(streams)) {
    told[name] = await decode(stream);
    if (stream.fragments) told[`${name}, in MP4`] = await buffer(stream);
  }
  await fetch("told", { method: "POST", body: JSON.stringify(told) });
})();
</script>
HTML

cat >look.py <<'PYTHON'
import base64
import http.server
import io
import json
import re
import subprocess
import sys
import threading
from fractions import Fraction
from itertools import pairwise

import av

COUNT, SIZE = 75, (160, 128)


def encode(settings):
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = SIZE
    encoder.pix_fmt, encoder.time_base, encoder.framerate = "yuv420p", Fraction(1, 25), Fraction(25)
    encoder.options = {"preset": "fast", "x264-params": f"annexb=1:keyint=25:min-keyint=25:scenecut=0:b-adapt=0:{settings}"}
    packets = []
    for number in range(COUNT):
        frame = av.VideoFrame(*SIZE, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes((n * 3 + number * 5) % 200 + 20 for n in range(plane.buffer_size)))
        frame.pts = number
        packets += encoder.encode(frame)
    return [(packet.pts, bytes(packet)) for packet in packets + encoder.encode(None)]


def nals(data):
    marks = [match.start() for match in re.finditer(b"\0\0\1", data)]
    return [data[begin + 3 : end].rstrip(b"\0") for begin, end in pairwise([*marks, len(data)])]


def only(data, keep):
    return b"".join(b"\0\0\0\1" + nal for nal in nals(data) if keep(nal))


def recovers(data):
    return any(nal[0] & 31 == 6 and nal[1] == 6 for nal in nals(data))


def late(pictures):
    """From the second keyframe on, with the parameter sets, without what is shown before it."""
    sets = only(pictures[0][1], lambda nal: nal[0] & 31 in (7, 8))
    begin = next(n for n, (_, data) in enumerate(pictures) if n and recovers(data))
    first = pictures[begin][0]
    units = [(pts, sets + data if n == 0 else data) for n, (pts, data) in enumerate(pictures[begin:])]
    return [unit for unit in units if unit[0] >= first]


def fragments(units):
    written = io.BytesIO()
    options = {"movflags": "empty_moov+default_base_moof+frag_every_frame"}
    with av.open(io.BytesIO(units[0][1]), format="h264") as probe:
        film = av.open(written, "w", format="mp4", options=options)
        track = film.add_stream_from_template(probe.streams.video[0])
    for number, (_, data) in enumerate(units):
        packet = av.Packet(data)
        packet.stream, packet.time_base, packet.pts, packet.dts = track, Fraction(1, 25), number, number
        packet.duration, packet.is_keyframe = 1, number == 0
        film.mux(packet)
    film.close()
    return [base64.b64encode(written.getvalue()).decode()]


def stream(units, in_mp4=False):
    told = [{"key": n == 0, "pts": pts, "data": base64.b64encode(data).decode()} for n, (pts, data) in enumerate(units)]
    return {"codec": "avc1.64000B", "units": told, "fragments": fragments(units) if in_mp4 else None}


flat = late(encode("open-gop=1:bframes=3:b-pyramid=none"))
plain = [(pts, only(data, lambda nal: nal[0] & 31 != 6)) for pts, data in flat]
refresh = late(encode("intra-refresh=1:bframes=0"))
bare = [(pts, only(data, lambda nal: nal[0] & 31 not in (7, 8))) for pts, data in encode("bframes=0")]
STREAMS = {
    "open GOP": stream(flat),
    "open GOP with reference B pictures": stream(late(encode("open-gop=1:bframes=3:b-pyramid=normal"))),
    "I picture that nothing marks": stream(plain),
    "refresh": stream(refresh, in_mp4=True),
    "without parameter sets": stream(bare),
}
BROWSERS = {
    "Chromium": "root/usr/lib/chromium/chromium --headless=new --no-sandbox --disable-gpu --disable-background-networking "
    "--disable-component-update --no-first-run --user-data-dir=chromium",
    "Firefox": "root/usr/lib/firefox-esr/firefox-esr --headless --no-remote --profile firefox",
}


class Handler(http.server.SimpleHTTPRequestHandler):
    told, come = {}, threading.Event()

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path != "/streams":
            return super().do_GET()
        data = json.dumps(STREAMS).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        Handler.told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        Handler.come.set()


def look(command, port):
    Handler.come.clear()
    process = subprocess.Popen([*command.split(), f"http://127.0.0.1:{port}/page.html"], stderr=subprocess.DEVNULL)
    try:
        if not Handler.come.wait(120):
            sys.exit(f"{command.split()[0]}: no answer within 120 s")
        return Handler.told
    finally:
        process.terminate()
        process.wait()


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
seen = {}
for name, command in BROWSERS.items():
    seen[name] = look(command, server.server_port)
    for case, told in seen[name].items():
        print(f"{name}: {case}: {told} of {len(STREAMS.get(case, {}).get('units', []))}")

sent = {name: len(one["units"]) for name, one in STREAMS.items()}
chromium, firefox = seen["Chromium"], seen["Firefox"]
same = [
    chromium["open GOP"] == firefox["open GOP"] == {"shown": sent["open GOP"], "error": ""},
    chromium["open GOP with reference B pictures"] == {"shown": 0, "error": "EncodingError"},
    firefox["open GOP with reference B pictures"] == {"shown": sent["open GOP with reference B pictures"], "error": ""},
    chromium["I picture that nothing marks"] == {"shown": 0, "error": "DataError"},
    firefox["I picture that nothing marks"] == {"shown": sent["I picture that nothing marks"], "error": ""},
    chromium["refresh"] == {"shown": 0, "error": "DataError"},
    firefox["refresh"]["error"] == "" and 0 < firefox["refresh"]["shown"] < sent["refresh"],
    chromium["refresh, in MP4"] == {"error": "", "seconds": 0},
    firefox["refresh, in MP4"]["seconds"] > 1,
    chromium["without parameter sets"] == {"shown": 0, "error": "EncodingError"},
    firefox["without parameter sets"] == {"shown": 0, "error": ""},
]
sys.exit(0 if all(same) else f"it has changed: {same}")
PYTHON
mkdir firefox
venv/bin/python look.py
