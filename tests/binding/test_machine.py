# SPDX-License-Identifier: Apache-2.0
"""The board's state, from files as a Raspberry Pi has them, and from this machine."""

import os
import sys
from pathlib import Path

import pytest
from hosts import NO_PROC, OTHER_PROCESSES_ALONE, Host, on

from vshm_ctypes import machine as machine_module
from vshm_ctypes.machine import Throttling, read_machine

PI = {
    "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "proc/meminfo": "MemTotal:        3884384 kB\nMemFree: 100 kB\nMemAvailable:    3000000 kB\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "600000\n",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "ondemand\n",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "1800000\n",
    "sys/class/thermal/thermal_zone0/temp": "48686\n",
    "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
}


def board(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "dev/shm").mkdir(parents=True)
    return root


def test_a_raspberry_pi_is_told_as_it_is(tmp_path: Path) -> None:
    machine = read_machine(board(tmp_path, PI))
    assert machine.model == "Raspberry Pi 4 Model B Rev 1.4"
    assert machine.governors == ("ondemand",)
    assert machine.clocks_mhz == (600, 1800)
    assert machine.temperature_c == 48.686
    assert machine.throttling == (
        Throttling.UNDER_VOLTAGE
        | Throttling.THROTTLED
        | Throttling.UNDER_VOLTAGE_OCCURRED
        | Throttling.THROTTLED_OCCURRED
    )
    assert machine.under_voltage is True
    assert machine.memory_total == 3884384 * 1024
    assert machine.memory_available == 3000000 * 1024


def test_the_firmware_of_a_raspberry_pi_5_is_found(tmp_path: Path) -> None:
    flags = {"sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled": "4\n"}
    assert read_machine(board(tmp_path, flags)).throttling == Throttling.THROTTLED


def test_a_voltage_sensor_serves_where_the_firmware_says_nothing(tmp_path: Path) -> None:
    sensor = {"sys/class/hwmon/hwmon1/name": "rpi_volt\n", "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1\n"}
    machine = read_machine(board(tmp_path, sensor))
    assert (machine.throttling, machine.under_voltage) == (None, True)


def firmware(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a vcgencmd on PATH, before one that may be installed here."""
    folder.mkdir()
    (folder / "vcgencmd").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "vcgencmd").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_vcgencmd_is_asked_where_the_kernel_has_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    firmware(tmp_path / "bin", monkeypatch, '[ "$*" = get_throttled ] && echo throttled=0x50008')
    machine = read_machine(board(tmp_path / "root", {}))
    assert machine.throttling == (
        Throttling.SOFT_TEMPERATURE_LIMIT | Throttling.UNDER_VOLTAGE_OCCURRED | Throttling.THROTTLED_OCCURRED
    )
    assert machine.under_voltage is False  # it was once; it is not now


def test_vcgencmd_is_not_asked_where_the_kernel_has_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A process for each look would be what vshm watch costs most of.
    firmware(tmp_path / "bin", monkeypatch, f"touch {tmp_path}/asked; echo throttled=0x0")
    assert read_machine(board(tmp_path / "root", PI)).under_voltage is True
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize(
    "script",
    [
        "echo 'VCHI initialization failed'; exit 255",
        "echo 'error=1 error_msg=\"Command not registered\"'",
        "echo throttled=0x50000; exit 1",
        "echo throttled=maybe",
        "kill -9 $$",
        "exec sleep 60",
    ],
)
def test_a_vcgencmd_that_does_not_answer_tells_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setattr(machine_module, "FIRMWARE_TIMEOUT_S", 0.2)
    firmware(tmp_path / "bin", monkeypatch, script)
    assert read_machine(board(tmp_path / "root", {})).throttling is None


def test_what_a_board_does_not_tell_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # where no vcgencmd is
    machine = read_machine(board(tmp_path, {"sys/class/thermal/thermal_zone0/temp": "garbage"}))
    assert (machine.model, machine.temperature_c, machine.throttling, machine.under_voltage) == (None,) * 4
    assert (machine.governors, machine.clocks_mhz) == ((), ())


def test_this_machine_is_looked_at() -> None:
    machine = read_machine()
    assert machine.kernel == os.uname().release
    assert machine.processors == os.cpu_count()
    assert machine.shared_memory is not None
    assert machine.shared_memory.total >= machine.shared_memory.free > 0
    assert (machine.memory_total or 0) > (machine.memory_available or 0) > 0


GIB = 2**30
V2 = {
    "proc/self/cgroup": "0::/system.slice/camera.service\n",
    "sys/fs/cgroup/memory.stat": "anon 1\n",
    "sys/fs/cgroup/system.slice/memory.max": f"{GIB}\n",
    "sys/fs/cgroup/system.slice/memory.current": f"{GIB // 2}\n",
    "sys/fs/cgroup/system.slice/camera.service/memory.max": "max\n",
    "sys/fs/cgroup/system.slice/camera.service/memory.current": "4096\n",
}
V1 = {
    "proc/self/cgroup": "5:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n0::/\n",
    # Of the container's own folder, as it sees it: the path above is the host's.
    "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{GIB // 4}\n",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{GIB // 4}\n",
    "sys/fs/cgroup/memory/memory.stat": f"inactive_file 1\ntotal_inactive_file {GIB // 8}\n",
}


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (PI | V2, (GIB, GIB // 2)),
        (PI | V1, (GIB // 4, GIB // 8)),
        (V1, (GIB // 4, GIB // 8)),
        (PI | {"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, (3884384 * 1024, 3000000 * 1024)),
        (PI | {"proc/self/cgroup": "garbage"}, (3884384 * 1024, 3000000 * 1024)),
        ({"proc/meminfo": "MemTotal: 4 kB\nMemFree: 2 kB\n"}, (4096, None)),
        ({"proc/meminfo": "MemTotal: many kB\n"}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_memory_is_what_this_process_can_have_or_not_known(
    tmp_path: Path, files: dict[str, str], told: tuple[int | None, int | None]
) -> None:
    machine = read_machine(board(tmp_path, files))
    assert (machine.memory_total, machine.memory_available) == told


def test_a_host_without_shared_memory_is_told_as_such(tmp_path: Path) -> None:
    assert read_machine(tmp_path).shared_memory is None


LOOKS = "from vshm_ctypes.machine import read_machine; m = read_machine(); print(m.memory_total, m.memory_available)"


@pytest.mark.parametrize("host", [OTHER_PROCESSES_ALONE, NO_PROC], ids=["ProcSubset=pid", "no proc"])
def test_what_a_service_may_not_see_is_not_zero(host: Host) -> None:
    outcome = on(host, sys.executable, "-c", LOOKS)
    assert outcome.stdout == "None None\n", outcome.stderr


def test_a_load_that_is_not_told_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses() -> tuple[float, float, float]:
        raise OSError("Load averages are unobtainable")

    monkeypatch.setattr(os, "getloadavg", refuses)
    assert read_machine().load is None
