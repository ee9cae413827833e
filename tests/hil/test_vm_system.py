# SPDX-License-Identifier: Apache-2.0
"""A virtual machine of another processor: which system it takes, and what its commands find in it."""

import os
import struct
from pathlib import Path

import pytest
from writers import ROOT

from hil.cli import run as run_verb
from hil.cli.main import build_parser
from hil.cli.run_inside import Session, run_inside
from hil.vm import Job, Kernel, System, VmUnavailable, kernel_for, machine, system_in
from hil.vm.kernel_files import NEEDED
from hil.vm.system import LIBRARY, PROGRAMS, PYTHON, RESULTS, SOURCE

KERNEL = Kernel(Path("/boot/vmlinuz-1.2"), Path("/lib/modules/1.2"))
ARM64, RISCV64 = 183, 243  # of an ELF file


def system(root: Path, elf_machine: int = ARM64) -> Path:
    """Return a folder that looks like a system for that processor."""
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "busybox").write_bytes(
        b"\x7fELF\2\1\1".ljust(18, b"\0") + struct.pack("<H", elf_machine) + bytes(44)
    )
    return root


def test_a_system_is_known_by_its_programs(tmp_path: Path) -> None:
    found = system_in(system(tmp_path / "root"))
    assert found == System((tmp_path / "root").resolve(), "arm64", "aarch64")
    assert all((tmp_path / "root" / folder.relative_to("/")).is_dir() for folder in (RESULTS, SOURCE))


@pytest.mark.parametrize("content", [None, b"", b"#!/bin/sh\nexit\n# long enough for a header", b"\x7fELF"])
def test_what_is_no_system_is_refused(tmp_path: Path, content: bytes | None) -> None:
    (tmp_path / "bin").mkdir()
    if content is not None:
        (tmp_path / "bin" / "busybox").write_bytes(content)
    with pytest.raises(VmUnavailable, match="busybox"):
        system_in(tmp_path)


def test_a_system_of_a_processor_without_emulator_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VmUnavailable, match="not a program for amd64 or arm64"):
        system_in(system(tmp_path / "root", RISCV64))


def test_the_emulator_is_told_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    job = Job(("true",), tmp_path / "results", system=system_in(system(tmp_path / "root")))
    text = " ".join(machine.command_line(job, KERNEL, "/bin/vng", False))
    root = tmp_path / "root"
    assert f"--arch arm64 --root {root} --busybox {root}/bin/busybox --cwd {root}" in text
    assert f"--rwdir /mnt/results={tmp_path}/results " in text
    assert f"path={root}," in text and f"path={tmp_path}," in text
    assert text.endswith("--exec /bin/sh /mnt/results/vm/guest.sh")


def test_a_command_inside_finds_what_was_built_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSHM_LIBRARY", "/of/this/machine.so")
    monkeypatch.setenv("HIL_X", "passed on")
    inside = machine.environment_inside(Job(("true",), tmp_path, system=system_in(system(tmp_path / "root"))))
    assert inside["VSHM_LIBRARY"] == str(LIBRARY)
    assert inside["VIDEO_SHM_PROGRAMS"] == str(PROGRAMS)
    assert inside["PYTHONPATH"] == str(SOURCE)
    assert inside["PATH"].startswith(f"{PYTHON.parent}:/")
    assert inside["HIL_X"] == "passed on"


def test_the_machine_is_emulated_where_the_processor_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vng = tmp_path / "vng"
    vng.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/called\necho 7 >{tmp_path}/results/vm/exit-code\n')
    vng.chmod(0o755)
    asked: list[str | None] = []

    def find_vng(of: str | None) -> str:
        asked.append(of)
        return str(vng)

    monkeypatch.setattr(machine, "find_vng", find_vng)
    monkeypatch.setattr(machine, "kvm_is_usable", lambda: True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    elf_machine = ARM64 if os.uname().machine != "aarch64" else 62
    other = system_in(system(tmp_path / "root", elf_machine))
    assert machine.run(Job(("true",), tmp_path / "results", system=other), KERNEL) == 7
    assert asked == [other.machine]
    assert (tmp_path / "called").read_text().count("--disable-kvm") == 1


def test_the_kernel_is_the_systems_own(tmp_path: Path) -> None:
    root = system(tmp_path / "root")
    with pytest.raises(VmUnavailable, match="no kernel with vivid: ci/hil --arch arm64"):
        kernel_for(system_in(root))
    modules = root / "usr/lib/modules/6.1.0-9-arm64"
    modules.mkdir(parents=True)
    (modules / "modules.dep").write_text("".join(f"kernel/{name}.ko:\n" for name in NEEDED))
    (root / "boot").mkdir()
    (root / "boot/vmlinuz-6.1.0-9-arm64").write_bytes(b"")
    assert kernel_for(system_in(root)).image == root / "boot/vmlinuz-6.1.0-9-arm64"
    assert kernel_for(system_in(root), version="6.1").version == "6.1.0-9-arm64"
    with pytest.raises(VmUnavailable, match=r"has Linux 6\.1\.0-9-arm64, and no 6\.12: its modules lie there"):
        kernel_for(system_in(root), version="6.12")


def test_the_suite_inside_is_the_checkouts_with_the_systems_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs: list[Job] = []

    def run_in_vm(job: Job, *_others: object) -> int:
        jobs.append(job)
        return 0

    monkeypatch.setattr("hil.vm.run", run_in_vm)
    monkeypatch.setattr("hil.vm.kernel_for", lambda *_: KERNEL)
    root = system(tmp_path / "root")
    words = ["run", "--camera", "vm", "--system", str(root), "--quick", "--report", str(tmp_path / "report")]
    monkeypatch.setattr(Kernel, "lacks_for_usb", frozenset())
    made: list[Path] = []

    def make_clips(_design: object, folder: Path) -> Path:
        made.append(folder)
        return folder

    monkeypatch.setattr("hil.usb.clip_maker.make_clips", make_clips)
    arguments = build_parser().parse_args(words)
    arguments.kernel = ""
    with run_verb._chosen(arguments, "vm") as choices:
        sessions = [Session(choice, run_verb.session_of(arguments, choice, None)) for choice in choices]
    assert [session.name for session in sessions] == ["vivid-arm64", "usb-arm64"]
    outcome = run_inside(arguments, sessions, print)
    assert outcome.problems == []
    [job] = jobs
    assert job.system == system_in(root)
    assert job.command[:6] == (str(PYTHON), "-P", "-m", "hil", "run", "--part")
    assert job.command[job.command.index("--report") + 1] == str(RESULTS)
    assert "--quick" in job.command and "--suite" not in job.command
    cameras = "--camera /dev/video0 --session vivid-arm64 --cameras 1 --camera usb --session usb-arm64"
    assert cameras in " ".join(job.command)
    assert set(made) == {root.resolve() / "opt/video-shm/clips"}  # an encoder would be emulated there
    assert job.environment["VIDEO_SHM_CLIPS"] == "/opt/video-shm/clips"
    assert "VIDEO_SHM_PROGRAMS" not in job.environment  # those of this machine could not run there


def test_a_system_is_for_the_virtual_machine_alone(tmp_path: Path) -> None:
    arguments = build_parser().parse_args(["run", "--camera", "testsrc", "--system", str(tmp_path)])
    with pytest.raises(ValueError, match="--camera vm"):
        run_verb.run(arguments)


def test_what_builds_the_system_puts_things_where_they_are_looked_for() -> None:
    text = (ROOT / "ci" / "board-inside").read_text()
    assert f"ours={PYTHON.parents[2]}\n" in text
    assert '"$ours/venv/bin/python"' in text and '"$ours/lib/"' in text and "VIDEO_SHM_PROGRAMS=$ours/programs" in text
    assert [path.relative_to(PYTHON.parents[2]) for path in (PYTHON, LIBRARY, PROGRAMS)] == [
        Path("venv/bin/python"),
        Path("lib/libvideo_shm.so"),
        Path("programs"),
    ]
    assert f'"$root{SOURCE}"' in (ROOT / "ci" / "foreign.sh").read_text()
