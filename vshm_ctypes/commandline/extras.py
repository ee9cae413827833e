# SPDX-License-Identifier: Apache-2.0
"""What the commands need beyond the package itself, and which extra of the package installs it."""

from __future__ import annotations

from importlib.util import find_spec

OWN = ("vshm_ctypes", "hil")
HARNESS = "hil"
STREAMER = "streamer"  # which the harness brings, too
# The extra that installs each module. A module that is not listed is needed by the harness only.
EXTRAS = {
    "aiohttp": "web",
    "av": "web",
    "backports": "cli",
    "iceoryx2": "bench",
    "jinja2": "cli",
    "labgrid": "farm",
    "matplotlib": "plot",
    "numpy": "demo",
    "prometheus_client": "cli",
    "rich": "cli",
    "shtab": "cli",
    "websockets": "bench",
    "zenoh": "relay",
    "zmq": "bench",
}


def remedy(error: ModuleNotFoundError, extra: str = "") -> str | None:
    """Return which module is missing and how to install it, or None if it is a module of this project.

    extra is that of the whole command, if it has one.
    """
    module = (error.name or "").partition(".")[0]
    if not module or module in OWN:
        return None
    return f"{module} is not installed: pip install 'video-shm[{extra or EXTRAS.get(module, HARNESS)}]'"


def producer_advice() -> str:
    """Return how to start a producer with what is installed here."""
    if all(find_spec(module) for module in ("av", "numpy", "hil")):
        return "start a producer: camera-streamer takes a camera, vshm demo needs none"
    return "start a producer: with pip install 'video-shm[demo]', vshm demo is one"
