#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Firefox shows an older picture than that of the time which was sought, in Matroska with B pictures. Next to keyframes and
# B pictures the one shown is one or two pictures old; behind an outage, it is the one from before it, here 3 s old. It is as
# if a picture lasted until the next one in the order of the file, which is that of decoding. The same pictures in .mp4, and
# those without B pictures in Matroska, are right.
#
# Seen with Debian 12's Firefox 153.8.0esr and files by PyAV 18.1.0: 40 pictures 40 ms apart, an outage of 3 s behind the
# 13th, number 12, keyframes at each tenth, two B pictures in a row; sought the times of these numbers and 5 ms:
#                        10   12   13   15   22   24   36
#     .mkv               10   10   12   12   20   22   35
#     .mkv without B pictures, .mp4 with them: as sought
# Exits 0 while that is so, 1 where it has changed. Needs Debian 12 on x86-64 with the libraries that the browser needs
# (apt-get install firefox-esr brings them), Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0
apt-get download -qq -o APT::Sandbox::User=root firefox-esr=153.8.0esr-1~deb12u1
dpkg -x ./*.deb root

cat >page.html <<'HTML'
<!DOCTYPE html><meta charset="utf-8"><body><script>
const event = (target, name) => new Promise((resolve) => target.addEventListener(name, resolve, { once: true }));
const canvas = document.createElement("canvas").getContext("2d");
function number(video) {
  canvas.drawImage(video, 0, 0, 1, 1);
  return Math.round((canvas.getImageData(0, 0, 1, 1).data[0] * 219 / 255 + 16 - 20) / 2);
}
async function look(name, times) {
  const video = document.createElement("video"), found = [];
  video.muted = true;
  // As a whole, for the server knows no ranges.
  video.src = URL.createObjectURL(await (await fetch(name)).blob());
  await event(video, "loadeddata");
  for (const time of times) {
    const frame = new Promise((resolve) => video.requestVideoFrameCallback((now, told) => resolve(told)));
    video.currentTime = time;
    await event(video, "seeked");
    const { mediaTime } = await frame;
    found.push({ number: number(video), mediaTime });
  }
  return found;
}
(async () => {
  const told = {};
  for (const [name, times] of Object.entries(await (await fetch("times.json")).json())) told[name] = await look(name, times);
  await fetch("told", { method: "POST", body: JSON.stringify(told) });
})();
</script></body>
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

MS = Fraction(1, 1000)
COUNT, LAST_BEFORE, OUTAGE_MS = 40, 12, 3000
TIMES_MS = [40 * number + (OUTAGE_MS if number > LAST_BEFORE else 0) for number in range(COUNT)]
SOUGHT = [10, 12, 13, 15, 22, 24, 36]
OLDER = [10, 10, 12, 12, 20, 22, 35]
CLIPS = {"b-2.mkv": OLDER, "b-0.mkv": SOUGHT, "b-2.mp4": SOUGHT}


def pictures(out, times_ms, b_pictures):
    """Return a stream, and packets of pictures that each tell their number by their brightness."""
    settings = {"crf": "10", "bf": str(b_pictures), "b-adapt": "0", "sc_threshold": "0"}
    video = out.add_stream("libx264", rate=25, options=settings)
    video.width, video.height, video.pix_fmt = 160, 128, "yuv420p"
    video.codec_context.time_base, video.codec_context.gop_size = MS, 10
    packets = []
    for number, time_ms in enumerate(times_ms):
        picture = av.VideoFrame(160, 128, "yuv420p")
        for plane, value in zip(picture.planes, (20 + 2 * number, 128, 128)):
            plane.update(bytes([value]) * plane.buffer_size)
        picture.pts, picture.time_base = time_ms, MS
        packets += video.encode(picture)
    return packets + video.encode(None)


def record(name):
    with av.open(name, "w") as out:
        for packet in pictures(out, TIMES_MS, int(name[2])):
            out.mux(packet)
    with av.open(name) as file:
        found = [(round(1000 * one.time), round((bytes(one.planes[0])[0] - 20) / 2)) for one in file.decode(video=0)]
    assert found == [(time_ms, number) for number, time_ms in enumerate(TIMES_MS)], found


class Handler(http.server.SimpleHTTPRequestHandler):
    told, come = {}, threading.Event()

    def log_message(self, *_):
        pass

    def do_POST(self):
        Handler.told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        Handler.come.set()


def by_firefox(asked):
    Path("times.json").write_text(json.dumps(asked))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    command = "root/usr/lib/firefox-esr/firefox-esr --headless --no-remote --profile firefox"
    page = f"http://127.0.0.1:{server.server_port}/page.html"
    process = subprocess.Popen([*command.split(), page], stderr=subprocess.DEVNULL)
    try:
        if not Handler.come.wait(120):
            sys.exit("no answer within 120 s")
        return Handler.told
    finally:
        process.terminate()
        process.wait()


for name in CLIPS:
    record(name)
asked = [(TIMES_MS[number] + 5) / 1000 for number in SOUGHT]
seen = {name: [one["number"] for one in found] for name, found in by_firefox(dict.fromkeys(CLIPS, asked)).items()}
for name, numbers in seen.items():
    print(f"{name}: sought {SOUGHT}, shown {numbers}")
sys.exit(0 if seen == CLIPS else "it has changed")
PYTHON
mkdir firefox
venv/bin/python look.py
