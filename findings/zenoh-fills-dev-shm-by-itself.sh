#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Zenoh takes 17 MB of /dev/shm for each process that publishes pictures to another one on the same machine, though
# nobody asked it for shared memory: both only speak TCP. Messages of 1000 bytes take none, those of 4000 the whole pool,
# at once. A publisher that is killed leaves it there (16 MB and 1.25 MB, NUMBER.zenoh), until another session of Zenoh
# begins. A container has 64 MB of /dev/shm by default, which others want too. transport/shared_memory/enabled=false is
# what prevents it.
#
# Seen with eclipse-zenoh 1.10.2, KiB of new files in /dev/shm: two sessions, 50 messages later, the publisher killed
#     1000 bytes                            24      24      24
#     4000 and 60000 bytes                  24   17688   17688
#     60000 bytes, shared memory disabled    0       0       0
# Exits 0 while that is so, 1 where it has changed. Takes its own files out of /dev/shm again, of which it needs 20 MB.
# Needs Python 3.11 to 3.13 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import multiprocessing
import socket
import time
from pathlib import Path
from typing import Any

import zenoh

KEY, COUNT = "camera/0", 50
SHARED = Path("/dev/shm")
BEFORE = set(SHARED.glob("*.zenoh"))


def session(port: int, listens: bool, disabled: bool) -> Any:
    config = zenoh.Config()
    config.insert_json5("scouting/multicast/enabled", "false")
    place = f'["tcp/127.0.0.1:{port}"]'
    config.insert_json5("listen/endpoints", place if listens else "[]")
    config.insert_json5("connect/endpoints", "[]" if listens else place)
    if disabled:
        config.insert_json5("transport/shared_memory/enabled", "false")
    return zenoh.open(config)


def publish(port: int, size: int, disabled: bool, told: Any) -> None:
    own = session(port, listens=False, disabled=disabled)
    publisher = own.declare_publisher(KEY)
    told.put("up")
    time.sleep(1)
    for _ in range(COUNT):
        publisher.put(bytes(size))
        time.sleep(0.02)
    told.put("done")
    time.sleep(60)


def taken() -> int:
    """KiB of what is new since the begin."""
    return sum(path.stat().st_blocks // 2 for path in set(SHARED.glob("*.zenoh")) - BEFORE)


def look(size: int, disabled: bool) -> tuple[int, int, int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    own = session(port, listens=True, disabled=disabled)
    subscriber = own.declare_subscriber(KEY, lambda message: None)
    writer = context.Process(target=publish, args=(port, size, disabled, told))
    writer.start()
    told.get(timeout=60)
    found = [taken()]
    told.get(timeout=60)
    found.append(taken())
    writer.kill()
    writer.join()
    found.append(taken())
    subscriber.undeclare()
    own.close()
    for path in set(SHARED.glob("*.zenoh")) - BEFORE:
        path.unlink()
    print(f"{size} bytes{', disabled' if disabled else ''}: {found} KiB")
    return found[0], found[1], found[2]


if __name__ == "__main__":
    small = look(1000, disabled=False)
    assert max(small) < 100
    for size in (4000, 60_000):
        open_kib, used_kib, left_kib = look(size, disabled=False)
        assert open_kib < 100 and used_kib > 16_000 and left_kib > 16_000
    assert max(look(60_000, disabled=True)) < 100
PYTHON

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check eclipse-zenoh==1.10.2
"$folder/venv/bin/python" "$folder/look.py"
