# SPDX-License-Identifier: Apache-2.0
"""The recorder among the examples: each of its files plays by itself."""

from pathlib import Path
from threading import Thread

import pytest
from coded_streams import BEGIN_NS, FRAME_NS, KINDS, PERIOD, Unit, put, units
from encoded import decoded
from sets_once import without_sets
from writers import wait_until

from vshm_ctypes import Producer
from vshm_ctypes.examples.recorder import record


@pytest.mark.parametrize("kind", ["h264", "h265"])
def test_each_file_plays_though_parameter_sets_came_once(ring: str, tmp_path: Path, kind: str) -> None:
    codec, (first, *others) = KINDS[kind][0], units(kind)
    with Producer(ring, slots=100) as producer:

        def write(unit: Unit) -> None:
            put(producer, unit, codec, BEGIN_NS + unit.number * FRAME_NS)

        write(first)
        recorder = Thread(target=record, args=(ring, tmp_path, 0, 100))
        recorder.start()
        wait_until(lambda: any(tmp_path.iterdir()), "it has begun")
        for unit in others:
            write(unit._replace(data=without_sets(unit.data, codec)))
        producer.close()
        recorder.join()
    files = sorted(tmp_path.iterdir(), key=lambda path: path.name.rpartition("-")[2])
    assert len(files) > 2
    levels = [level for file in files for _, level in decoded(str(file))]
    assert levels == [number % 20 for number in range(PERIOD)]
