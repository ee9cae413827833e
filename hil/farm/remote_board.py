# SPDX-License-Identifier: Apache-2.0
"""One board: installs the wheel there, runs hil run, and fetches its report. It uses labgrid's SSH connection."""

from __future__ import annotations

import gzip
import io
import re
import shlex
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from vshm_ctypes.commandline.ending import held

from .places import FarmError

if TYPE_CHECKING:
    from labgrid.driver import SSHDriver

REPORT = "report"
REPORT_BYTES_MAX = 1 << 29  # of the unpacked report
COMPLAINT_BYTES = 2000
GRACE_S = 90.0  # after Ctrl-C, until the fleet there is reaped and the report is written
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def _unpack(archive: tarfile.TarFile, into: Path) -> None:
    """Extract plain files below that folder, since Python 3.11.2's extractall has no filter.

    Raises TarError for anything else.
    """
    for member in archive:
        path = PurePosixPath(member.name)
        if member.isdir():
            continue
        source = archive.extractfile(member) if member.isfile() else None
        if source is None or path.is_absolute() or ".." in path.parts:
            raise tarfile.TarError(f"{member.name!r} is no plain file below the folder")
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        with source, (into / path).open("wb") as file:
            shutil.copyfileobj(source, file)


class _Bounded(io.RawIOBase):
    """A stream that is limited to so many bytes. Raises TarError beyond them."""

    def __init__(self, stream: gzip.GzipFile, room: int) -> None:
        self._stream, self._room = stream, room

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(min(size, self._room + 1) if size >= 0 else self._room + 1)
        self._room -= len(data)
        if self._room < 0:
            raise tarfile.TarError(f"it is larger than {REPORT_BYTES_MAX >> 20} MiB")
        return data


class RemoteBoard:
    """A board. ssh: an active driver. name: of the place, and of its folder on the board."""

    def __init__(self, ssh: SSHDriver, name: str, say: Callable[[str], None]) -> None:
        self._ssh, self._say = ssh, say
        self._folder = f".cache/video-shm/farm/{name}"  # below the home directory there

    def install(self, wheels: Sequence[Path]) -> None:
        """Install the wheel that fits the board; its dependencies come from the board's package index."""
        self._say("installing")
        folder = self._folder
        self._check(f"rm -rf {folder}/wheels {folder}/{REPORT} && mkdir -p {folder}/wheels")
        for wheel in wheels:
            self._ssh.put(str(wheel), f"{folder}/wheels/{wheel.name}")
        pip = f"{folder}/venv/bin/python -m pip install -q --disable-pip-version-check"
        self._check(f"[ -x {folder}/venv/bin/python ] || python3 -m venv --system-site-packages {folder}/venv")
        # From the folder alone, since an index could have something newer of that name.
        self._check(f"{pip} --no-index --no-deps --force-reinstall --find-links {folder}/wheels video-shm")
        self._check(f"{pip} 'video-shm[hil]'")

    def run(self, words: Sequence[str]) -> int:
        """Run hil run there with these arguments, and return its exit code. Ctrl-C is passed on."""
        # Only with a terminal do Ctrl-C and the end of the connection reach what runs there. On a shared connection, a
        # new terminal has all its modes off.
        hil = f"stty sane -echo; cd {self._folder} && PATH=$PWD/venv/bin:$PATH exec hil run --report {REPORT} "
        hil += shlex.join(words)
        command = self._command("-tt", hil)
        with (
            held() as hold,
            subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
            ) as process,
        ):
            assert process.stdin is not None and process.stdout is not None
            output = io.TextIOWrapper(process.stdout, encoding="utf-8", errors="replace")
            try:
                with hold.lifted():
                    self._tell(output)
            except KeyboardInterrupt:
                with suppress(OSError):
                    process.stdin.write(b"\x03")
                    process.stdin.flush()
                with suppress(subprocess.TimeoutExpired), hold.lifted():
                    process.communicate(timeout=GRACE_S)
                raise
            finally:
                if process.poll() is None:
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(5)
                    process.kill()
        if process.returncode == 255:
            raise FarmError("the connection was lost, or hil could not be started on the board")
        return process.returncode

    def _tell(self, output: io.TextIOWrapper) -> None:
        for line in output:
            if text := _COLOURS.sub("", line).strip():
                self._say(text)

    def fetch_report(self, into: Path) -> None:
        """Fetch the whole folder.

        What the board sends is untrusted: only plain files below the folder are extracted.
        """
        script = f"tar -C {self._folder}/{REPORT} -czf - ."
        into.mkdir(parents=True, exist_ok=True)
        problem: Exception | None = None
        with (
            tempfile.TemporaryFile() as said,
            subprocess.Popen(
                self._command("-T", script), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said
            ) as process,
        ):
            assert process.stdout is not None
            try:
                with gzip.open(process.stdout) as zipped:
                    sent = _Bounded(zipped, REPORT_BYTES_MAX)
                    with tarfile.open(fileobj=sent, mode="r|") as archive:
                        _unpack(archive, into)
                    sent.read()  # read to its end, where the checksum is
            except (tarfile.TarError, zlib.error, OSError, EOFError) as error:
                problem = error
            process.stdout.close()  # a sender that goes on ends then
            code = process.wait()
            said.seek(0)
            complaint = said.read(COMPLAINT_BYTES).decode(errors="replace").strip()
        if isinstance(problem, tarfile.TarError) or (code == 0 and problem is not None):
            raise FarmError(f"the report from the board can't be unpacked: {problem}; {complaint}".rstrip("; "))
        if code != 0:
            raise FarmError(f"the board sent no report: {complaint or f'ssh ended with {code}'}")

    def _command(self, terminal: str, script: str) -> list[str]:
        ssh = self._ssh
        return [ssh._ssh, terminal, "-x", *ssh.ssh_prefix, ssh.networkservice.address, "--", script]

    def _check(self, script: str) -> None:
        output, errors, code = self._ssh.run(f"sh -c {shlex.quote(script)}")
        if code != 0:
            last = [line for line in [*output, *errors] if line.strip()][-1:]
            raise FarmError(f"{script}: {last[0] if last else f'exit code {code}'}")
