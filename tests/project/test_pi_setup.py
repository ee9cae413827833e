# SPDX-License-Identifier: Apache-2.0
"""The runner kit for Raspberry Pi: setup makes a system a runner, once however often it runs; undo takes all back."""

import json
import os
import re
import stat
import subprocess
from pathlib import Path

import pytest
from writers import ROOT

from hil.vm.guest import load_words
from vshm_ctypes.cli.check.host import removes_ipc

KIT = ROOT / "ci" / "pi"
FILES = KIT / "files"
PROGRAMS = "usr/local/lib/video-shm"
UNITS = ("video-shm-governor.service", "video-shm-vivid.service", "video-shm-runner.service")
TIMEOUT_S = 60
# The account programs' own copies and lock, which they leave beside what they change.
THEIRS = {f"etc/{name}-" for name in ("passwd", "group", "shadow", "gshadow", "subuid", "subgid")} | {"etc/.pwd.lock"}

SYSTEM = {
    "etc/os-release": 'ID=debian\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\npi:x:1000:1000::/home/pi:/bin/bash\n",
    "etc/group": "root:x:0:\nvideo:x:44:pi\npi:x:1000:\n",
    "etc/shadow": "root:*:20000:0:99999:7:::\npi:*:20000:0:99999:7:::\n",
    "etc/gshadow": "root:*::\nvideo:*::pi\npi:!::\n",
    "etc/login.defs": "SYS_UID_MIN 100\nSYS_UID_MAX 999\nSYS_GID_MIN 100\nSYS_GID_MAX 999\n",
    # An administrator's own, which setup replaces.
    "etc/modprobe.d/video-shm-vivid.conf": "options vivid n_devs=7\n",
}

Tree = dict[str, tuple[int, str, int]]


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A folder with what setup looks at in a Raspberry Pi's system."""
    root = tmp_path / "root"
    for name, text in SYSTEM.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def setup(root: Path, *words: str, code: int = 0) -> str:
    command = [str(KIT / "setup"), "--root", str(root), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def tree(root: Path, with_times: bool = False) -> Tree:
    """Return mode, content and time of all files below a folder, without the account programs' own copies."""
    found = {}
    for path in sorted(root.rglob("*")):
        name, status = str(path.relative_to(root)), path.lstat()
        if name in THEIRS:
            continue
        content = str(path.readlink()) if path.is_symlink() else path.read_text() if path.is_file() else ""
        found[name] = (status.st_mode, content, status.st_mtime_ns if with_times else 0)
    return found


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="useradd --prefix changes owners: run it as root")


def test_a_dry_run_tells_all_and_changes_nothing(system: Path) -> None:
    before = tree(system, with_times=True)
    told = setup(system, "--dry-run")
    assert tree(system, with_times=True) == before
    assert "would make the system account video-shm" in told
    for path in ("etc/udev/rules.d/60-video-shm.rules", "etc/systemd/logind.conf.d/video-shm.conf"):
        assert f"would install /{path}\n" in told
    for unit in UNITS:
        assert f"would install /etc/systemd/system/{unit}\n" in told
        assert f"would enable {unit}\n" in told


@needs_root
def test_a_dry_run_tells_what_is_then_done(system: Path) -> None:
    told = [line.removeprefix("would ") for line in setup(system, "--dry-run").splitlines()]
    assert setup(system).splitlines()[: len(told)] == told


@needs_root
def test_setup_makes_a_runner(system: Path) -> None:
    setup(system)
    assert (system / "etc/udev/rules.d/60-video-shm.rules").read_text() == (FILES / "60-video-shm.rules").read_text()
    assert removes_ipc_of(system) is False
    for unit in UNITS:
        link = system / "etc/systemd/system/multi-user.target.wants" / unit
        assert str(link.readlink()) == f"/etc/systemd/system/{unit}"
        assert (system / "etc/systemd/system" / unit).is_file()
    for program in ("no-camera", "governor", "job-started", "job-started.sh"):
        assert stat.S_IMODE((system / PROGRAMS / program).stat().st_mode) == 0o755
    (account,) = [line.split(":") for line in (system / "etc/passwd").read_text().splitlines() if "video-shm" in line]
    assert 100 <= int(account[2]) < 1000  # a system's: logind leaves its shared memory alone
    assert "video:x:44:pi,video-shm" in (system / "etc/group").read_text()
    home = (system / "var/lib/video-shm/runner").stat()
    assert (home.st_uid, home.st_gid) == (int(account[2]), int(account[3]))


def removes_ipc_of(root: Path) -> bool:
    (root / "run/systemd/seats").mkdir(parents=True)  # as where logind runs
    return removes_ipc(root)[0]


@needs_root
def test_a_second_run_changes_nothing(system: Path) -> None:
    setup(system)
    before = tree(system, with_times=True)
    assert setup(system) == "nothing to do: all is as it should be\n"
    assert tree(system, with_times=True) == before


@needs_root
def test_a_second_run_mends_what_was_changed_meanwhile(system: Path) -> None:
    setup(system)
    before = tree(system)
    rules = system / "etc/udev/rules.d/60-video-shm.rules"
    rules.write_text("# nothing\n")
    (system / PROGRAMS / "no-camera").chmod(0o644)
    (system / "etc/systemd/system/multi-user.target.wants" / UNITS[0]).unlink()
    (system / "etc/group").write_text((system / "etc/group").read_text().replace("pi,video-shm", "pi"))
    told = setup(system)
    assert "install /etc/udev/rules.d/60-video-shm.rules\n" in told
    assert "make video-shm a member of the group video\n" in told
    after = tree(system)
    assert {name for name in before | after if before.get(name) != after.get(name)} <= {
        "var/lib/video-shm/setup/journal",
        "etc/gshadow",
    }


@needs_root
def test_undo_takes_all_of_it_back(system: Path) -> None:
    before = tree(system)
    setup(system)
    assert tree(system) != before
    changed = tree(system)
    assert "would take back: account video-shm" in setup(system, "--undo", "--dry-run")
    assert tree(system) == changed
    setup(system, "--undo")
    assert tree(system) == before
    assert setup(system, "--undo") == "nothing to take back\n"


@needs_root
def test_undo_goes_on_where_an_earlier_one_was_interrupted(system: Path) -> None:
    before = tree(system)
    setup(system)
    journal = system / "var/lib/video-shm/setup/journal"
    text = journal.read_text()
    journal.write_text(text + "riddle what is this\n")  # the one to begin with can't be done
    assert "riddle" in setup(system, "--undo", code=1)
    journal.write_text(text)
    setup(system, "--undo")
    assert tree(system) == before


@needs_root
def test_undo_leaves_what_others_put_beside(system: Path) -> None:
    setup(system)
    (system / "var/lib/video-shm/runner/.runner").write_text("registered")
    told = setup(system, "--undo")
    assert "left as it is, since there is something in it: /var/lib/video-shm/runner" in told
    assert (system / "var/lib/video-shm/runner/.runner").read_text() == "registered"


@pytest.mark.parametrize(
    "told",
    [
        "ID=ubuntu\nVERSION_CODENAME=noble\nPRETTY_NAME=Ubuntu\n",
        "ID=debian\nVERSION_CODENAME=bullseye\nPRETTY_NAME=11\n",
    ],
)
def test_another_system_is_refused(system: Path, told: str) -> None:
    (system / "etc/os-release").write_text(told)
    assert "Bookworm or Trixie" in setup(system, "--dry-run", code=1)


@pytest.mark.parametrize("told", ["ID=raspbian\nVERSION_CODENAME=bookworm\n", "ID=debian\nVERSION_CODENAME=trixie\n"])
def test_each_raspberry_pi_os_is_taken(system: Path, told: str) -> None:
    (system / "etc/os-release").write_text(f"{told}PRETTY_NAME=it\n")
    setup(system, "--dry-run")


def test_what_makes_no_sense_is_a_usage_error(system: Path) -> None:
    assert "unknown: --dryrun" in setup(system, "--dryrun", code=2)
    assert "there is no system" in setup(system / "etc", code=2)


# ---- what it installs ----


def test_vivid_is_what_the_suite_asks_for_at_numbers_of_its_own() -> None:
    (line,) = [line for line in (FILES / "vivid.conf").read_text().splitlines() if not line.startswith("#")]
    options = dict(word.split("=") for word in line.removeprefix("options vivid ").split())
    words = dict(word.split("=") for word in load_words(2)[2:])
    assert {name: options[name] for name in words} == words
    assert all(int(number) >= 64 for number in options["vid_cap_nr"].split(","))  # cameras count up from 0


@pytest.mark.parametrize(
    ("drivers", "is_camera"),
    [
        ([], False),
        (["bcm2835-codec", "bcm2835-isp", "rpivid"], False),  # Raspberry Pi 4 without a camera
        (["pispbe", "rpi-hevc-dec"], False),  # Raspberry Pi 5 without one
        (["vivid"], False),
        (["bcm2835-codec", "uvcvideo"], True),
        (["unicam"], True),
        (["pispbe", "rp1-cfe"], True),
        (["some-new-driver"], True),
    ],
)
def test_a_camera_is_told_from_what_is_none(tmp_path: Path, drivers: list[str], is_camera: bool) -> None:
    (tmp_path / "sys/class/video4linux").mkdir(parents=True)
    for number, driver in enumerate(drivers):
        (tmp_path / "sys/bus/drivers" / driver).mkdir(parents=True)
        device = tmp_path / "sys/class/video4linux" / f"video{number}" / "device"
        device.mkdir(parents=True)
        (device / "driver").symlink_to(tmp_path / "sys/bus/drivers" / driver)
    done = subprocess.run([FILES / "no-camera", tmp_path], timeout=TIMEOUT_S, check=False)
    assert done.returncode == (1 if is_camera else 0)


def test_the_governor_is_set_and_restored(tmp_path: Path) -> None:
    files = [tmp_path / f"sys/devices/system/cpu/cpu{n}/cpufreq/scaling_governor" for n in range(4)]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_text("ondemand\n")
    environment = os.environ | {"ROOT": str(tmp_path), "RUNTIME_DIRECTORY": str(tmp_path)}

    def governor(*words: str) -> set[str]:
        subprocess.run([FILES / "governor", *words], env=environment, check=True, timeout=TIMEOUT_S)
        return {file.read_text() for file in files}

    assert governor("set", "performance") == {"performance\n"}
    assert governor("set", "performance") == {"performance\n"}  # keeps what was before the first time
    assert governor("restore") == {"ondemand\n"}


OURS = {"full_name": "us/video-shm"}


def hook() -> list[str | Path]:
    """Return the command of the hook as the runner starts it, which takes only a script that ends in .sh."""
    (path,) = re.findall(
        r"^Environment=ACTIONS_RUNNER_HOOK_JOB_STARTED=/(\S+)", (FILES / "video-shm-runner.service").read_text(), re.M
    )
    assert str(Path(path).parent) == PROGRAMS and path.endswith(".sh")
    return ["bash", "-e", FILES / Path(path).name]


@pytest.mark.parametrize(
    ("name", "event", "runs"),
    [
        ("push", {}, True),
        ("schedule", {}, True),
        ("workflow_dispatch", {}, True),
        ("pull_request", {"repository": OURS, "pull_request": {"head": {"repo": OURS}}}, True),
        ("pull_request", {"repository": OURS, "pull_request": {"head": {"repo": {"full_name": "x/y"}}}}, False),
        ("pull_request", {"repository": OURS, "pull_request": {"head": {"repo": None}}}, False),
        ("pull_request_target", {"repository": OURS, "pull_request": {"head": {"repo": OURS}}}, False),
        ("issue_comment", {}, False),
        ("pull_request", [], False),
    ],
)
def test_a_board_refuses_jobs_that_a_fork_started(tmp_path: Path, name: str, event: object, runs: bool) -> None:
    (tmp_path / "event.json").write_text(json.dumps(event))
    environment = {
        "PATH": os.environ["PATH"],
        "GITHUB_EVENT_NAME": name,
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
    }
    done = subprocess.run(hook(), env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == (0 if runs else 1)
    assert ("::error" in done.stdout) is not runs


def test_a_job_of_which_nothing_is_known_is_refused() -> None:
    done = subprocess.run(hook(), env={"PATH": os.environ["PATH"]}, capture_output=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 1
