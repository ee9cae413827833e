# SPDX-License-Identifier: Apache-2.0
"""What each command needs beyond the package itself, and which extra of the package brings it."""

from __future__ import annotations

from importlib.util import find_spec

OWN = ("vshm_ctypes", "hil")
HARNESS = "hil"
# By the module that is missing. What is not here belongs to the harness alone.
EXTRAS = {
    "aiohttp": "web",
    "av": "web",
    "backports": "cli",
    "iceoryx2": "bench",
    "jinja2": "cli",
    "labgrid": "farm",
    "matplotlib": "plot",
    "prometheus_client": "cli",
    "rich": "cli",
    "shtab": "cli",
    "websockets": "bench",
    "zmq": "bench",
}


def remedy(error: ModuleNotFoundError, extra: str = "") -> str | None:
    """What is missing, and how it is installed; None: a module of ours, whose absence is our own fault.

    extra: that of the whole command, of which the module is one part.
    """
    module = (error.name or "").partition(".")[0]
    if not module or module in OWN:
        return None
    return f"{module} is not installed: pip install 'video-shm[{extra or EXTRAS.get(module, HARNESS)}]'"


def producer_advice() -> str:
    """Where a ring comes from, with what is installed here."""
    if all(find_spec(module) for module in ("av", "numpy", "hil")):
        return "start a producer: camera-streamer takes a camera, vshm demo needs none"
    return "start a producer: with pip install 'video-shm[demo]', vshm demo is one"
