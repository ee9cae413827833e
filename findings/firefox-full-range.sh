#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Firefox 153.8.0esr (Debian 12, without a screen) shows full-range H.264 as if it were limited: grey 60 of a stream whose
# VUI says video_full_range_flag=1, with BT.709 in all three places, is 51 on a canvas, in WebCodecs and in Media Source
# Extensions alike, as it is right for the same bytes of limited range. Saying it once more does not help: with
# colorSpace {fullRange: true, ...} in the decoder's configuration the VideoFrame tells fullRange true, and its pixels are
# the same. Chromium shows 60.
# H.265 of the same browser: VideoDecoder.isConfigSupported() says no, MediaSource.isTypeSupported() yes, and it plays.
# Exits 0 while that is so, 1 where it has changed. Needs Debian 12 on x86-64 with the libraries that the browser needs
# (apt-get install firefox-esr brings them), Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0
apt-get download -qq firefox-esr=153.8.0esr-1~deb12u1
dpkg -x ./*.deb root

cat >page.html <<'HTML'
<!DOCTYPE html><meta charset="utf-8"><video muted></video><script>
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
function grey(image) {
  const context = document.createElement("canvas").getContext("2d");
  context.drawImage(image, 0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data[0];
}
async function decode({ codec, units }, more) {
  const told = { grey: null, fullRange: null };
  const config = { codec, ...more };
  if (!(await VideoDecoder.isConfigSupported(config)).supported) return null;
  const decoder = new VideoDecoder({
    output: (frame) => { Object.assign(told, { grey: grey(frame), fullRange: frame.colorSpace.fullRange }); frame.close(); },
    error: (error) => { told.error = error.message; },
  });
  decoder.configure(config);
  units.forEach((data, at) => {
    decoder.decode(new EncodedVideoChunk({ type: at ? "delta" : "key", timestamp: at * 40000, data: bytes(data) }));
  });
  await decoder.flush();
  return told;
}
async function play({ codec, film }) {
  const type = `video/mp4; codecs="${codec}"`;
  if (!MediaSource.isTypeSupported(type)) return null;
  const source = new MediaSource(), video = document.querySelector("video");
  const opened = new Promise((resolve) => source.addEventListener("sourceopen", resolve));
  video.src = URL.createObjectURL(source);
  await opened;
  const shown = new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  source.addSourceBuffer(type).appendBuffer(bytes(film));
  await shown;
  return grey(video);
}
(async () => {
  const streams = await (await fetch("streams")).json(), told = {};
  const colorSpace = { fullRange: true, matrix: "bt709", primaries: "bt709", transfer: "bt709" };
  for (const [name, stream] of Object.entries(streams)) {
    told[name] = { codecs: await decode(stream, {}), configured: await decode(stream, { colorSpace }), mse: await play(stream) };
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
import subprocess
import sys
import threading
from fractions import Fraction

import av

COUNT, SIZE, GREY = 10, (160, 128), 60


def stream(name, codec, settings):
    option = {"libx264": "x264-params", "libx265": "x265-params"}[name]
    encoder = av.CodecContext.create(name, "w")
    encoder.width, encoder.height = SIZE
    encoder.pix_fmt, encoder.time_base, encoder.framerate = "yuv420p", Fraction(1, 25), Fraction(25)
    encoder.options = {"tune": "zerolatency", option: settings}
    packets = []
    for number in range(COUNT):
        frame = av.VideoFrame(*SIZE, "yuv420p")
        for plane, level in zip(frame.planes, (GREY, 128, 128), strict=True):
            plane.update(bytes([level]) * plane.buffer_size)
        frame.pts = number
        packets += encoder.encode(frame)
    units = [bytes(packet) for packet in packets + encoder.encode(None)]
    return {"codec": codec, "units": [base64.b64encode(unit).decode() for unit in units], "film": film(name, units)}


def film(name, units):
    written = io.BytesIO()
    with av.open(io.BytesIO(units[0]), format={"libx264": "h264", "libx265": "hevc"}[name]) as probe:
        made = av.open(written, "w", format="mp4", options={"movflags": "empty_moov+default_base_moof+frag_keyframe"})
        track = made.add_stream_from_template(probe.streams.video[0])
    for number, data in enumerate(units):
        packet = av.Packet(data)
        packet.stream, packet.time_base, packet.pts, packet.dts = track, Fraction(1, 25), number, number
        packet.duration, packet.is_keyframe = 1, number == 0
        made.mux(packet)
    made.close()
    return base64.b64encode(written.getvalue()).decode()


TOLD = "colorprim=bt709:transfer=bt709:colormatrix=bt709"
STREAMS = {
    "full range": stream("libx264", "avc1.64000B", f"annexb=1:fullrange=on:{TOLD}"),
    "limited range": stream("libx264", "avc1.64000B", f"annexb=1:fullrange=off:{TOLD}"),
    "H.265": stream("libx265", "hev1.1.6.L60.90", "log-level=none:annexb=1:repeat-headers=1"),
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


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
command = "root/usr/lib/firefox-esr/firefox-esr --headless --no-remote --profile firefox"
page = f"http://127.0.0.1:{server.server_port}/page.html"
process = subprocess.Popen([*command.split(), page], stderr=subprocess.DEVNULL)
try:
    if not Handler.come.wait(120):
        sys.exit("no answer within 120 s")
finally:
    process.terminate()
    process.wait()
for case, told in Handler.told.items():
    print(f"{case}: {told}")
full, limited, other = (Handler.told[name] for name in STREAMS)
SHOWN = 51  # (60 - 16) * 255 / 219
same = [
    full["codecs"] == limited["codecs"] == {"grey": SHOWN, "fullRange": False},
    full["configured"] == {"grey": SHOWN, "fullRange": True},
    full["mse"] == limited["mse"] == SHOWN,
    other == {"codecs": None, "configured": None, "mse": SHOWN},
]
sys.exit(0 if all(same) else f"it has changed: {same}")
PYTHON
mkdir firefox
venv/bin/python look.py
