# SPDX-License-Identifier: Apache-2.0
"""The suite's own behaviour, on pictures that are made here: which tests it has for whom, in what order, by whom."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from writers import ROOT

from hil.cli import run as run_verb
from hil.suite.cameras import Camera, find_cameras
from hil.suite.rig import steady_rate

TIMEOUT_S = 300
QUICK = "test_field_checklist.py", "-k", "nothing_is_left"
TWO_CAMERAS = """
import hil.suite.cameras as cameras
names = "testsrc:320x240@30", "testsrc:160x120@30"
cameras.find_cameras = lambda words: [cameras.Camera(name, "testsrc") for name in names]
"""


def suite(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "pytest", "-p", "hil.report.plugin", "-p", "no:cacheprovider"]
    command += ["--report", str(folder)]
    environment = os.environ | {"PYTHONPATH": f"{folder}:{ROOT}"}
    return subprocess.run(
        [*command, str(ROOT / "hil/suite" / words[0]), *words[1:]],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def collected(folder: Path, *words: str) -> list[str]:
    result = suite(folder, ".", "--collect-only", "-q", *words)
    assert result.returncode == 0, result.stdout + result.stderr
    return [line.rpartition("/")[2] for line in result.stdout.splitlines() if "::" in line]


def recorded(folder: Path) -> list[dict[str, Any]]:
    run = json.loads((folder / "run.json").read_text())
    return [test for session in run["sessions"] for test in session["tests"]]


def test_a_claim_holds_and_its_figures_are_on_record(tmp_path: Path) -> None:
    result = suite(tmp_path, *QUICK, "--camera", "testsrc", "--board", "vivid-vm")
    assert result.returncode == 0, result.stdout
    [test] = recorded(tmp_path)
    assert test["verdict"] == "pass"
    assert test["claim"].startswith("camera-streamer removes its ring and semaphores")
    figures = {each["name"]: each for each in test["measurements"]}
    assert figures["names left in shared memory"]["exactly"] == 0
    assert figures["frames or readers lost"]["value"] == 0
    assert test["frame_book"]["writer"]["written"] > 10
    assert test["histograms"] and test["timeline"]
    [stream] = tmp_path.glob("parts/*/streams/*.json")
    assert json.loads(stream.read_text())["test"] == test["name"]


def test_each_test_says_what_it_claims_and_what_it_would_catch() -> None:
    """The report shows the claim, a sentence; a test's name in words would lack its commas and apostrophes."""
    form = re.compile(r"[A-Za-z][^\n]+(\n[^\n]+)*[.)]\n\nWould catch: [^\n]+\.")
    bodies = [ast.parse(path.read_text()).body for path in (ROOT / "hil/suite").glob("test_*.py")]
    tests = [node for body in bodies for node in body if isinstance(node, ast.FunctionDef)]
    unsaid = [
        test.name
        for test in tests
        if test.name.startswith("test_") and not form.fullmatch(ast.get_docstring(test) or "")
    ]
    assert len(tests) > 50
    assert unsaid == []


def test_a_figure_beyond_its_limit_fails_the_run(tmp_path: Path) -> None:
    """A library that leaves its names behind."""
    plant = "import hil.fleet.fleet as fleet\nfleet.ring_names = lambda channel: [__import__('pathlib').Path('/')]\n"
    (tmp_path / "plant.py").write_text(plant)
    result = suite(tmp_path, *QUICK, "--camera", "testsrc", "--board", "vivid-vm", "-p", "plant")
    assert result.returncode == 1
    assert "names left in shared memory: 1 names, exactly 0 allowed" in result.stdout
    assert [test["verdict"] for test in recorded(tmp_path)] == ["fail"]


def test_timed_tests_come_last_and_only_to_boards_that_they_are_for(tmp_path: Path) -> None:
    names = collected(tmp_path, "--camera", "testsrc", "--board", "generic")
    timed = set(collected(tmp_path, "--camera", "testsrc", "--board", "generic", "-m", "timed"))
    assert {"test_latency.py", "test_throughput.py", "test_soak.py"} <= {name.partition("::")[0] for name in timed}
    assert [name in timed for name in names] == sorted(name in timed for name in names)
    assert [name for name in names if "the_four_figures" in name]
    in_vm = collected(tmp_path, "--camera", "testsrc", "--board", "vivid-vm")
    assert not [name for name in in_vm if "the_four_figures" in name]
    assert not [name for name in names if "vivid" in name]  # which is not among the cameras
    quick = collected(tmp_path, "--camera", "testsrc", "--board", "generic", "-m", "not long")
    assert len(names) > len(quick) > 20


def test_what_is_about_the_ring_alone_is_left_out_of_a_second_camera_in_short(tmp_path: Path) -> None:
    names = collected(tmp_path, "--camera", "testsrc", "--board", "vivid-vm", "-m", run_verb.QUICK)
    beside = collected(tmp_path, "--camera", "testsrc", "--board", "vivid-vm", "-m", run_verb.QUICK_BESIDE)
    left_out = {name.partition("::")[0] for name in set(names) - set(beside)}
    assert set(beside) < set(names)
    assert {"test_faults.py", "test_latency.py"} <= left_out and "test_stream.py" not in left_out
    assert any("driver_left_no_picture_out" in name for name in beside)


def test_faults_of_a_usb_camera_are_only_for_one_of_our_own(tmp_path: Path) -> None:
    assert not [name for name in collected(tmp_path, "--camera", "testsrc") if "usb_faults" in name]


def test_without_a_camera_it_is_said_what_to_do_and_required_it_fails(tmp_path: Path) -> None:
    words = [*QUICK, "--camera", "/dev/video_none", "--board", "generic", "-rs"]
    result = suite(tmp_path, *words)
    assert (result.returncode, "modprobe vivid" in result.stdout) == (0, True)
    assert [test["outcome"] for test in recorded(tmp_path)] == ["skipped"]
    result = suite(tmp_path, *words, "--require-camera")
    assert result.returncode == 1
    assert "--require-camera, but it was skipped: no camera" in result.stdout


def test_two_cameras_are_tested_by_two_processes_and_each_by_one(tmp_path: Path) -> None:
    (tmp_path / "two_cameras.py").write_text(TWO_CAMERAS)
    words = ["-p", "two_cameras", "-n", "2", "--dist", "loadgroup", "-v", "--board", "vivid-vm"]
    result = suite(tmp_path, "test_field_checklist.py", "-k", "nothing_is_left or without_producer", *words)
    assert result.returncode == 0, result.stdout
    ran = re.findall(r"^\[(gw\d)\].* PASSED .*\[(testsrc\S+?)\]", result.stdout, re.MULTILINE)
    by_camera: dict[str, set[str]] = {}
    for worker, camera in ran:
        by_camera.setdefault(camera, set()).add(worker)
    assert sorted(len(workers) for workers in by_camera.values()) == [1, 1]
    assert len(set.union(*by_camera.values())) == 2


def test_the_library_to_be_judged_reaches_all_that_tests_start(tmp_path: Path) -> None:
    other = tmp_path / "judged.so"
    other.write_bytes(Path(os.environ["VSHM_LIBRARY"]).read_bytes())
    (tmp_path / "look.py").write_text(
        "import os, hil.suite.rig as rig\nput = rig.put_on_record\n"
        "def told(record, result):\n"
        "    lives = [*result.writer.lives, *(life for one in result.consumers for life in one.lives)]\n"
        "    print('LOADED', *sorted({life.library.name for life in lives}), os.environ['VSHM_LIBRARY'])\n"
        "    return put(record, result)\n"
        "rig.put_on_record = told\n"
    )
    words = ["--camera", "testsrc", "--board", "vivid-vm", "--library", str(other), "-p", "look", "-s"]
    result = suite(tmp_path, *QUICK, *words)
    assert result.returncode == 0, result.stdout
    assert f"LOADED judged.so {other}\n" in result.stdout


@pytest.mark.parametrize("words", ["testsrc", "testsrc:320x240@30", "file:/x.mp4", "rpicam"])
def test_what_is_no_device_is_taken_as_camera_streamer_takes_it(words: str) -> None:
    assert find_cameras(words) == [Camera(words, words.partition(":")[0])]


def test_a_rate_that_is_not_held_shows() -> None:
    import numpy

    even = numpy.arange(0, 10_000_000_000, 10_000_000)
    assert steady_rate(even)[0] == pytest.approx(100)
    assert steady_rate(even)[1] < 0.01
    slower = numpy.concatenate([even[:600], even[600] + numpy.arange(400) * 11_000_000])
    assert steady_rate(slower)[1] > 0.03


def test_pictures_that_were_given_up_do_not_make_the_camera_slower() -> None:
    import numpy

    numbers = numpy.concatenate([numpy.arange(0, 300), numpy.arange(300, 1000, 3)])  # two of three are left out
    rate, deviation = steady_rate(numbers * 10_000_000, numbers)
    assert (rate, deviation) == pytest.approx((100, 0))
    assert steady_rate(numbers * 10_000_000)[1] > 0.2
