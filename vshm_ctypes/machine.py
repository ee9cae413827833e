# SPDX-License-Identifier: Apache-2.0
"""The state of the board as the kernel reports it: model, clocks, temperature, throttling, shared memory."""

from __future__ import annotations

import enum
import os
import platform
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .cgroup import memory_limit


class Throttling(enum.IntFlag):
    """What the firmware of a Raspberry Pi reports, now and since boot."""

    UNDER_VOLTAGE = 1 << 0
    FREQUENCY_CAPPED = 1 << 1
    THROTTLED = 1 << 2
    SOFT_TEMPERATURE_LIMIT = 1 << 3
    UNDER_VOLTAGE_OCCURRED = 1 << 16
    FREQUENCY_CAPPED_OCCURRED = 1 << 17
    THROTTLED_OCCURRED = 1 << 18
    SOFT_TEMPERATURE_LIMIT_OCCURRED = 1 << 19


FIRMWARE_TIMEOUT_S = 2.0
EARLIEST_S = 1_704_067_200  # 2024-01-01; a board without a clock battery starts at an earlier date


@dataclass(frozen=True, slots=True)
class SharedMemory:
    """The size of /dev/shm, and how much of it is free for this user, in bytes."""

    total: int
    free: int


@dataclass(frozen=True, slots=True)
class Machine:
    """The state of the board at one moment. What the board does not report is None, or empty.

    Attributes:
        model: name of the board or machine.
        kernel: release of the kernel.
        architecture: such as aarch64.
        processors: number of processors.
        governors: names of the frequency governors in use.
        clocks_mhz: frequency of each processor.
        temperature_c: temperature of the hottest zone, degrees Celsius.
        throttling: flags of a Raspberry Pi's firmware.
        under_voltage: whether the supply voltage is too low now, by firmware or sensor.
        load: runnable tasks, averaged over the last minute.
        memory_total: bytes that this process may use at most, in a container those of the container.
        memory_available: bytes of these that are still available.
        shared_memory: /dev/shm.
    """

    model: str | None
    kernel: str
    architecture: str
    processors: int
    governors: tuple[str, ...]
    clocks_mhz: tuple[int, ...]
    temperature_c: float | None
    throttling: Throttling | None
    under_voltage: bool | None
    load: float | None
    memory_total: int | None
    memory_available: int | None
    shared_memory: SharedMemory | None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").strip().strip("\0") or None
    except OSError:
        return None


def _numbers(paths: Iterable[Path], base: int = 10) -> list[int]:
    found = []
    for path in paths:
        try:
            found.append(int(_text(path) or "", base))
        except ValueError:
            continue
    return found


def _throttling(root: Path) -> Throttling | None:
    # A Raspberry Pi 5 has its firmware under soc@107c000000, the others under soc.
    flags = _numbers((root / "sys/devices/platform").glob("soc*/soc*:firmware/get_throttled"), 16)
    return Throttling(flags[0]) if flags else _throttling_by_vcgencmd()


def _throttling_by_vcgencmd() -> Throttling | None:
    """Ask vcgencmd, on kernels without that file only: starting a process costs as much as all the rest."""
    program = shutil.which("vcgencmd")
    if program is None:
        return None
    import subprocess  # slow to import, and rarely needed

    try:
        command = [program, "get_throttled"]
        told = subprocess.run(command, capture_output=True, text=True, timeout=FIRMWARE_TIMEOUT_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):  # such as for a user outside the group video
        return None
    match = re.fullmatch(r"throttled=(0x[0-9a-fA-F]{1,8})", told.strip())
    return Throttling(int(match[1], 16)) if match else None


def _under_voltage(root: Path, throttling: Throttling | None) -> bool | None:
    if throttling is not None:
        return bool(throttling & Throttling.UNDER_VOLTAGE)
    for sensor in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        if _text(sensor / "name") == "rpi_volt":
            return any(_numbers([sensor / "in0_lcrit_alarm"]))
    return None


def _memory(root: Path) -> tuple[int | None, int | None]:
    """Return the total and the available bytes."""
    lines = (line.split() for line in (_text(root / "proc/meminfo") or "").splitlines())
    told = {words[0]: int(words[1]) * 1024 for words in lines if len(words) >= 2 and words[1].isdecimal()}
    total, available = told.get("MemTotal:"), told.get("MemAvailable:")
    limit = memory_limit(root)
    if limit is None:
        return total, available
    return min(limit.total, total or limit.total), min(limit.available, available or limit.available)


def _load() -> float | None:
    try:
        return os.getloadavg()[0]
    except OSError:  # there is no /proc, or it shows processes only
        return None


def _shared_memory(root: Path) -> SharedMemory | None:
    try:
        space = os.statvfs(root / "dev/shm")
    except OSError:
        return None
    return SharedMemory(space.f_blocks * space.f_frsize, space.f_bavail * space.f_frsize)


def _hottest(root: Path) -> float | None:
    zones = _numbers((root / "sys/class/thermal").glob("thermal_zone*/temp"))
    return max(zones) / 1000 if zones else None


def read_machine(root: Path = Path("/")) -> Machine:
    """Return the state of the board now. root is the folder that contains proc, sys and dev."""
    processors = sorted((root / "sys/devices/system/cpu").glob("cpu[0-9]*"), key=lambda path: int(path.name[3:]))
    governors = {_text(path / "cpufreq/scaling_governor") for path in processors} - {None}
    clocks = _numbers(path / "cpufreq/scaling_cur_freq" for path in processors)
    throttling = _throttling(root)
    memory_total, memory_available = _memory(root)
    return Machine(
        model=_text(root / "proc/device-tree/model") or _text(root / "sys/class/dmi/id/product_name"),
        kernel=platform.release(),
        architecture=platform.machine(),
        processors=os.cpu_count() or 1,
        governors=tuple(sorted(filter(None, governors))),
        clocks_mhz=tuple(clock // 1000 for clock in clocks),
        temperature_c=_hottest(root),
        throttling=throttling,
        under_voltage=_under_voltage(root, throttling),
        load=_load(),
        memory_total=memory_total,
        memory_available=memory_available,
        shared_memory=_shared_memory(root),
    )
