# SPDX-License-Identifier: Apache-2.0
"""Every command starts without the extras, and names the one to install where it can't go on."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from vshm import TIMEOUT_S
from writers import ROOT, SHARED_MEMORY, wait_until

from vshm_ctypes.commandline.extras import EXTRAS, remedy

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BROUGHT = {
    extra: {re.split(r"[\s><=;~!\[]", wanted)[0].lower().replace("_", "-") for wanted in wanted_by}
    for extra, wanted_by in PROJECT["optional-dependencies"].items()
}
RUN = ROOT / "tests" / "runs" / "small.json"
HAS_ZSTD = pytest.mark.skipif(sys.version_info >= (3, 14), reason="compression.zstd is part of Python 3.14")
COMMANDS = {"vshm": "vshm_ctypes", "hil": "hil", "camera-streamer": "hil.streamer"}


def run(command: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a Python that has no packages but this one."""
    line = [sys.executable, "-S", "-m", COMMANDS[command], *words]
    bare = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(line, env=bare, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_tells_help_and_version_without_extras(command: str) -> None:
    """For its help it asks each of its verbs for its arguments."""
    for word in ("--help", "--version"):
        done = run(command, word)
        assert (done.returncode, done.stderr) == (0, "")
        assert command in done.stdout


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        ("camera-streamer", "streamer"),
        ("camera-streamer --list", "streamer"),
        ("camera-streamer --device testsrc", "demo"),  # which draws it
        ("hil run --camera testsrc", "hil"),
        ("hil bench --peers", "hil"),
        ("hil report .", "hil"),
        ("hil calibrate --runs 3 -o board.toml", "hil"),
        ("hil gate --baseline {library} --candidate {library}", "hil"),
        ("hil farm --env {file} --wheel {wheel}", "farm"),
        ("vshm demo", "demo"),
        ("vshm serve --port 0", "web"),
        ("vshm export --port 0", "cli"),
        pytest.param("vshm bundle -o case.tar.zst", "cli", marks=HAS_ZSTD),
        ("vshm completion bash", "cli"),
        ("hil completion bash", "cli"),
        ("camera-streamer --completion bash", "cli"),
    ],
)
def test_what_is_missing_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, extra: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("farm.yaml", "video_shm-1-py3-none-any.whl"):
        (tmp_path / name).touch()
    shutil.copy(RUN, tmp_path / "run.json")
    files = {"library": ROOT / "build" / "libvideo_shm.so", "file": "farm.yaml"}
    files["wheel"] = "video_shm-1-py3-none-any.whl"
    command, *rest = words.format(**files).split()
    done = run(command, *rest)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert f"'video-shm[{extra}]'" in done.stderr, done.stderr


# Whatever else is installed here is not there for this process.
ONLY = """
import importlib.abc, runpy, sys

class Elsewhere(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"no {{name}} here", name=name)

sys.meta_path.insert(0, Elsewhere())
runpy.run_module("hil.streamer", run_name="__main__", alter_sys=True)
"""


def test_camera_streamer_needs_nothing_of_the_harness(ring: str) -> None:
    pytest.importorskip("av")
    elsewhere = {"pytest", "_pytest", "xdist", "scipy", "psutil", "jsonschema", "hdrh", "jinja2", "shtab", "virtme"}
    words = ["--device", "testsrc:160x96@30", "--channel", f"{ring[1:]}:", "--websocket", "127.0.0.1:0"]
    command = [sys.executable, "-c", ONLY.format(names=elsewhere), *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as streamer:
        try:
            wait_until(lambda: streamer.poll() is not None or (SHARED_MEMORY / ring[1:]).exists(), "a ring is there")
        finally:
            streamer.terminate()
        _, told = streamer.communicate(timeout=TIMEOUT_S)
    assert streamer.returncode == 0, told
    named = {re.split(r"[\s><=;~!\[]", wanted)[0] for wanted in PROJECT["optional-dependencies"]["hil"]}
    assert "video-shm" in named and not {"av", "v4l2py"} & named  # which the streamer's extra has


def test_cameras_and_microphones_are_read_without_numpy() -> None:
    """It is by far the largest package on a small board."""
    pytest.importorskip("av")
    modules = ("main", "sources.v4l2", "sources.rpicam", "sound.alsa", "probe", "websocket", "status")
    load = "import sys; sys.modules['numpy'] = None\n" + "".join(f"import hil.streamer.{name}\n" for name in modules)
    done = subprocess.run([sys.executable, "-c", load], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_test_card_names_the_extra_that_it_is_drawn_with(ring: str) -> None:
    pytest.importorskip("av")
    words = ["--device", "testsrc", "--channel", f"{ring[1:]}:"]
    command = [sys.executable, "-c", ONLY.format(names={"numpy"}), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 1
    assert "testsrc: numpy is not installed: pip install 'video-shm[demo]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_test_sound_names_the_extra_that_it_is_drawn_with(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("av")
    from hil.streamer.sound.factory import make_sound_source
    from hil.streamer.sound.options import Sound
    from hil.streamer.sources.source import SourceError
    from hil.streamer.sources.timeline import Timelines

    monkeypatch.setitem(sys.modules, "numpy", None)
    monkeypatch.delitem(sys.modules, "hil.streamer.sound.testaudio", raising=False)
    with pytest.raises(SourceError, match=r"testaudio: numpy is not installed: pip install 'video-shm\[demo\]'"):
        make_sound_source(Sound("testaudio"), False, Timelines())


def test_without_a_producer_s_extra_it_is_not_sent_to_one() -> None:
    done = run("vshm", "list")
    if done.returncode == 3:
        assert "pip install 'video-shm[demo]'" in done.stdout
        assert "camera-streamer" not in done.stdout


@pytest.mark.parametrize(("module", "extra"), EXTRAS.items())
def test_an_extra_brings_what_it_is_named_for(module: str, extra: str) -> None:
    names = {name.lower().replace("_", "-") for name in packages_distributions().get(module, [])}
    names |= {module.replace("_", "-"), f"py{module}"}
    brought = {name.replace("_", "-") for name in BROUGHT[extra]}
    assert any(name in names or name.partition(".")[0] in names for name in brought), names


def test_a_module_of_ours_that_is_missing_is_no_matter_of_extras() -> None:
    assert remedy(ModuleNotFoundError("none", name="hil.nothing")) is None
    assert remedy(ModuleNotFoundError("none")) is None
