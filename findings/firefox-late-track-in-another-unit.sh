#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Where the pictures of an .mp4 or .mov begin later than its sound, Firefox shows them far too early. The file says so by an
# empty edit, whose length is in units of the whole movie (ISO/IEC 14496-12, 8.6.6), 1000 a second as FFmpeg writes it. Firefox
# takes it for units of the track, here 16000 a second: of 2 s it makes 0.125 s, and all pictures are 1.875 s ahead of their
# sound. Expected was what it does with the same streams in Matroska, and what Chromium and FFmpeg do with all three.
#
# Seen with Debian 12's Firefox 153.8.0esr and files by PyAV 18.1.0: sound from 0, 50 pictures 40 ms apart from 2 s on; shown
# at 0.5 and 1.5 s, where it is too early for any but the first, at 2.45 s, when it is the turn of number 11, and at 3.01 s:
#     .mp4, .mov     9   34   49   49
#     .mkv           0    0   11   25
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
COUNT, LATE_MS, RATE, SAMPLES = 50, 2000, 48000, 1024
ASKED = [0.5, 1.5, 2.45, 3.01]
EXPECTED = {"clip.mp4": [9, 34, 49, 49], "clip.mov": [9, 34, 49, 49], "clip.mkv": [0, 0, 11, 25]}


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
    times_ms = [LATE_MS + 40 * number for number in range(COUNT)]
    with av.open(name, "w") as out:
        packets = pictures(out, times_ms, 0)
        audio = out.add_stream("aac", rate=RATE, layout="mono")
        for number in range(4 * RATE // SAMPLES):
            sound = av.AudioFrame("fltp", "mono", SAMPLES)
            sound.planes[0].update(bytes(4 * SAMPLES))
            sound.sample_rate, sound.time_base, sound.pts = RATE, Fraction(1, RATE), number * SAMPLES
            packets += audio.encode(sound)
        for packet in sorted([*packets, *audio.encode(None)], key=lambda packet: packet.dts * packet.time_base):
            out.mux(packet)
    with av.open(name) as file:
        found = [(round(1000 * one.time), round((bytes(one.planes[0])[0] - 20) / 2)) for one in file.decode(video=0)]
        # Matroska can't say that sound begins before 0, as that of AAC does, and moves all by its 21 ms.
        first_ms = found[0][0]
        assert 0 <= first_ms - LATE_MS <= 22, first_ms
        assert found == [(first_ms + 40 * number, number) for number in range(COUNT)], found


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


for name in EXPECTED:
    record(name)
seen = {name: [one["number"] for one in found] for name, found in by_firefox(dict.fromkeys(EXPECTED, ASKED)).items()}
for name, numbers in seen.items():
    print(f"{name}: at {ASKED} s: {numbers}")
sys.exit(0 if seen == EXPECTED else "it has changed")
PYTHON
mkdir firefox
venv/bin/python look.py
