# SPDX-License-Identifier: Apache-2.0
"""Fixtures that several test files need."""

import gc
import importlib.util
import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hosts import mount_tmpfs, own_shared_memory
from packages import environment, wheel  # noqa: F401 - fixtures
from writers import BUILD, ROOT, SHARED_MEMORY, WATCHDOG_S, Channel, Writer, own_objects, published_of

if TYPE_CHECKING:
    from browser import ChromiumPage
    from report_suites import Suite
    from selenium import webdriver
    from serving import Server

# Before anything imports the binding, here or in a child: this tree's, not one that happens to be installed.
os.environ["PYTHONPATH"] = str(ROOT)
os.environ.setdefault("VSHM_LIBRARY", str(BUILD / "libvideo_shm.so"))

gc.disable()  # until all tests are collected: thousands of objects would be looked at again and again, and all stay

# A shell's background job ignores Ctrl-C and Ctrl-\, nohup the end of the terminal, and so would every child of a test.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# PyAV has no build for every processor; what needs it is left out there, and said.
NEEDS_PYAV = [
    "arecord",
    "barcode",
    "bars",
    "bitstream",
    "bitstream_formats",
    "bitstream_order",
    "bundle_film",
    "camera_streamer",
    "cli_bundle",
    "cli_check_entry_points",
    "cli_check_payload",
    "cli_demo",
    "cli_disk",
    "cli_record",
    "cli_record_files",
    "cli_record_killed",
    "cli_record_kinds",
    "cli_record_sound",
    "cli_record_start",
    "colour",
    "container_sink",
    "containers",
    "corpus",
    "corpus_files",
    "elements_sink",
    "elements_source",
    "encoder_copy",
    "encoder_limits",
    "examples",
    "file_refused",
    "file_turned",
    "file_units",
    "file_with_sound",
    "files",
    "fleet_camera",
    "gate_camera",
    "healing",
    "identity",
    "hostile",
    "jpeg",
    "jpeg_assembler",
    "jpeg_rate",
    "lane",
    "lane_pictures",
    "messages",
    "motion_jpeg",
    "numbering",
    "page_layout",
    "package_hil",
    "pass_through",
    "patience",
    "pictures",
    "pictures_colour",
    "pictures_ends",
    "pictures_lost",
    "presets",
    "probe",
    "publish",
    "publish_life",
    "rate_meter",
    "raw_arrays",
    "round_trip",
    "serve",
    "serve_access",
    "serve_browser",
    "serve_flow",
    "serve_live",
    "serve_page",
    "serve_refused",
    "serve_shown",
    "serve_slow",
    "serve_streams",
    "sound",
    "sound_card",
    "sound_drift",
    "sound_times",
    "sources",
    "splitter_differential",
    "stranger_bundle",
    "strangers",
    "streamer_help",
    "streamer_examples",
    "streamer_config",
    "streamer_status",
    "streamer_life",
    "suite",
    "unit_assembler",
    "unit_losses",
    "usb_clips",
    "v4l2_buffers",
    "v4l2_capture",
    "v4l2_colour",
    "v4l2_source",
    "v4l2_start",
    "websocket",
]
HAS_PYAV = importlib.util.find_spec("av") is not None
collect_ignore_glob = [] if HAS_PYAV else [f"*/test_{name}.py" for name in NEEDS_PYAV]


def pytest_report_header() -> str:
    return "" if HAS_PYAV else f"no PyAV here: left out are {', '.join(NEEDS_PYAV)}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Send all tests of a browser to one process, so that the browser is started only once, which takes long."""
    for item in items:
        if isinstance(item, pytest.Function) and {"window", "chromium_driver"} & set(item.fixturenames):
            params = item.callspec.params if hasattr(item, "callspec") else {}
            item.add_marker(pytest.mark.xdist_group(params.get("window", "chromium")))


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def _propagating_log() -> Iterator[None]:
    """Let camera-streamer's log propagate again. Else pytest 9 captures the next test's records there, too: twice."""
    yield
    logging.getLogger("camera-streamer").propagate = True


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """A test that leaves rings, semaphores or readers' counters of its own behind fails, and those after it do not."""
    before = own_objects()
    yield
    left = own_objects() - before
    for path in left:
        path.unlink(missing_ok=True)
    assert not left, f"left in shared memory: {', '.join(map(str, sorted(left)))}"


@pytest.fixture(autouse=True)
def _of_the_same_class() -> Iterator[None]:
    """A test that leaves this thread in the real-time class fails, and those after it do not come before all else."""
    before, parameter = os.sched_getscheduler(0), os.sched_getparam(0)
    yield
    now = os.sched_getscheduler(0)
    if now != before:
        os.sched_setscheduler(0, before, parameter)
    assert now == before, "something that was called here has changed this thread's scheduling class"


@pytest.fixture
def channel() -> Iterator[Channel]:
    if not Writer.PROGRAM.exists():
        pytest.fail(f"{Writer.PROGRAM} is missing: ci/test build, or VIDEO_SHM_BUILD=FOLDER")
    fresh = Channel()
    yield fresh
    fresh.clean_up()


@pytest.fixture
def ring(request: pytest.FixtureRequest) -> Iterator[str]:
    """A unique ring name. Objects whose names begin with it are removed at the end."""
    name = f"/vshm_pytest_{os.getpid()}_{abs(hash(request.node.name)) % 10**9}"
    yield name
    for path in SHARED_MEMORY.glob(f"{name[1:]}*"):
        path.unlink(missing_ok=True)
    for path in published_of(lambda ring: ring.startswith(name)):
        path.unlink(missing_ok=True)


@pytest.fixture
def watchdog() -> Iterator[None]:
    """End a test that hangs."""

    def bark(_number: int, _frame: object) -> None:
        raise AssertionError(f"not done after {WATCHDOG_S} s")

    before = signal.signal(signal.SIGALRM, bark)
    signal.setitimer(signal.ITIMER_REAL, WATCHDOG_S)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def alone() -> Iterator[None]:
    """A /dev/shm for this test only, so that nothing of others is seen or removed."""
    if os.geteuid() != 0:
        pytest.skip("needs a mount of its own: run it as root")
    with own_shared_memory():
        yield


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> "Suite":
    """A suite that the report's plugin judges. Its users must request the plugin pytester."""
    from report_suites import Suite

    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")  # a program of the same second and size would be the old one
    return Suite(pytester)


@pytest.fixture
def small_disk(alone: None, tmp_path: Path) -> Path:
    """A mounted file system that is full after 40 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount_tmpfs(folder, "size=40k")
    return folder


@pytest.fixture(scope="session")
def chromium_driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator["webdriver.Chrome"]:
    """One Chromium for all tests, since it takes seconds to start."""
    from browser import CHROMIUM, DRIVER, chromium

    if CHROMIUM is None or DRIVER is None:
        pytest.skip("needs Chromium and its driver: ci/bootstrap base web")
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture
def page(chromium_driver: "webdriver.Chrome") -> Iterator["ChromiumPage"]:
    """The page of vshm serve in Chromium, which must not log any error."""
    from browser import DESKTOP, ChromiumPage

    page = ChromiumPage(chromium_driver)
    page.size(*DESKTOP)
    page.errors()
    yield page
    assert page.errors() == []
    chromium_driver.get("about:blank")


@pytest.fixture(scope="module")
def server() -> Iterator["Server"]:
    """vshm serve for this machine only."""
    from serving import serving

    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Server"]:
    """vshm serve for other machines too, with the token of these tests."""
    from serving import guarded_serving

    with guarded_serving(tmp_path_factory.mktemp("serve")) as server:
        yield server
