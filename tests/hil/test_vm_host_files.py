# SPDX-License-Identifier: Apache-2.0
"""The files that a command in the virtual machine sees, made here in a mount namespace of the test's own."""

import subprocess
from pathlib import Path

import pytest

from hil.vm import host_files
from hil.vm.host_files import HostFiles

ALL = {Path("/"): Path("/")}
NAMESPACE = ["unshare", "--map-root-user", "--mount"]


@pytest.fixture
def guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where the guest's root comes to be; skips where namespaces are not permitted."""
    ours = "mount -t tmpfs tmpfs /mnt && mkdir /mnt/a /mnt/b /mnt/c /mnt/d && cd /mnt && mount -t overlay overlay"
    able = f"{ours} -o lowerdir=a,upperdir=b,workdir=c d"
    if subprocess.run([*NAMESPACE, "sh", "-c", able], capture_output=True, check=False).returncode:
        pytest.skip("mount namespaces and overlays are not permitted here")
    monkeypatch.setattr(host_files, "ROOT", tmp_path / "guest" / "root")
    monkeypatch.setattr(host_files, "CHANGES", tmp_path / "guest" / "changes")
    modules = tmp_path / "modules" / "6.1"
    modules.mkdir(parents=True)
    monkeypatch.setattr(host_files, "MODULES", str(modules.parent))
    return tmp_path / "guest"


def run_inside(guest: Path, files: HostFiles, script: str) -> str:
    """Return what a shell script in the guest's files prints, with folders bound where the guest has them."""
    lines = files.mount_lines()
    for number, folder in enumerate(files.folders.values()):
        fetch = f"mount -t 9p -o {host_files.OPTIONS} host{number} "
        lines = [line.replace(fetch, f"mount --rbind {folder} ") for line in lines]
    # Nothing of it may get out. As in the guest, /run is in memory: this host may have mounts there, which are locked.
    private = ["mount --make-rprivate /", "mount -t tmpfs tmpfs /run"]
    begin = ["set -eu", *private, f"mkdir {guest}", f"mount -t tmpfs tmpfs {guest}"]
    program = "\n".join([*begin, *lines, files.inside(f"sh -c '{script}'")])
    done = subprocess.run([*NAMESPACE, "sh", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_sees_the_hosts_files_and_what_it_changes_is_gone_but_its_results(
    guest: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    results.mkdir()
    (results / "old").write_text("here before")
    (tmp_path / "of the host").write_text("unchanged")
    script = f"pwd; cat {tmp_path}/of*; echo changed >{tmp_path}/of*; echo new >{results}/new; cat old; touch /etc/made"
    assert run_inside(guest, HostFiles(ALL, results, results), script) == f"{results}\nunchangedhere before"
    assert (results / "new").read_text() == "new\n"
    assert (tmp_path / "of the host").read_text() == "unchanged"
    assert not Path("/etc/made").exists()


def test_the_rings_devices_and_modules_are_the_guests_own(guest: Path, tmp_path: Path) -> None:
    script = "stat -f -c %T /dev/shm /proc /sys; ls /dev/null /lib/modules/"
    told = run_inside(guest, HostFiles(ALL, tmp_path, tmp_path), script).split()
    assert told == ["tmpfs", "proc", "sysfs", "/dev/null", "/lib/modules/:", "6.1"]


def test_a_folder_is_fetched_to_where_another_system_has_it(guest: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "program").write_text("of the checkout")
    told = run_inside(guest, HostFiles(ALL | {Path("/mnt"): source}, tmp_path, Path("/mnt")), "cat program")
    assert told == "of the checkout"


def test_the_emulator_shares_each_folder_under_the_name_that_the_guest_mounts() -> None:
    folders = {Path("/"): Path("/srv/arm64"), Path("/mnt/source"): Path("/home/me/video-shm")}
    files = HostFiles(folders, Path("/mnt/results"), Path("/mnt/source"))
    text = " ".join(files.device_words("aarch64"))
    assert "-fsdev local,id=host0,path=/srv/arm64,security_model=none,readonly=on,multidevs=remap" in text
    assert "-device virtio-9p-device,fsdev=host1,mount_tag=host1" in text
    lines = files.mount_lines()
    assert lines[1].endswith(f"cache=loose host0 {host_files.ROOT}")
    assert lines[2].endswith(f"cache=loose host1 {host_files.ROOT}/mnt/source")
