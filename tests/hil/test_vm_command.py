# SPDX-License-Identifier: Apache-2.0
"""hil vm as a command: what it lacks, what it refuses, and what its exit code tells."""

import signal
from pathlib import Path

import pytest
from processes import stand_in

from hil.vm import Kernel, VmDeadline, VmError, VmUnavailable
from hil.vm.main import main
from hil.vm.programs import find_vng, kvm_is_usable


def test_what_is_not_installed_is_named_with_its_package(tmp_path: Path) -> None:
    for machine_name, package in (("x86_64", "qemu-system-x86"), ("aarch64", "qemu-system-arm")):
        with pytest.raises(
            VmUnavailable, match=rf"apt-get install busybox-static file kmod {package} \(ci/bootstrap hil"
        ):
            find_vng(machine_name, str(tmp_path))
    for name in ("qemu-system-x86_64", "busybox", "file", "modprobe"):
        stand_in(tmp_path / name, "")
    with pytest.raises(VmUnavailable, match="vng is not installed: pip install virtme-ng"):
        find_vng("x86_64", str(tmp_path))
    stand_in(tmp_path / "vng", "")
    assert find_vng("x86_64", str(tmp_path)) == str(tmp_path / "vng")
    with pytest.raises(VmUnavailable, match="virtual machines are not supported on sparc"):
        find_vng("sparc", str(tmp_path))


def test_kvm_is_believed_only_where_it_makes_a_machine(tmp_path: Path) -> None:
    assert not kvm_is_usable(str(tmp_path / "kvm"))
    assert not kvm_is_usable("/dev/null")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--cameras", "17", "true"],
        ["--usb", "9", "true"],
        ["--design", "none", "true"],
        ["--kernel", "newest", "true"],
        ["--memory", "2G; reboot", "true"],
        ["--seconds", "0", "true"],
    ],
)
def test_what_can_not_be_meant_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage: hil vm" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"), [(VmUnavailable("no qemu"), 4), (VmDeadline("too late"), 124), (VmError("panic"), 1)]
)
def test_the_exit_code_tells_what_it_was(
    error: VmError, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_words: object) -> Kernel:
        raise error

    monkeypatch.setattr("hil.vm.main.kernel_for", fail)
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    assert main(["--", "true"]) == code
    assert capsys.readouterr().err == f"hil vm: {error}\n"
