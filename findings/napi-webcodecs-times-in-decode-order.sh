#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The WebCodecs of browsers for Node.js, @napi-rs/webcodecs, gives decoded pictures the times of their chunks in the order in
# which the chunks came, not the times of their own chunks. Without B pictures that is the same; with them most pictures
# have the time of another one, and pictures that come out in the right order go back and forth in time. Its encoder
# does the same the other way round: x265, which it lets use B pictures, gives chunks the times of the pictures in the order
# in which they were handed in. The two faults cancel out, so whoever tests by encoding and decoding with it sees nothing.
# No error, whatever optimizeForLatency is. Expected was what the specification says and browsers do: a picture's
# timestamp is that of the chunk which it was in.
#
# Seen with @napi-rs/webcodecs 1.3.1 on Node.js 20, and PyAV 18.1.0: 12 pictures, the n-th of time 40 n ms:
#     H.264 of PyAV without B pictures, decoded       0 40 80 120 160 200 240 280 320 360 400 440
#     H.264 of PyAV with 2, decoded                   0 120 40 80 240 160 200 360 280 320 440 400
#     H.265 of its encoder, decoded by PyAV           0 120 80 160 40 280 240 320 200 440 400 360
#     H.265 of its encoder, decoded by its decoder    0 40 80 120 160 200 240 280 320 360 400 440
# Exits 0 while that is so, 1 where it has changed. Needs x86-64, Node.js 20 with npm, Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat >look.mjs <<'NODE'
import { EncodedVideoChunk, VideoDecoder, VideoEncoder, VideoFrame } from '@napi-rs/webcodecs';
import { readFileSync, writeFileSync } from 'node:fs';

const [WIDTH, HEIGHT, COUNT, INTERVAL_US] = [64, 48, 12, 40000];
const [task, codec, path] = process.argv.slice(2);
const stop = (error) => { console.error(`${error}`); process.exit(2); };

if (task === 'encode') {
  const chunks = [];
  const output = (chunk) => {
    const data = new Uint8Array(chunk.byteLength);
    chunk.copyTo(data);
    chunks.push({ type: chunk.type, timestamp: chunk.timestamp, data: Buffer.from(data).toString('base64') });
  };
  const encoder = new VideoEncoder({ output, error: stop });
  encoder.configure({ codec, width: WIDTH, height: HEIGHT, bitrate: 500000, framerate: 25, hevc: { format: 'annexb' } });
  for (let number = 0; number < COUNT; number += 1) {
    const data = new Uint8Array(WIDTH * HEIGHT * 1.5).fill(128).fill(30 + 15 * number, 0, WIDTH * HEIGHT);
    const timestamp = number * INTERVAL_US;
    const frame = new VideoFrame(data, { format: 'I420', codedWidth: WIDTH, codedHeight: HEIGHT, timestamp });
    encoder.encode(frame);
    frame.close();
  }
  await encoder.flush();
  writeFileSync(path, JSON.stringify(chunks));
} else {
  const pictures = [];
  const output = (frame) => {
    const data = new Uint8Array(frame.allocationSize());
    const told = frame.timestamp / 1000;
    pictures.push(frame.copyTo(data).then(() => { frame.close(); return [Math.round((data[WIDTH + 5] - 30) / 15), told]; }));
  };
  const decoder = new VideoDecoder({ output, error: stop });
  decoder.configure({ codec, optimizeForLatency: task === 'decode-at-once' });
  for (const { type, timestamp, data } of JSON.parse(readFileSync(path))) {
    decoder.decode(new EncodedVideoChunk({ type, timestamp, data: Buffer.from(data, 'base64') }));
  }
  await decoder.flush();
  console.log(JSON.stringify(await Promise.all(pictures)));
}
process.exit(0);
NODE

cat >look.py <<'PYTHON'
import base64
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av

COUNT = 12
US = Fraction(1, 1_000_000)
RIGHT = [[number, number * 40] for number in range(COUNT)]
H264, H265 = "avc1.64000a", "hvc1.1.6.L93.B0"


def encode(b_pictures: int, path: Path) -> list[int]:
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 64, 48, "yuv420p", US
    encoder.options = {"crf": "10", "bf": str(b_pictures), "x264-params": "b-adapt=0:b-pyramid=0:scenecut=0"}
    packets = []
    for number in range(COUNT):
        picture = av.VideoFrame(64, 48, "yuv420p")
        for plane, value in zip(picture.planes, (30 + 15 * number, 128, 128)):
            plane.update(bytes([value]) * plane.buffer_size)
        picture.pts, picture.time_base = number * 40_000, US
        packets += encoder.encode(picture)
    packets += encoder.encode(None)
    chunks = [
        {"type": "key" if packet.is_keyframe else "delta", "timestamp": packet.pts, "data": base64.b64encode(packet).decode()}
        for packet in packets
    ]
    path.write_text(json.dumps(chunks))
    return [packet.pts // 1000 for packet in packets]


def decoded_by_pyav(name: str, path: Path) -> list[list[int]]:
    decoder, pictures = av.CodecContext.create(name, "r"), []
    for chunk in json.loads(path.read_text()):
        packet = av.Packet(base64.b64decode(chunk["data"]))
        packet.pts = chunk["timestamp"]
        pictures += decoder.decode(packet)
    pictures += decoder.decode(None)
    return [[round((bytes(picture.planes[0])[5] - 30) / 15), picture.pts // 1000] for picture in pictures]


def node(*arguments: str | Path) -> str:
    return subprocess.run(["node", "look.mjs", *map(str, arguments)], stdout=subprocess.PIPE, text=True, check=True).stdout


path, same = Path("chunks.json"), []
for b_pictures in (0, 2):
    in_order_of_decoding = encode(b_pictures, path)
    assert decoded_by_pyav("h264", path) == RIGHT
    for task in ("decode", "decode-at-once"):
        pictures = json.loads(node(task, H264, path))
        print(f"H.264 with {b_pictures} B pictures, {task}: {pictures}")
        same.append([number for number, _ in pictures] == list(range(COUNT)))
        same.append([time for _, time in pictures] == in_order_of_decoding)
        same.append((pictures == RIGHT) == (b_pictures == 0))
node("encode", H265, path)
told = [chunk["timestamp"] // 1000 for chunk in json.loads(path.read_text())]
by_pyav, by_itself = decoded_by_pyav("hevc", path), json.loads(node("decode", H265, path))
print(f"H.265 encoded by it: chunks {told}; by PyAV: {by_pyav}; by itself: {by_itself}")
numbers = sorted(number for number, _ in by_pyav)
same += [told == sorted(told), numbers == list(range(COUNT)), sorted(by_pyav) != RIGHT, by_itself == RIGHT]
sys.exit(0 if all(same) else f"it has changed: {same}")
PYTHON

npm install --silent --no-audit --no-fund @napi-rs/webcodecs@1.3.1
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0
venv/bin/python look.py
