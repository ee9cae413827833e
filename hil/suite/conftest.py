# SPDX-License-Identifier: Apache-2.0
"""The suite's options and cameras, and the choice of tests for them."""

from __future__ import annotations

import dataclasses
import faulthandler
import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from hil.host.board import Board, Stream
from hil.report.plugin import BOARD
from hil.report.recorder import Recorder
from hil.suite.cameras import RING, Camera, FixedStreamError, find_cameras, plugged_camera, stream_in
from hil.suite.compliance import check_driver
from hil.suite.driver_facts import driver_facts
from hil.suite.rig import Rig
from hil.suite.usb_words import usb_design
from hil.usb.camera_process import UsbCamera
from hil.workers.programs import NoToolsError
from hil.workers.shared_memory import SHARED_MEMORY

# A shell's background job ignores Ctrl-C, and so would every child that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Of a USB camera of our own where processors are emulated: the camera, too, is a program there.
SLOW_USB = Stream(320, 180, 15)
CAMERAS = pytest.StashKey[list[Camera]]()
REMEDY = "no camera for --camera {words}: plug one in, or as root: modprobe vivid n_devs=1; hil run finds one by itself"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("hil", "the harness")
    cameras = (
        "auto, vivid, usb[:DESIGN], /dev/videoN (several with commas), ring:NAME, or another source (default: auto)"
    )
    group.addoption("--camera", default="auto", metavar="SOURCE", help=cameras)
    group.addoption("--consumers", type=int, default=0, metavar="N", help="readers at most (default: as the test says)")
    group.addoption("--seconds", type=float, metavar="S", help="how long each stream is watched")
    group.addoption("--library", type=Path, metavar="FILE", help="libvideo_shm.so to be judged (default: ours)")
    group.addoption("--require-camera", action="store_true", help="what would be skipped fails")


@pytest.hookimpl(trylast=True)  # after the board was chosen
def pytest_configure(config: pytest.Config) -> None:
    if config.option.library is not None:  # for what the tests start; this process only inspects
        os.environ["VSHM_LIBRARY"] = str(config.option.library.resolve(strict=True))
    board = config.stash[BOARD]
    if usb_design(config.option.camera) is not None and "real-time-video" not in board.capabilities:
        config.stash[BOARD] = dataclasses.replace(board, stream=SLOW_USB)
    if (stream := stream_in(config.option.camera)) is not None:
        config.stash[BOARD] = dataclasses.replace(board, stream=stream)
    config.addinivalue_line("markers", "capability(name): only for boards that have it")
    config.addinivalue_line("markers", "vivids(count): only where so many vivid cameras are")
    config.addinivalue_line("markers", "ring: of what is behind or beside the camera; --quick asks it of one camera")
    config.addinivalue_line("markers", "passed_on: only where a ring is passed on")
    config.addinivalue_line("markers", "usb: only where the harness plugs in USB cameras of its own")


def cameras_of(config: pytest.Config) -> list[Camera]:
    """Return the cameras that were asked for. They are searched for only once."""
    if CAMERAS not in config.stash:
        words = config.option.camera
        design = usb_design(words)
        config.stash[CAMERAS] = find_cameras(words) if design is None else [_plugged(config, design)]
    return config.stash[CAMERAS]


def _plugged(config: pytest.Config, design: str) -> Camera:
    """Plug a USB camera in, until pytest ends."""
    usb = UsbCamera(design)
    usb.__enter__()
    config.add_cleanup(usb.quit)
    return plugged_camera(usb, config.option.camera)


def put_camera(recorder: Recorder, camera: Camera, board: Board) -> None:
    """Record a camera, once with what its driver says and what v4l2-compliance says of its driver."""
    record = camera.record(board)
    if recorder.knows_camera(record):
        return
    if camera.v4l2:
        output = recorder.folder / "cameras" / f"{camera.group}-compliance.txt"
        record |= driver_facts(camera.device) | {"v4l2_compliance": check_driver(Path(camera.device), output)}
    recorder.camera(record)


def vivids_of(config: pytest.Config) -> list[Camera]:
    """Return the cameras with a fault injector."""
    return [camera for camera in cameras_of(config) if camera.driver == "vivid"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "camera" in metafunc.fixturenames:
        cameras = [
            pytest.param(camera, marks=pytest.mark.xdist_group(camera.group), id=camera.group)
            for camera in cameras_of(metafunc.config)
        ]
        metafunc.parametrize("camera", cameras or [pytest.param(None, id="none")], indirect=True, scope="session")
    if "vivid" in metafunc.fixturenames:
        vivids = [
            pytest.param(Path(camera.device), marks=pytest.mark.xdist_group(camera.group), id=camera.group.strip("_"))
            for camera in vivids_of(metafunc.config)[:1]
        ]
        metafunc.parametrize("vivid", vivids or [pytest.param(None, id="none")], indirect=True)


def lacks(item: pytest.Item) -> bool:
    """Return whether board or camera lack what a test needs; it is then deselected rather than skipped."""
    board = item.config.stash[BOARD]
    needed = {str(mark.args[0]) for mark in item.iter_markers("capability")}
    vivids = 1 if "vivid_paths" in getattr(item, "fixturenames", ()) else 0
    vivids = max([vivids, *(int(mark.args[0]) for mark in item.iter_markers("vivids"))])
    if item.get_closest_marker("usb") and not any(camera.usb for camera in cameras_of(item.config)):
        return True
    if item.get_closest_marker("passed_on") and not any(one.driver == RING for one in cameras_of(item.config)):
        return True
    return bool(needed - board.capabilities) or (vivids > 0 and len(vivids_of(item.config)) < vivids)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [item for item in items if lacks(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call() -> Generator[None, object, object]:
    """Skip a test whose worker in C can't be compiled, or whose stream the camera can't have, and say why."""
    try:
        return (yield)
    except (NoToolsError, FixedStreamError) as error:
        pytest.skip(str(error))


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and item.config.option.require_camera and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        report.outcome, report.longrepr = "failed", f"--require-camera, but it was skipped: {reason}"
    return report


@pytest.hookimpl(tryfirst=True)  # before the fixtures, which ask v4l2-compliance
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Do not take two minutes for a hang where a test, or the processor, needs as long.

    A dump of a process whose threads go on is not only untrue then: now and then the interpreter dies of it.
    """
    if item.get_closest_marker("long") or "real-time-video" not in item.config.stash[BOARD].capabilities:
        faulthandler.cancel_dump_traceback_later()


@pytest.fixture(scope="session")
def camera(request: pytest.FixtureRequest, recorder: Recorder, board: Board) -> Camera:
    """The present camera; a test without one is skipped."""
    found: Camera | None = request.param
    if found is None:
        pytest.skip(REMEDY.format(words=request.config.option.camera))
    put_camera(recorder, found, board)
    return found


@pytest.fixture(scope="session")
def rig(camera: Camera, board: Board, recorder: Recorder, pytestconfig: pytest.Config) -> Rig:
    """The present camera with all that was asked for."""
    option = pytestconfig.option
    return Rig(camera, board, option.seconds, option.consumers, option.library, recorder)


@pytest.fixture(scope="session")
def vivid_paths(pytestconfig: pytest.Config, recorder: Recorder, board: Board) -> list[Path]:
    """The nodes of all vivid cameras, those under test first; a test without one is skipped."""
    cameras = vivids_of(pytestconfig)
    if not cameras:
        from hil.suite.vivid import REMEDY  # v4l2py is slow to import

        pytest.skip(f"no vivid camera here: {REMEDY}")
    put_camera(recorder, cameras[0], board)
    others = [camera for camera in find_cameras("vivid") if camera not in cameras]
    return [Path(camera.device) for camera in [*cameras, *others]]


@pytest.fixture
def vivid(request: pytest.FixtureRequest, vivid_paths: list[Path]) -> Iterator[Path]:
    """The first vivid camera; its faults are reset afterwards."""
    from hil.suite.vivid import reset

    assert request.param == vivid_paths[0]
    yield vivid_paths[0]
    reset(vivid_paths[0])


@pytest.fixture
def ring(request: pytest.FixtureRequest) -> Iterator[str]:
    """A unique ring name. What is there is removed at the end."""
    name = f"/vshm_hil_{os.getpid()}_{abs(hash(request.node.name)) % 10**9}"
    yield name
    for path in SHARED_MEMORY.glob(f"{name[1:]}*"):
        path.unlink(missing_ok=True)
