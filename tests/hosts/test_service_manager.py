# SPDX-License-Identifier: Apache-2.0
"""What the service manager is told."""

import socket
from pathlib import Path

import pytest

from hil.streamer.service import Service


def test_the_service_manager_is_told_once_and_kept_informed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        monkeypatch.setenv("WATCHDOG_USEC", "20000")
        service = Service()
        service.frame_written()
        service.frame_written()
        service.is_alive()
        service.stopping()
        assert [manager.recv(100) for _ in range(3)] == [b"READY=1\nSTATUS=streaming", b"WATCHDOG=1", b"STOPPING=1"]


def test_without_a_service_manager_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    service = Service()
    service.frame_written()
    service.is_alive()
    service.stopping()
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/notify")
    Service().frame_written()
