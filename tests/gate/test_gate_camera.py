# SPDX-License-Identifier: Apache-2.0
"""The gate's blocks on a camera: what camera-streamer and its readers wrote down is what the block says."""

import copy
import os
from pathlib import Path

import pytest
from writers import BUILD, SHARED_MEMORY

pytest.importorskip("scipy", reason="no scipy for this processor")

from hil.blocks.block import BlockError, BlockPlan
from hil.blocks.schedule import standard
from hil.cli.main import main
from hil.fleet import CameraStreamer, Consumer, Fleet, FleetResult
from hil.gate.camera import PROGRAMS, block_of, programs_in, run_camera
from hil.gate.phases import plans

LIBRARY = (BUILD / "libvideo_shm.so").resolve()
CAMERA = "testsrc:320x240@30"


@pytest.fixture(scope="module")
def seen() -> FleetResult:
    with Fleet(CameraStreamer(CAMERA), [Consumer("c")] * 2, 1.0, library=LIBRARY) as fleet:
        return fleet.run()


def test_a_camera_writes_a_block_and_nothing_is_left() -> None:
    before = set(SHARED_MEMORY.glob("video_stream_ch*"))
    block = run_camera(LIBRARY, BlockPlan(standard(2, 30), 2, paced=True, camera=CAMERA))
    assert block.faults() == {}
    assert block.written > 20 and block.refused == 0
    assert len(block.readers) == 2 and all(reader.received > 20 for reader in block.readers)
    assert len(block.latency_ns) > 40 and min(block.latency_ns) > 0
    assert all(tally.cpu_ns for tally in (block.writer, *block.readers))
    left = set(SHARED_MEMORY.glob("video_stream_ch*")) - before
    assert [path.name for path in left if str(os.getpid()) in path.name] == []


def test_a_block_s_figures_are_the_ledgers(seen: FleetResult) -> None:
    block = block_of(seen, LIBRARY)
    assert block.written == len(seen.writer.written)
    assert [reader.received for reader in block.readers] == [len(one.received) for one in seen.consumers]
    assert sorted(block.latency_ns) == sorted(int(ns) for one in seen.consumers for ns in seen.latencies_ns(one))


@pytest.mark.parametrize("fault", ["altered", "repeated", "reordered", "unaccounted", "silent"])
def test_what_the_witness_finds_is_a_fault_of_the_block(seen: FleetResult, fault: str) -> None:
    planted = copy.deepcopy(seen)
    life = planted.consumers[0].lives[0]
    if fault == "altered":
        life.received["crc32"][5] ^= 1
    elif fault == "repeated":
        life.received = life.received[[*range(6), 5, *range(6, len(life.received))]]
    elif fault == "reordered":
        life.received = life.received[[*range(5), 6, 5, *range(7, len(life.received))]]
    elif fault == "unaccounted":
        life.received = life.received[[*range(5), *range(6, len(life.received))]]
    else:
        life.received = life.received[:0]
        assert life.closing is not None
        life.closing["received"] = 0
    assert block_of(planted, LIBRARY).faults().get(fault, 0) >= 1


def test_a_camera_that_used_another_library_is_no_block_of_this_one(seen: FleetResult, tmp_path: Path) -> None:
    with pytest.raises(BlockError, match=r"camera-streamer used .*libvideo_shm.*, and not .*other\.so"):
        block_of(seen, tmp_path / "other.so")


def test_a_camera_that_is_not_there_is_said() -> None:
    with pytest.raises(BlockError, match="/dev/video99"):
        run_camera(LIBRARY, BlockPlan(standard(2, 30), 1, paced=True, camera="/dev/video99"))


def test_the_camera_writes_the_paced_phase_alone() -> None:
    assert {phase: plan.camera for phase, plan in plans(None, 0, "vivid").items()} == {
        "paced": "vivid",
        "alone": "",
        "flood": "",
        "overload": "",
        "death": "",
    }


def test_a_camera_and_a_recording_at_once_are_an_error_of_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["gate", "--baseline", "a", "--candidate", "b", "--camera", "vivid", "--replay", "x"])
    assert "not allowed with" in capsys.readouterr().err


def test_readers_are_compiled_where_they_go_with_the_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROGRAMS, "/before")
    with programs_in(tmp_path):
        assert os.environ[PROGRAMS] == str(tmp_path)
    assert os.environ[PROGRAMS] == "/before"
