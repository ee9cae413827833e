# SPDX-License-Identifier: Apache-2.0
"""The block worker, with real processes: what the library does, and that it sees what is planted in it."""

import os
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from writers import BUILD, ROOT, SHARED_MEMORY, wait_until

from hil.blocks.block import Block, BlockError, BlockPlan, build_worker, run_block, run_worker
from hil.blocks.channel import free_channel
from hil.blocks.schedule import standard
from hil.gate.defects import build_defect, read_defects
from hil.gate.libraries import build, inspect_library
from hil.workers.shared_memory import remove_channel

LIBRARY = (BUILD / "libvideo_shm.so").resolve()
FINE, READERS = 64, 2
DEFECTS = {defect.name: defect for defect in read_defects(ROOT)}

MISSING = BlockPlan(standard(400, 2000), 1, paced=True, pause_us=3000)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_worker(tmp_path_factory.mktemp("worker"))


@pytest.fixture(autouse=True)
def nothing_left() -> object:
    before = set(SHARED_MEMORY.iterdir())
    yield
    ours = f"_ch{10_000_000 + os.getpid() % 4_194_304 * 100}"[:-2]
    assert [path.name for path in set(SHARED_MEMORY.iterdir()) - before if ours in path.name] == []


def test_a_paced_block_tells_all_that_is_measured(program: Path) -> None:
    frames, readers, settling, pause_s = 60, 2, 10, 0.01
    begin_s = time.monotonic()
    block = run_block(program, LIBRARY, BlockPlan(standard(frames, 1 / pause_s), readers, paced=True))
    seconds = time.monotonic() - begin_s
    assert block.faults() == {}
    assert (block.written, block.refused, block.dropped) == (frames, 0, 0)
    assert [reader.received + reader.missed for reader in block.readers] == [frames] * readers
    assert len(block.write_ns) == frames - settling
    assert 0 < len(block.latency_ns) <= readers * (frames - settling)
    assert min(block.latency_ns) > 0
    # Of the whole run: a first counted frame that is late shortens elapsed_ns.
    assert seconds > (frames - 1) * pause_s
    assert 0 < block.elapsed_ns < seconds * 1e9
    for tally in (block.writer, *block.readers):
        assert tally.cpu_ns and tally.switches is not None and tally.pss_bytes and tally.descriptors
        assert tally.system_calls is None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, or ulimit -r 1")
def test_its_processes_run_ahead_of_other_programs(program: Path) -> None:
    def of_block() -> list[int]:
        return [child.pid for child in psutil.Process().children(recursive=True) if child.name() == program.name]

    plan = BlockPlan(standard(1500, 500), READERS, paced=True, real_time=True)
    with ThreadPoolExecutor(1) as pool:
        block = pool.submit(run_block, program, LIBRARY, plan)
        wait_until(lambda: len(of_block()) == 1 + 1 + READERS, "the worker, a writer and readers run")
        assert {os.sched_getscheduler(pid) for pid in of_block()} == {os.SCHED_FIFO}
        assert block.result().real_time and block.result().faults() == {}


def test_where_it_may_not_run_ahead_it_says_so(program: Path) -> None:
    command = ["prlimit", "--rtprio=0", str(program)]
    if os.geteuid() == 0:
        command = ["setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice", *command]
    plan = BlockPlan(standard(60, 500), READERS, paced=True, real_time=True)
    channel = free_channel()
    try:
        block = run_worker(command, "refused", plan, channel, os.environ | {"VSHM_LIBRARY": str(LIBRARY)})
    finally:
        remove_channel(channel)
    assert not block.real_time and block.faults() == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, or ulimit -r 1")
def test_a_library_that_never_sleeps_does_not_take_the_host(program: Path) -> None:
    plan = BlockPlan(standard(200_000, 500), 0, real_time=True)
    channel = free_channel()
    command = ["prlimit", "--rttime=50000:unlimited", str(program)]
    try:
        with pytest.raises(BlockError, match=f"signal {signal.SIGXCPU}"):
            run_worker(command, "sleepless", plan, channel, os.environ | {"VSHM_LIBRARY": str(LIBRARY)})
    finally:
        remove_channel(channel)


def test_system_calls_are_counted(program: Path) -> None:
    block = run_block(program, LIBRARY, BlockPlan(standard(60, 200), 1, paced=True, traced=True))
    writer, reader = block.writer, block.readers[0]
    assert writer.system_calls is not None and reader.system_calls is not None
    # The wake, and the worker's own pause where it is in time; a reader's wait, where it has to wait.
    assert writer.frames <= writer.system_calls <= 4 * writer.frames
    assert 0 < reader.system_calls <= 3 * reader.frames


def test_readers_go_on_with_the_writer_that_follows(program: Path) -> None:
    block = run_block(program, LIBRARY, BlockPlan(standard(60, 500), 2, paced=True, kill_after=25))
    assert block.recovery_ns is not None and block.recovery_ns > 0
    assert block.faults() == {}


def test_a_slow_reader_misses_frames_and_the_books_balance(program: Path) -> None:
    block = run_block(program, LIBRARY, MISSING)
    assert block.readers[0].missed > 0
    assert block.faults() == {}


def test_an_unpaced_block_runs_into_its_reader_unharmed(program: Path) -> None:
    assert run_block(program, LIBRARY, BlockPlan(standard(20_000, 1000), 1, stride=FINE)).faults() == {}


def test_frames_in_no_account_are_seen(program: Path, tmp_path: Path) -> None:
    library = build_defect(ROOT, DEFECTS["missed_not_counted"], tmp_path)
    assert "unaccounted" in run_block(program, library, MISSING).faults()


def test_bytes_in_the_middle_are_looked_at(program: Path, tmp_path: Path) -> None:
    """A frame whose begin and end are right, and whose middle is not."""
    shutil.copytree(ROOT / "lib", tmp_path / "lib")
    source = tmp_path / "lib" / "src" / "producer_write.c"
    copied = "\tshared_copy_in(payload, data, size);\n"
    assert copied in source.read_text()
    source.write_text(source.read_text().replace(copied, f"{copied}\tmemset(payload + size / 2, 0, {FINE});\n"))
    library = build(tmp_path / "lib", tmp_path / "build")
    block = run_block(program, library, BlockPlan(standard(30, 500), 1, paced=True, stride=FINE))
    assert block.faults()["torn"] == block.readers[0].received > 0


def test_a_library_that_has_the_original_calls_only_is_measured(program: Path, tmp_path: Path) -> None:
    """An older baseline: whatever came later is not asked for."""
    names = [f"video_shm_producer_{call}" for call in ("init", "init_channel", "write", "destroy")]
    names += [f"video_shm_consumer_{call}" for call in ("init", "init_channel", "read", "wait", "stats", "destroy")]
    old, script = tmp_path / "old.so", tmp_path / "old.map"
    script.write_text(f"{{ global: {'; '.join(names)}; local: *; }};")
    objects = sorted((BUILD / "CMakeFiles" / "video_shm_objects.dir" / "src").glob("*.o"))
    command: list[str | Path] = ["cc", "-shared", "-pthread", f"-Wl,--version-script={script}", "-o", old, *objects]
    subprocess.run(command, check=True, timeout=60)
    assert inspect_library("old", old, None).symbols == set(names)
    block = run_block(program, old, BlockPlan(standard(60, 500), 2, paced=True, kill_after=25))
    assert block.faults() == {} and block.recovery_ns


def test_a_library_that_is_none_is_reported(program: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.so"
    broken.write_bytes(b"no library")
    with pytest.raises(BlockError, match="can't load VSHM_LIBRARY"):
        run_block(program, broken, BlockPlan(standard(20, 500), 1))


@pytest.mark.parametrize("text", ["{}", "[]", '{"latency_ns": 1}', "no json"])
def test_what_the_worker_never_prints_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Block.parse(text, complete=True)
