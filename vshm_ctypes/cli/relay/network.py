# SPDX-License-Identifier: Apache-2.0
"""Opens the Zenoh session. Nothing is open to other machines unless it was asked for."""

from __future__ import annotations

import json
import re
import threading
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ...bridges.address import redacted
from ...commandline.rate_limited_log import first_line
from ...limits import require_addresses
from ...serving.sockets import INTERNET, require_sockets
from .wire import MOST_SLOT_SIZE

if TYPE_CHECKING:
    import zenoh

PORT = 7447
HERE = f"tcp/127.0.0.1:{PORT}"
LEASE_MS = 1250  # a link that has been silent for this long is gone; keep-alives go four times as often
OPEN_MS = 2000  # of an attempt to connect; one that was begun while a link is down would wait for many seconds
RETRY = {"period_init_ms": 250, "period_max_ms": 1000, "period_increase_factor": 1.5}
ADDRESSES = 96 << 20  # bytes, which Zenoh's threads take, and a ring of the usual size
QUEUE = 16  # batches of 64 KB: a keyframe fits in whole, or Zenoh would drop it on a slow link, again and again
CALLER, CALLER_S = "pyo3-closure", 5.0
PANIC = "PanicException"  # how Rust's panics reach Python: no Exception, and of no module that can be imported
REMEDY = "end some programs, or raise ulimit -n, -u or -v, TasksMax= or pids.max: it takes threads and descriptors"
_ENDPOINT = re.compile(r"[a-z0-9_]+/.+")
FRAGMENTS_US = 200_000  # how long a unit that is larger than the queue may wait for room


def add_arguments(parser: ArgumentParser, default: str) -> None:
    """Add the options that say where the network is. default: what is done without them."""
    parser.add_argument(
        "--listen",
        action="append",
        default=[],
        metavar="ENDPOINT",
        help=f"take connections at this address, such as tcp/0.0.0.0:{PORT} (default: {default})",
    )
    parser.add_argument(
        "--connect",
        action="append",
        default=[],
        metavar="ENDPOINT",
        help=f"connect to a board there, such as tcp/front.local:{PORT}",
    )
    parser.add_argument(
        "--scout",
        action="store_true",
        help="find others by multicast, and be found: listens on every address of this machine",
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="Zenoh's configuration (.json5), for TLS, passwords, access control"
    )


def far_of(arguments: Namespace, default: str) -> str:
    """Return where the far side is, for people: without credentials."""
    told = [*arguments.connect, *arguments.listen]
    if arguments.scout:
        told.append("multicast")
    if arguments.config is not None:
        told.append(str(arguments.config))
    return ", ".join(redacted(one, one) for one in told) or default


def open_session(arguments: Namespace, listen: list[str], connect: list[str]) -> zenoh.Session:
    """Open the session. listen, connect: endpoints if the arguments name none.

    Raises OSError: the configuration or an endpoint can't be used, or there is too little memory. ValueError: one is no
    endpoint. ModuleNotFoundError: Zenoh is not installed.
    """
    require_addresses("Zenoh", ADDRESSES)  # Rust ends the process where it gets no memory, and a ring would be left
    import zenoh

    for endpoint in (*arguments.connect, *arguments.listen):
        if not _ENDPOINT.match(endpoint):
            shown = redacted(endpoint, endpoint)
            raise ValueError(f"{shown}: no endpoint: PROTOCOL/ADDRESS, such as tcp/front.local:{PORT}")
    if arguments.config is None and not any(
        "unixsock" in endpoint for endpoint in arguments.connect + arguments.listen
    ):
        require_sockets("Zenoh", *INTERNET)  # it would try for ever, in silence
    if arguments.config is not None:
        arguments.config.open().close()  # the error names the file, as Zenoh's does not
    try:
        config = zenoh.Config() if arguments.config is None else zenoh.Config.from_file(arguments.config)
        for key, value in _settings(arguments, listen, connect).items():
            config.insert_json5(key, json.dumps(value))
        return zenoh.open(config)
    except zenoh.ZError as error:
        raise OSError(_first(str(error), arguments)) from None
    except BaseException as error:
        if type(error).__name__ != PANIC:
            raise
        raise OSError(f"Zenoh can't start ({first_line(error)}): {REMEDY}") from None


def close_session(session: zenoh.Session) -> None:
    """Close the session, and wait for the threads in which it called us.

    They are Python's, and daemons where a daemon has declared something: one that still runs when the interpreter ends
    is ended by pthread_exit, which Rust takes for a foreign exception, and aborts the process.
    """
    session.close()
    for thread in threading.enumerate():
        if CALLER in thread.name:
            thread.join(CALLER_S)


def _settings(arguments: Namespace, listen: list[str], connect: list[str]) -> dict[str, object]:
    """Return what is set over Zenoh's own defaults, and over the file's."""
    named = arguments.listen or arguments.connect or arguments.scout or arguments.config is not None
    settings: dict[str, object] = {
        "transport/shared_memory/enabled": False,
        "transport/link/tx/lease": LEASE_MS,
        "transport/link/tx/queue/size/data_high": QUEUE,
        "transport/link/tx/queue/congestion_control/drop/max_wait_before_drop_fragments": FRAGMENTS_US,
        "transport/link/rx/max_message_size": MOST_SLOT_SIZE + 65536,
        "connect/retry": RETRY,
        "transport/unicast/open_timeout": OPEN_MS,
    }
    if arguments.config is None:
        settings["scouting/multicast/enabled"] = settings["scouting/gossip/enabled"] = arguments.scout
        settings["listen/endpoints"] = ["tcp/[::]:0"] if arguments.scout else []
    if arguments.listen or not named:
        settings["listen/endpoints"] = arguments.listen or listen
    if arguments.connect or not named:
        settings["connect/endpoints"] = arguments.connect or connect
    return settings


def _first(text: str, arguments: Namespace) -> str:
    """Return what Zenoh says, without where in its sources it says so, and without credentials."""
    told = text.partition(" at /")[0]
    for endpoint in (*arguments.connect, *arguments.listen):
        told = redacted(told, endpoint)
    return f"Zenoh: {redacted(told, '')}"
