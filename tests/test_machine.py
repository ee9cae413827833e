# SPDX-License-Identifier: Apache-2.0
"""The board's state, from files as a Raspberry Pi has them, and from this machine."""

import os
from pathlib import Path

from vshm_ctypes.machine import Throttling, look

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
    machine = look(board(tmp_path, PI))
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


def test_a_voltage_sensor_serves_where_the_firmware_says_nothing(tmp_path: Path) -> None:
    sensor = {"sys/class/hwmon/hwmon1/name": "rpi_volt\n", "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1\n"}
    machine = look(board(tmp_path, sensor))
    assert (machine.throttling, machine.under_voltage) == (None, True)


def test_what_a_board_does_not_tell_is_none(tmp_path: Path) -> None:
    machine = look(board(tmp_path, {"sys/class/thermal/thermal_zone0/temp": "garbage"}))
    assert (machine.model, machine.temperature_c, machine.throttling, machine.under_voltage) == (None,) * 4
    assert (machine.governors, machine.clocks_mhz) == ((), ())


def test_this_machine_is_looked_at() -> None:
    machine = look()
    assert machine.kernel == os.uname().release
    assert machine.processors == os.cpu_count()
    assert machine.shared_memory.total >= machine.shared_memory.free > 0
    assert machine.memory_total > machine.memory_available > 0
