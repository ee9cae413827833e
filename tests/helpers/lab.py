# SPDX-License-Identifier: Apache-2.0
"""A labgrid lab: coordinator and exporter, with this machine as its boards, through an sshd of its own."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_hex

PROGRAMS = Path(sys.executable).parent
SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
TIMEOUT_S = 60
NAMES = ("a", "b", "dead")
SEPARATION = Path("/run/sshd")  # where sshd puts the part of itself that has no rights, if it is root


def why_not() -> str | None:
    """Return what is missing here for a lab."""
    missing = [name for name in ("labgrid-coordinator", "labgrid-exporter") if not (PROGRAMS / name).exists()]
    missing += [name for name in ("ssh", "scp", "ssh-keygen") if shutil.which(name) is None] + (
        [] if SSHD else ["sshd"]
    )
    return f"no {', '.join(missing)}: pip install labgrid, apt-get install openssh-server" if missing else None


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def running(command: list[str], folder: Path, port: int | None = None) -> Iterator[None]:
    """Run a program during the block, which begins when its port answers."""
    name = Path(command[0]).name
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + TIMEOUT_S
            while port is not None and not answers(port):
                assert process.poll() is None and time.monotonic() < deadline, (folder / f"{name}.log").read_text()
                time.sleep(0.1)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


class Lab:
    """A lab with the places a and b, both this machine, and dead, which does not answer.

    Labs that run at once have places of other names, since a board keeps what is installed on it by the place's name.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._mark = token_hex(4)
        self.coordinator = f"127.0.0.1:{free_port()}"
        self.ssh_port, self.dead_port = free_port(), free_port()
        self._open = ExitStack()

    def __enter__(self) -> "Lab":
        try:
            self._start_sshd()
            self._start_labgrid()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        for name in NAMES:
            shutil.rmtree(self.board_folder(name), ignore_errors=True)

    def place(self, name: str) -> str:
        return f"board-{name}-{self._mark}"

    def board_folder(self, name: str) -> Path:
        """Return the folder on the board where hil farm installs."""
        return Path.home() / ".cache/video-shm/farm" / self.place(name)

    def _start_sshd(self) -> None:
        for name in ("host", "user"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)]
            subprocess.run(command, check=True, timeout=TIMEOUT_S)
        # The board's Python finds there what the wheel needs, as on a board whose packages are installed.
        environment = f"PYTHONPATH={sysconfig.get_path('purelib')} PATH={PROGRAMS}:/usr/local/bin:/usr/bin:/bin"
        (self.folder / "sshd_config").write_text(
            f"Port {self.ssh_port}\nListenAddress 127.0.0.1\nHostKey {self.folder}/host\nPidFile none\nStrictModes no\n"
            f"AuthorizedKeysFile {self.folder}/user.pub\nPasswordAuthentication no\nUsePAM no\n"
            f"PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\nSetEnv {environment}\n"
        )
        if os.geteuid() == 0:
            SEPARATION.mkdir(exist_ok=True)  # and it stays, as with any sshd, since others may have come to use it
        assert SSHD is not None
        words = [SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")]
        self._open.enter_context(running(words, self.folder, self.ssh_port))

    def _start_labgrid(self) -> None:
        address = "{address: 127.0.0.1, username: %s, port: %d}"
        (self.folder / "exported.yaml").write_text(
            "".join(
                f"{name}:\n  NetworkService: {address % (getpass.getuser(), port)}\n"
                for name, port in (("a", self.ssh_port), ("b", self.ssh_port), ("dead", self.dead_port))
            )
        )
        port = int(self.coordinator.rpartition(":")[2])
        words = [str(PROGRAMS / "labgrid-coordinator"), "--listen", self.coordinator]
        self._open.enter_context(running(words, self.folder, port))
        words = [str(PROGRAMS / "labgrid-exporter"), "--coordinator", self.coordinator, "--hostname", "localhost"]
        self._open.enter_context(running([*words, "--name", "here", "exported.yaml"], self.folder))
        for name in NAMES:
            self.client("-p", self.place(name), "create")
            self.client("-p", self.place(name), "add-match", f"here/{name}/NetworkService")
        deadline = time.monotonic() + TIMEOUT_S
        while "here/dead/NetworkService" not in self.client("resources"):
            assert time.monotonic() < deadline, (self.folder / "labgrid-exporter.log").read_text()
            time.sleep(0.2)

    def client(self, *words: str) -> str:
        environment = os.environ | {"LG_COORDINATOR": self.coordinator}
        command = [str(PROGRAMS / "labgrid-client"), *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def farm(self, *names: str) -> Path:
        """Return a file with these places as targets of the same names."""
        ssh = f"{{keyfile: {self.folder}/user, connection_timeout: 5.0}}"
        targets = "".join(
            f"  {name}: {{resources: {{RemotePlace: {{name: {self.place(name)}}}}}, drivers: {{SSHDriver: {ssh}}}}}\n"
            for name in names
        )
        path = self.folder / "farm.yaml"
        path.write_text(f"targets:\n{targets}options:\n  coordinator_address: '{self.coordinator}'\n")
        return path

    @property
    def held(self) -> set[str]:
        """Return the places that are acquired."""
        return {line.split()[2] for line in self.client("who").splitlines()[1:] if line.strip()}
