# SPDX-License-Identifier: Apache-2.0
"""Boots the virtual machine, passes on what its command prints, and leaves nothing running."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, BinaryIO

from vshm_ctypes.commandline.ending import held
from vshm_ctypes.commandline.output import counted

from ..processes.process_group import end_group
from .errors import VmDeadline, VmError, VmNotUp
from .guest import BOOT_LOG, EXIT_CODE, OUTPUT, SCRIPT, UP, guest_script
from .host_files import HostFiles
from .kernel import cache_folder
from .kernel_files import Kernel
from .programs import find_vng, kvm_is_usable, quoted_paths_are_plain, search_path
from .system import RESULTS, SOURCE, System
from .usb_cameras import beside_cameras

FOLDER = "vm"  # in the results: what the machine itself leaves
PASSED_ON = ("VSHM_", "VIDEO_SHM_", "HIL_", "PYTHONPATH", "PYTEST_ADDOPTS", "LANG", "LC_")
LOOK_EVERY_S = 0.1
PATIENCE_S = 5.0  # after SIGTERM
UP_BY_KVM_S = 45.0  # a working KVM boots in a tenth of that; a broken one may just hang
KVM_BROKE = b"KVM internal error"  # the emulator stands still after it
KERNEL_SPEAKS, KERNEL_SPEAKS_BY_KVM_S = b"Linux version", 15.0  # the first line of the kernel, after a second at most
BACKSTOP_S = 30.0  # this long after the deadline the guest ends by itself, if nobody else has ended it
TAIL_LINES = 20


@dataclass(frozen=True, slots=True)
class Job:
    """What to do in the machine.

    command: starts in the current folder, with this interpreter's programs first on its PATH. results: a folder that
    the command may write into, at the same path inside; everything else that it writes is lost. cameras: vivid devices.
    usb: USB cameras of our own, of that design, beside which the command runs. memory: in the emulator's form. seconds:
    until the deadline, including the boot. environment: in addition to what is passed on of this process's. system:
    another system than this machine's own files; the current folder is SOURCE in it, and results are RESULTS.
    """

    command: tuple[str, ...]
    results: Path
    cameras: int = 1
    usb: int = 0
    design: str = "webcam"
    cpus: int = 2
    memory: str = "2G"
    seconds: float = 600.0
    environment: Mapping[str, str] = field(default_factory=dict)
    system: System | None = None

    @property
    def folder(self) -> Path:
        """The folder of what the machine itself leaves."""
        return self.results.resolve() / FOLDER

    @property
    def folder_inside(self) -> Path:
        """The same folder, as the guest sees it."""
        return self.files.results / FOLDER

    @property
    def command_inside(self) -> tuple[str, ...]:
        """The command that the guest runs."""
        if not self.usb:
            return self.command
        return beside_cameras(self.usb, self.design, self.system, self.command)

    @property
    def files(self) -> HostFiles:
        """The files that the command sees."""
        here = Path.cwd()
        if self.system is None:
            return HostFiles({Path("/"): Path("/")}, self.results.resolve(), here)
        return HostFiles({Path("/"): self.system.root, SOURCE: here}, RESULTS, SOURCE)

    @property
    def machine(self) -> str:
        """The processor inside, as uname -m prints it."""
        return self.system.machine if self.system else os.uname().machine


def command_line(job: Job, kernel: Kernel, vng: str, kvm: bool) -> list[str]:
    """Return the command line of vng. Raises VmUnavailable for paths that it can't take."""
    results, script = job.results.resolve(), job.folder_inside / SCRIPT
    quoted_paths_are_plain([kernel.image, results, script, *job.files.folders.values()])
    words = [vng, "--verbose", "--run", str(kernel.image)]
    if job.system is None:
        words += ["--rwdir", str(results)]
    else:
        system = job.system
        words += ["--arch", system.architecture, "--root", str(system.root), "--busybox", str(system.busybox)]
        words += ["--cwd", str(system.root), "--rwdir", f"{RESULTS}={results}"]
    words += ["--cpus", str(job.cpus), "--memory", job.memory]
    words.append("--force-9p")  # needs no daemon of its own
    if not kvm:
        words.append("--disable-kvm")
    if not kvm and job.machine == "x86_64":
        # The kernel tries its timer for a moment, in which an emulator that has no processor may give it no tick.
        words += ["--append", "no_timer_check"]
    words += [f"--qemu-opts={' '.join(job.files.device_words(job.machine))}"]
    return [*words, "--exec", f"/bin/sh {script}"]


def environment_inside(job: Job) -> dict[str, str]:
    """Return the environment of the command."""
    passed_on = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    own = {"PATH": search_path(), "PYTHONDONTWRITEBYTECODE": "1", "VIDEO_SHM_VM": "1"}
    return passed_on | own | (dict(job.system.environment) if job.system else {}) | dict(job.environment)


@contextlib.contextmanager
def _scratch() -> Iterator[dict[str, str]]:
    """Yield vng's environment, by which its files go into the cache. They are removed after the block."""
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=cache) as folder:
        yield os.environ | {"PATH": search_path(), "HOME": folder, "TMPDIR": folder}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole process group: vng, its helpers and the emulator."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE_S)
    end_group(process.pid)
    process.wait()


def _copy_boot_log(stream: IO[bytes], path: Path) -> threading.Thread:
    # Through a pipe, since the emulator truncates a file that it gets as its console.
    def copy() -> None:
        with stream, path.open("wb", buffering=0) as log:
            while data := os.read(stream.fileno(), 65536):
                log.write(data)

    thread = threading.Thread(target=copy, name="boot log", daemon=True)
    thread.start()
    return thread


class _Following:
    """Passes on what is appended to a file, which 9p shows at once."""

    def __init__(self, path: Path, to: BinaryIO) -> None:
        self._path, self._to = path, to
        self._at = 0

    def hand_on(self) -> None:
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as file:
            file.seek(self._at)
            while data := file.read(65536):
                self._to.write(data)
                self._at += len(data)
            self._to.flush()


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _tail(path: Path) -> str:
    lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
    return "\n".join(f"  | {line.rstrip()}" for line in lines[-TAIL_LINES:]) or "  | (nothing)"


def _prepare(job: Job) -> Path:
    folder = job.folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in (OUTPUT, EXIT_CODE, UP, BOOT_LOG):
        (folder / name).unlink(missing_ok=True)
    limit_s, environment = job.seconds + BACKSTOP_S, environment_inside(job)
    script = guest_script(job.command_inside, job.folder_inside, job.files, job.cameras, limit_s, environment)
    (folder / SCRIPT).write_text(script)
    return folder


def _exit_code(folder: Path) -> int:
    """Return the exit code of the command. Raises VmError if it was never started."""
    log = folder / BOOT_LOG
    try:
        text = (folder / EXIT_CODE).read_text().strip()
    except FileNotFoundError:
        if not (folder / UP).exists():
            raise VmNotUp(f"the virtual machine did not come up; the end of {log}:\n{_tail(log)}") from None
        raise VmError(f"the virtual machine ended while the command ran; the end of {log}:\n{_tail(log)}") from None
    if not text.isdigit():
        raise VmError(f"{text}; the end of {folder / OUTPUT}:\n{_tail(folder / OUTPUT)}")
    return int(text)


@contextlib.contextmanager
def _running(words: list[str], environment: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run vng, and all that it starts, during the block."""
    process = copying = None
    try:
        process = subprocess.Popen(
            words,
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C must reach this process only, which ends all of it
        )
        assert process.stdout is not None
        copying = _copy_boot_log(process.stdout, log)
        yield process
    finally:
        if process is not None:
            _end(process)
        if copying is not None:
            copying.join(PATIENCE_S)


def _follow(
    process: subprocess.Popen[bytes],
    folder: Path,
    until_s: float,
    up_within_s: float,
    say: Callable[[str], None],
    output: BinaryIO,
) -> None:
    begin_s, following, up = time.monotonic(), _Following(folder / OUTPUT, output), False
    while process.poll() is None and not (folder / EXIT_CODE).exists():
        if not up and (folder / UP).exists():
            up = True
            say(f"booted in {time.monotonic() - begin_s:.1f} s")
        following.hand_on()
        if time.monotonic() > until_s:
            where = "the command was running" if up else "the machine had not booted"
            raise VmDeadline(f"the deadline has passed: {where}; the end of the boot log:\n{_tail(folder / BOOT_LOG)}")
        if not up and up_within_s < math.inf and (why := _stuck(folder, time.monotonic() - begin_s, up_within_s)):
            raise VmNotUp(f"{_tail(folder / BOOT_LOG)}\n{why}")
        time.sleep(LOOK_EVERY_S)
    following.hand_on()


def _stuck(folder: Path, passed_s: float, up_within_s: float) -> str | None:
    """Return why a boot by KVM is given up, or None as long as it may still come up."""
    log = _content(folder / BOOT_LOG)
    if KVM_BROKE in log:
        return KVM_BROKE.decode()
    if KERNEL_SPEAKS not in log and passed_s > KERNEL_SPEAKS_BY_KVM_S:
        return f"the kernel had not begun after {KERNEL_SPEAKS_BY_KVM_S:g} s"
    return f"not booted after {up_within_s:g} s" if passed_s > up_within_s else None


def _attempt(
    words: list[str],
    folder: Path,
    until_s: float,
    say: Callable[[str], None],
    output: BinaryIO,
    up_within_s: float = math.inf,
) -> int:
    """Boot once, and return the command's exit code. Raises VmNotUp, VmDeadline or VmError."""
    log = folder / BOOT_LOG
    with held() as hold, _scratch() as environment, _running(words, environment, log) as process, hold.lifted():
        _follow(process, folder, until_s, up_within_s, say, output)
    return _exit_code(folder)


def run(
    job: Job, kernel: Kernel, say: Callable[[str], None] = lambda text: None, output: BinaryIO | None = None
) -> int:
    """Return the command's exit code. Raises VmUnavailable, VmDeadline or VmError with the end of the boot log.

    say: is called with the progress. output: where the command's output is passed on (default: stdout).
    """
    vng, until_s = find_vng(job.machine), time.monotonic() + job.seconds
    output = output or sys.stdout.buffer
    of_usb = f", {counted(job.usb, 'USB camera')}" if job.usb else ""
    with_what = f"Linux {kernel.version} and {counted(job.cameras, 'vivid camera')}{of_usb}"
    if kvm_is_usable() and job.machine == os.uname().machine:
        say(f"booting {with_what}, with KVM")
        try:
            return _attempt(command_line(job, kernel, vng, True), _prepare(job), until_s, say, output, UP_BY_KVM_S)
        except VmNotUp as error:  # in a virtual machine KVM may exist, and yet not work
            say(f"without KVM: {str(error).splitlines()[-1].strip(' |')}")
    say(f"booting {with_what}, emulated")
    return _attempt(command_line(job, kernel, vng, False), _prepare(job), until_s, say, output)
