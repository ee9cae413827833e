#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Zenoh's congestion control DROP, which is its default, drops nothing of a camera's stream until many seconds of it are
# under way. A subscriber that takes 10 of 100 messages a second, of 60 KB each, from a FifoChannel with room for 10,
# gets nearly all of the first 300, each later than the one before; no put() waits for long, and nobody is told.
# About 17 MB lie in queues of both processes and in the sockets between them (4 MB of those in the kernel's), which
# is half a minute for such a reader. What is dropped then is the newest, and the delay stays. A RingChannel(3) at the
# subscriber is what keeps up: it takes all off the wire, and hands out what came last. And a session whose FifoChannel
# is full can't be closed: close() gives up after ten seconds, "close operation timed out".
#
# Seen with eclipse-zenoh 1.10.2, two peers over TCP on one machine, 300 messages in about 3 s:
#     FifoChannel(10), 10 a second    100 of the first 102, the last 9 s old; longest put() 5 to 20 ms; close() times out
#     RingChannel(3), 10 a second     30 to 35 messages, none older than 0.5 s
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.13 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import multiprocessing
import socket
import struct
import time
from typing import Any

import zenoh

KEY, COUNT, RATE, BYTES = "camera/0", 300, 100, 60_000
READ_EVERY_S, LEAST = 0.1, 100
HEADER = struct.Struct("<Qd")


def session(port: int, listens: bool) -> Any:
    config = zenoh.Config()
    config.insert_json5("scouting/multicast/enabled", "false")
    place = f'["tcp/127.0.0.1:{port}"]'
    config.insert_json5("listen/endpoints", place if listens else "[]")
    config.insert_json5("connect/endpoints", "[]" if listens else place)
    return zenoh.open(config)


def publish(port: int, slowest: Any) -> None:
    with session(port, listens=False) as own:
        publisher = own.declare_publisher(KEY, congestion_control=zenoh.CongestionControl.DROP)
        time.sleep(1)
        slowest_s = 0.0
        for number in range(COUNT):
            begin_s = time.monotonic()
            publisher.put(HEADER.pack(number, time.monotonic()) + bytes(BYTES))
            slowest_s = max(slowest_s, time.monotonic() - begin_s)
            time.sleep(1 / RATE)
        slowest.put(slowest_s)
        time.sleep(60)  # what is under way goes on


def look(channel: Any, seconds: float) -> tuple[list[int], list[float], float, str]:
    """Numbers and ages, in seconds, of what a slow subscriber got; the slowest put(); what came of close()."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    slowest = context.Queue()
    numbers, ages_s = [], []
    own = session(port, listens=True)
    subscriber = own.declare_subscriber(KEY, channel)
    writer = context.Process(target=publish, args=(port, slowest))
    writer.start()
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s and len(numbers) < LEAST:
        message = subscriber.try_recv()
        if message is None:
            time.sleep(0.005)
            continue
        number, sent_s = HEADER.unpack_from(message.payload.to_bytes())
        numbers.append(number)
        ages_s.append(time.monotonic() - sent_s)
        time.sleep(READ_EVERY_S)
    slowest_s = slowest.get(timeout=30)
    closed = "closed"
    try:
        own.close()
    except zenoh.ZError as error:
        closed = str(error)
    writer.terminate()
    writer.join()
    return numbers, ages_s, slowest_s, closed


if __name__ == "__main__":
    numbers, ages_s, slowest_s, closed = look(zenoh.handlers.FifoChannel(10), 40)
    print(f"FifoChannel(10): {len(numbers)} read, the last is number {numbers[-1]}, {ages_s[-1]:.1f} s old")
    print(f"    longest put(): {slowest_s * 1000:.0f} ms; close(): {closed}")
    assert numbers[-1] < LEAST * 1.5 and ages_s[-1] > 6 and "timed out" in closed
    numbers, ages_s, _, closed = look(zenoh.handlers.RingChannel(3), 10)
    print(f"RingChannel(3): {len(numbers)} read, the last is number {numbers[-1]}, the oldest was {max(ages_s):.1f} s old")
    assert numbers[-1] == COUNT - 1 and len(numbers) < LEAST and max(ages_s) < 3 and closed == "closed"
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check eclipse-zenoh==1.10.2
"$folder/venv/bin/python" "$folder/look.py"
