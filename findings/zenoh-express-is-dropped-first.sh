#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Zenoh's option express, which its documentation gives for lower latency, decides how much a slow link loses. Expected:
# of a burst of small messages, as many are dropped with express as without, since the same bytes wait. But the queue of
# a link counts batches: without express one holds 64 KB of messages, with express each message has one of its own, and
# there are two of them per priority, whatever the size. Of 400 messages of 1000 bytes with congestion control DROP,
# which is the default, 2 or 3 arrive with express, and some 130 without. No put() says so.
#
# Seen with eclipse-zenoh 1.10.2, two peers over TCP, with a proxy between them that takes 250,000 bytes a second, and
# the smallest buffers in the kernel, so that Zenoh's own queue is what is seen:
#     express: 2 of 400 arrive; without: 129 of 400
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.13 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import json
import os
import socket
import sys
import threading
import time
from typing import Any

import zenoh

RATE, BYTES, COUNT = 250_000, 1000, 400


def session(listen: list[str], connect: list[str]) -> Any:
    config = zenoh.Config()
    settings = {
        "listen/endpoints": listen,
        "connect/endpoints": connect,
        "scouting/multicast/enabled": False,
        "transport/shared_memory/enabled": False,
        "transport/link/tcp/so_sndbuf": 4096,
    }
    for key, value in settings.items():
        config.insert_json5(key, json.dumps(value))
    return zenoh.open(config)


def slow_link(server: socket.socket, port: int) -> None:
    """Forward one connection; what the publisher sends, at RATE."""
    client, _ = server.accept()
    far = socket.socket()
    far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    far.connect(("127.0.0.1", port))

    def back() -> None:
        while data := client.recv(65536):
            far.sendall(data)

    threading.Thread(target=back, daemon=True).start()
    while data := far.recv(2000):
        client.sendall(data)
        time.sleep(len(data) / RATE)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def main(express: bool) -> None:
    port, server = free_port(), socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=slow_link, args=(server, port), daemon=True).start()
    near = session([f"tcp/127.0.0.1:{port}"], [])
    far = session([], [f"tcp/127.0.0.1:{server.getsockname()[1]}"])
    arrived: list[int] = []
    subscriber = far.declare_subscriber("x", lambda sample: arrived.append(len(sample.payload)))
    publisher = near.declare_publisher("x", congestion_control=zenoh.CongestionControl.DROP, express=express)
    while not publisher.matching_status.matching:
        time.sleep(0.05)
    time.sleep(1)
    for _ in range(COUNT):
        publisher.put(bytes(BYTES))
    time.sleep(COUNT * BYTES / RATE + 2)
    print(len(arrived), flush=True)
    del subscriber
    os._exit(0)


main(sys.argv[1] == "express")
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check eclipse-zenoh==1.10.2
with=$("$folder/venv/bin/python" "$folder/look.py" express)
without=$("$folder/venv/bin/python" "$folder/look.py" batched)
echo "express: $with of 400 arrive; without: $without of 400"
[ "$with" -lt 20 ] && [ "$without" -gt 60 ]
