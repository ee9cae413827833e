# SPDX-License-Identifier: Apache-2.0
"""The virtual machine's helper, with a stand-in for the emulator that runs the guest's script on this machine."""

import io
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from own_clock import Ahead
from processes import is_running, stand_in
from writers import ROOT, wait_until

from hil.vm import Job, Kernel, VmDeadline, VmError, VmUnavailable, machine, run
from hil.vm.guest import load_words
from hil.vm.host_files import HostFiles

pytestmark = pytest.mark.usefixtures("watchdog")

KERNEL = Kernel(Path("/boot/vmlinuz-1.2"), Path("/lib/modules/1.2"))
RUNS_THE_SCRIPT = 'echo "Linux version 1.2"; for word; do last=$word; done; exec $last'
TIMEOUT_S = 60


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "video-shm"


@pytest.fixture
def vng(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "vng"
    stand_in(path, RUNS_THE_SCRIPT)
    monkeypatch.setattr(machine, "find_vng", lambda of: str(path))
    monkeypatch.setattr(machine, "kvm_is_usable", lambda: False)
    monkeypatch.setattr(machine, "PATIENCE_S", 0.5)  # most emulators here take no notice of SIGTERM
    # The script runs on this machine, which keeps its own files.
    monkeypatch.setattr(HostFiles, "mount_lines", lambda files: [])
    monkeypatch.setattr(HostFiles, "inside", lambda files, command: f"env --chdir={files.cwd} {command}")
    return path


def job(folder: Path, script: str, seconds: float = TIMEOUT_S) -> Job:
    return Job(("sh", "-c", script), folder / "results", cameras=0, seconds=seconds)


def has_text(path: Path) -> bool:
    return path.exists() and path.read_text().endswith("\n")


# ---- what is started ----


@pytest.mark.parametrize("kvm", [False, True])
def test_the_emulator_is_told_kernel_results_and_script(tmp_path: Path, kvm: bool) -> None:
    words = machine.command_line(Job(("true",), tmp_path, cpus=3, memory="1G"), KERNEL, "/bin/vng", kvm)
    text = " ".join(words)
    assert f"--run /boot/vmlinuz-1.2 --rwdir {tmp_path} --cpus 3 --memory 1G --force-9p" in text
    assert ("--disable-kvm" in words) != kvm
    assert ("no_timer_check" in words) == (not kvm and os.uname().machine == "x86_64")
    assert words[-2:] == ["--exec", f"/bin/sh {tmp_path}/vm/guest.sh"]


def test_a_path_that_would_fall_apart_is_refused(tmp_path: Path) -> None:
    for name in ("two words", "a;b", "$(reboot)"):
        with pytest.raises(VmUnavailable, match="move it"):
            machine.command_line(Job(("true",), tmp_path / name), KERNEL, "/bin/vng", False)


def test_each_camera_gets_its_parameters() -> None:
    assert load_words(2) == [
        *("modprobe", "vivid", "n_devs=3", "node_types=0x1,0x1,0x1"),
        *("num_inputs=1,1,1", "input_types=0x0,0x0,0x0", "multiplanar=1,1,2"),
    ]


# ---- what comes back ----


@pytest.mark.usefixtures("vng")
def test_output_results_and_exit_code_come_back(tmp_path: Path, cache: Path) -> None:
    output, said = io.BytesIO(), list[str]()
    code = run(
        job(tmp_path, f"echo one; echo two >&2; pwd >{tmp_path}/results/where; exit 42"), KERNEL, said.append, output
    )
    assert code == 42
    assert output.getvalue() == b"one\ntwo\n"
    assert (tmp_path / "results" / "where").read_text().strip() == str(Path.cwd())
    assert said[0] == "booting Linux 1.2 and 0 vivid cameras, emulated"
    assert (tmp_path / "results" / "vm" / "boot.log").read_text() == "Linux version 1.2\n"
    assert list(cache.iterdir()) == []


@pytest.mark.usefixtures("vng")
def test_output_is_handed_on_while_the_command_runs(tmp_path: Path) -> None:
    class Watched(io.BytesIO):
        def write(self, data: object) -> int:
            (tmp_path / "heard").touch()
            return super().write(data)  # type: ignore[arg-type]

    output = Watched()
    waits = f"echo first; while [ ! -e {tmp_path}/heard ]; do sleep 0.05; done; echo last"
    assert run(job(tmp_path, waits), KERNEL, output=output) == 0
    assert output.getvalue() == b"first\nlast\n"


@pytest.mark.usefixtures("vng")
def test_the_command_finds_this_python_and_this_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VSHM_LIBRARY", "/a b/lib.so")
    monkeypatch.setenv("SECRET", "of the host")
    output = io.BytesIO()
    wanted = 'echo "$PATH|$VSHM_LIBRARY|$EXTRA|$PYTHONDONTWRITEBYTECODE|$VIDEO_SHM_VM|$HOME"'
    asked = Job(("sh", "-c", wanted), tmp_path / "results", cameras=0, environment={"EXTRA": "it's"})
    assert run(asked, KERNEL, output=output) == 0
    path, *rest, home = output.getvalue().decode().strip().split("|")
    assert path.startswith(f"{Path(sys.executable).parent}:")
    assert rest == ["/a b/lib.so", "it's", "1", "1"]
    assert home != os.environ["HOME"]
    assert "SECRET" not in (tmp_path / "results" / "vm" / "guest.sh").read_text()


@pytest.mark.usefixtures("vng")
def test_what_an_earlier_run_left_is_not_taken_for_this_ones(tmp_path: Path, vng: Path) -> None:
    assert run(job(tmp_path, "exit 0"), KERNEL, output=io.BytesIO()) == 0
    stand_in(vng, "exit 1")
    with pytest.raises(VmError):
        run(job(tmp_path, "exit 0"), KERNEL, output=io.BytesIO())


def test_the_emulators_own_files_go_into_the_cache_and_away(tmp_path: Path, vng: Path, cache: Path) -> None:
    stand_in(vng, f'echo "$HOME $TMPDIR" >{tmp_path}/folders; mktemp; {RUNS_THE_SCRIPT}')
    assert run(job(tmp_path, "exit 0"), KERNEL, output=io.BytesIO()) == 0
    home, temporary = (tmp_path / "folders").read_text().split()
    assert home == temporary
    assert Path(home).parent == cache
    assert list(cache.iterdir()) == []


def test_where_kvm_does_not_boot_it_is_emulated(tmp_path: Path, vng: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(vng, f"case $* in *--disable-kvm*) ;; *) echo 'kvm: no such MSR'; exit 1;; esac; {RUNS_THE_SCRIPT}")
    monkeypatch.setattr(machine, "kvm_is_usable", lambda: True)
    said = list[str]()
    assert run(job(tmp_path, "exit 7"), KERNEL, said.append, io.BytesIO()) == 7
    assert [text.rpartition(", ")[2] for text in said[:3]] == ["with KVM", "without KVM: kvm: no such MSR", "emulated"]
    said.clear()
    stand_in(vng, RUNS_THE_SCRIPT)
    assert run(job(tmp_path, "exit 7"), KERNEL, said.append, io.BytesIO()) == 7
    assert "emulated" not in "".join(said)


@pytest.mark.parametrize(
    ("said_first", "passed_s", "why"),
    [
        ("Probing EDD... ok", 20, "the kernel had not begun after 15 s"),
        ("Linux version 1.2", 50, "not booted after 45 s"),
    ],
)
def test_where_kvm_stands_still_it_is_emulated(
    tmp_path: Path, vng: Path, monkeypatch: pytest.MonkeyPatch, said_first: str, passed_s: float, why: str
) -> None:
    """A nested KVM may create a machine, and yet run no ordinary kernel."""
    hangs = f"echo $$ >{tmp_path}/pid; echo '{said_first}'; exec sleep 1000"
    stand_in(vng, f"case $* in *--disable-kvm*) ;; *) {hangs};; esac; {RUNS_THE_SCRIPT}")
    monkeypatch.setattr(machine, "kvm_is_usable", lambda: True)
    files = tmp_path / "pid", tmp_path / "results" / "vm" / "boot.log"
    monkeypatch.setattr(machine, "time", Ahead(passed_s, lambda: all(map(has_text, files))))
    said = list[str]()
    assert run(job(tmp_path, "exit 7", 600), KERNEL, said.append, io.BytesIO()) == 7
    assert [text.rpartition(", ")[2] for text in said[:3]] == ["with KVM", f"without KVM: {why}", "emulated"]
    assert not is_running(int((tmp_path / "pid").read_text()))


def test_a_kvm_that_breaks_is_not_waited_for(tmp_path: Path, vng: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator says so, and stands still."""
    breaks = "echo 'KVM internal error. Suberror: 1'; echo 'extra data[0]: 0x1'; exec sleep 1000"
    stand_in(vng, f"case $* in *--disable-kvm*) ;; *) {breaks};; esac; {RUNS_THE_SCRIPT}")
    monkeypatch.setattr(machine, "kvm_is_usable", lambda: True)
    monkeypatch.setattr(machine, "UP_BY_KVM_S", 10 * TIMEOUT_S)
    said = list[str]()
    assert run(job(tmp_path, "exit 7", 600), KERNEL, said.append, io.BytesIO()) == 7
    assert said[1] == "without KVM: KVM internal error"


def test_by_kvm_a_command_may_take_longer_than_the_boot(
    tmp_path: Path, vng: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "kvm_is_usable", lambda: True)
    clock = Ahead(50, (tmp_path / "up").exists, then=(tmp_path / "looked-at").touch)
    monkeypatch.setattr(machine, "time", clock)
    said = list[str]()
    script = f"touch {tmp_path}/up; while [ ! -e {tmp_path}/looked-at ]; do sleep 0.05; done; exit 7"
    assert run(job(tmp_path, script, 600), KERNEL, said.append, io.BytesIO()) == 7
    assert "emulated" not in "".join(said)


# ---- what goes wrong ----


def test_a_machine_that_does_not_come_up_leaves_the_end_of_its_boot_log(tmp_path: Path, vng: Path) -> None:
    stand_in(vng, "seq 100; echo 'Kernel panic - not syncing'; exit 255")
    with pytest.raises(VmError, match="did not come up") as raised:
        run(job(tmp_path, "exit 0"), KERNEL, output=io.BytesIO())
    assert "Kernel panic - not syncing" in str(raised.value)
    assert "  | 100" in str(raised.value)
    assert "  | 50\n" not in str(raised.value)


def test_a_machine_that_dies_under_the_command_is_told_apart(tmp_path: Path, vng: Path) -> None:
    waits = f"while [ ! -e {tmp_path}/up ]; do sleep 0.05; done"
    stand_in(vng, f"({RUNS_THE_SCRIPT}) & {waits}; kill -9 $!; echo Oops; exit 1")
    with pytest.raises(VmError, match="ended while the command ran"):
        run(job(tmp_path, f"touch {tmp_path}/up; sleep 60"), KERNEL, output=io.BytesIO())


@pytest.mark.usefixtures("vng")
def test_without_vivid_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hil.vm.guest.load_words", lambda cameras: ["sh", "-c", "echo 'FATAL: no vivid'; exit 1"])
    with pytest.raises(VmError, match=r"vivid could not be loaded(?s:.*)FATAL: no vivid"):
        run(Job(("true",), tmp_path / "results", seconds=TIMEOUT_S), KERNEL, output=io.BytesIO())


def test_the_deadline_ends_everything(tmp_path: Path, vng: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = tmp_path / "pid", tmp_path / "results" / "vm" / "boot.log"
    monkeypatch.setattr(machine, "time", Ahead(1000, lambda: all(map(has_text, files))))
    stand_in(vng, f"trap '' TERM; echo booting; sleep 600 & echo $! >{tmp_path}/pid; wait")
    with pytest.raises(VmDeadline, match=r"deadline has passed: the machine had not booted(?s:.*)booting"):
        run(job(tmp_path, "exit 0"), KERNEL, output=io.BytesIO())
    assert not is_running(int((tmp_path / "pid").read_text()))


@pytest.mark.usefixtures("vng")
def test_the_deadline_ends_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "time", Ahead(1000, lambda: has_text(tmp_path / "pid")))
    with pytest.raises(VmDeadline, match="the command was running"):
        run(job(tmp_path, f"echo $$ >{tmp_path}/pid; exec sleep 600"), KERNEL, output=io.BytesIO())
    assert not is_running(int((tmp_path / "pid").read_text()))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_emulator_behind(tmp_path: Path, vng: Path, number: signal.Signals) -> None:
    stand_in(
        vng, f"trap '' INT TERM; sleep 600 & echo $! >{tmp_path}/pid.part; mv {tmp_path}/pid.part {tmp_path}/pid; wait"
    )
    program = f"""
        from pathlib import Path
        from hil.vm import Kernel, machine, main
        machine.find_vng = lambda of: {str(vng)!r}
        machine.kvm_is_usable = lambda: False
        machine.PATIENCE_S = 0.5
        main.kernel_for = lambda *_: Kernel(Path("/boot/vmlinuz-1.2"), Path("/lib/modules/1.2"))
        raise SystemExit(main.main(["--results", {str(tmp_path / "results")!r}, "true"]))
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            wait_until((tmp_path / "pid").exists, "the emulator runs")
            process.send_signal(number)
            _, err = process.communicate(timeout=TIMEOUT_S)
        finally:
            process.kill()
    assert process.returncode == 130, err
    assert "interrupted" in err
    assert "Traceback" not in err
    assert not is_running(int((tmp_path / "pid").read_text()))


def test_a_signal_while_the_emulator_starts_is_not_lost(
    tmp_path: Path, vng: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(vng, f"echo $$ >{tmp_path}/pid; exec sleep 600")
    popen = subprocess.Popen

    def start(*words: object, **more: object) -> object:
        process = popen(*words, **more)  # type: ignore[call-overload]
        wait_until(lambda: has_text(tmp_path / "pid"), "it runs")
        signal.raise_signal(signal.SIGINT)
        return process

    monkeypatch.setattr(machine.subprocess, "Popen", start)  # type: ignore[attr-defined]
    with pytest.raises(KeyboardInterrupt):
        run(job(tmp_path, "exit 0"), KERNEL, output=io.BytesIO())
    assert not is_running(int((tmp_path / "pid").read_text()))
