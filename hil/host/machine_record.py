# SPDX-License-Identifier: Apache-2.0
"""The machine's state, as it is stored in run.json and gate.json."""

from __future__ import annotations

from typing import Any

from vshm_ctypes.commandline.output import plain
from vshm_ctypes.machine import Machine


def machine_record(machine: Machine) -> dict[str, Any]:
    """Return the board's state as a JSON object, with throttling as the names of its flags."""
    record: dict[str, Any] = plain(machine)
    flags = machine.throttling
    record["throttling"] = None if flags is None else [str(flag.name).lower() for flag in flags]
    return record
