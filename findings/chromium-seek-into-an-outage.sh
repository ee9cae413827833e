#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whoever seeks into an outage of a recording with B pictures, by Media Source Extensions, sees in Chromium what came after it:
# here a picture that was taken 1.5 s later than the time that was asked for. Until a picture is followed by another, it is
# the one to be shown, and so Firefox does, and Chromium itself where the same file is played as a whole (video.src). It is
# as if a picture ended when its sample does: but samples of MP4 follow each other in the order of decoding, and the one
# before the outage in that order is another than the picture before it. Without B pictures the two are the same.
#
# Seen with Debian 12's Chromium 156.0.8078.108 and Firefox 153.8.0esr, Media Source Extensions, 40 pictures 40 ms apart, an
# outage of 3 s behind the 13th, two B pictures in a row; sought 1.5 s behind the 13th:
#     with B pictures      Chromium shows the 14th    Firefox the 13th
#     without              Chromium shows the 13th    Firefox the 13th
# Exits 0 while that is so, 1 where it has changed. Needs Debian 12 on x86-64 with the libraries that both browsers need
# (apt-get install chromium firefox-esr brings them), Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export TMPDIR=$folder  # Chromium leaves a folder there
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0
version=156.0.8078.108-1~deb12u1
apt-get download -qq -o APT::Sandbox::User=root "chromium=$version" "chromium-common=$version" firefox-esr=153.8.0esr-1~deb12u1
for package in ./*.deb; do dpkg -x "$package" root; done

cat >page.html <<'HTML'
<!DOCTYPE html><meta charset="utf-8"><script>
const event = (target, name) => new Promise((resolve) => target.addEventListener(name, resolve, { once: true }));
const canvas = document.createElement("canvas").getContext("2d");
function number(video) {
  canvas.drawImage(video, 0, 0, 1, 1);
  return Math.round((canvas.getImageData(0, 0, 1, 1).data[0] * 219 / 255 + 16 - 20) / 2);
}
async function shown(name, times) {
  const source = new MediaSource(), video = document.createElement("video"), numbers = [];
  video.muted = true;
  video.src = URL.createObjectURL(source);
  await event(source, "sourceopen");
  const sink = source.addSourceBuffer('video/mp4; codecs="avc1.64000B"');
  sink.appendBuffer(await (await fetch(name)).arrayBuffer());
  await event(sink, "updateend");
  source.endOfStream();
  for (const time of times) {
    const frame = new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    video.currentTime = time;
    await event(video, "seeked");
    await frame;
    numbers.push(number(video));
  }
  return numbers;
}
(async () => {
  const told = {};
  for (const [name, times] of Object.entries(await (await fetch("times.json")).json())) told[name] = await shown(name, times);
  await fetch("told", { method: "POST", body: JSON.stringify(told) });
})();
</script>
HTML

cat >look.py <<'PYTHON'
import http.server
import json
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path

import av

COUNT, OUTAGE_AFTER, OUTAGE_MS, INTERVAL_MS = 40, 12, 3000, 40
MS = Fraction(1, 1000)
ASKED = [10, OUTAGE_AFTER, "amid", OUTAGE_AFTER + 1]


def times_ms():
    return [number * INTERVAL_MS + (OUTAGE_MS if number > OUTAGE_AFTER else 0) for number in range(COUNT)]


def record(path, b_pictures):
    """Return the times at which its pictures are, in s, in the order in which they are shown."""
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with av.open(str(path), "w", options=options) as out:
        settings = {"crf": "10", "bf": str(b_pictures), "b-adapt": "0", "sc_threshold": "0"}
        video = out.add_stream("libx264", rate=25, options=settings)
        video.width, video.height, video.pix_fmt = 160, 128, "yuv420p"
        video.codec_context.time_base, video.codec_context.gop_size = MS, 10
        for number, time_ms in enumerate(times_ms()):
            picture = av.VideoFrame(160, 128, "yuv420p")
            for plane, value in zip(picture.planes, (20 + 2 * number, 128, 128)):
                plane.update(bytes([value]) * plane.buffer_size)
            picture.pts, picture.time_base = time_ms, MS
            out.mux(video.encode(picture))
        out.mux(video.encode(None))
    with av.open(str(path)) as file:
        found = [(float(one.time), round((bytes(one.planes[0])[0] - 20) / 2)) for one in file.decode(video=0)]
    assert [number for _, number in found] == list(range(COUNT))
    assert [round(1000 * (time - found[0][0])) for time, _ in found] == times_ms()
    return [time for time, _ in found]


class Handler(http.server.SimpleHTTPRequestHandler):
    told, come = {}, threading.Event()

    def log_message(self, *_):
        pass

    def do_POST(self):
        Handler.told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        Handler.come.set()


BROWSERS = {
    "Chromium": "root/usr/lib/chromium/chromium --headless=new --no-sandbox --disable-gpu --disable-background-networking "
    "--disable-component-update --no-first-run --user-data-dir=chromium",
    "Firefox": "root/usr/lib/firefox-esr/firefox-esr --headless --no-remote --profile firefox",
}


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


asked = {}
for b_pictures in (2, 0):
    at = record(Path(f"b-{b_pictures}.mp4"), b_pictures)
    asked[f"b-{b_pictures}.mp4"] = [at[one] + 0.02 if one != "amid" else at[OUTAGE_AFTER] + 1.5 for one in ASKED]
Path("times.json").write_text(json.dumps(asked))
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
right = [OUTAGE_AFTER if one == "amid" else one for one in ASKED]
early = [OUTAGE_AFTER + 1 if one == "amid" else one for one in ASKED]
expected = {"Chromium": {"b-2.mp4": early, "b-0.mp4": right}, "Firefox": {"b-2.mp4": right, "b-0.mp4": right}}
seen = {}
for name, command in BROWSERS.items():
    seen[name] = look(command, server.server_port)
    print(f"{name}: sought {ASKED}, shown {seen[name]}")
sys.exit(0 if seen == expected else "it has changed")
PYTHON
mkdir firefox
venv/bin/python look.py
