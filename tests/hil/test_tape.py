# SPDX-License-Identifier: Apache-2.0
"""What a worker puts on its tape comes off it, all of it and in order."""

import threading
import time
from pathlib import Path

import pytest
from writers import WATCHDOG_S, wait_until

from hil.workers.tape import FRAME, RECORD, Tape, TapeRecorder


def add(recorder: TapeRecorder, number: int) -> None:
    recorder.add(number, 2, 3, 4, 5, 6, 7, FRAME)


def numbers(data: bytes) -> list[int]:
    return [record[0] for record in RECORD.iter_unpack(data)]


def test_records_come_in_order_around_the_end_too() -> None:
    tape = Tape(8)
    recorder = TapeRecorder(tape.path)
    taken: list[int] = []
    for number in range(50):
        add(recorder, number)
        taken += numbers(tape.take())
    taken += numbers(tape.take(ended=True))
    assert taken == list(range(50))
    assert tape.stalls == 0
    tape.close()
    tape.close()


def test_all_of_a_record_comes() -> None:
    tape = Tape(2)
    TapeRecorder(tape.path).add(2**64 - 1, 2, 3, 4, 5, 2**32 - 1, 7, FRAME)
    assert RECORD.unpack(tape.take(ended=True)) == (2**64 - 1, 2, 3, 4, 5, 2**32 - 1, 7, FRAME)
    tape.close()


def test_a_full_tape_holds_its_worker_up_and_tells_so() -> None:
    tape = Tape(4)
    recorder = TapeRecorder(tape.path)

    def work() -> None:
        for number in range(9):
            add(recorder, number)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    taken: list[int] = []
    wait_until(lambda: tape.stalls > 0, "the tape is full")
    deadline = time.monotonic() + WATCHDOG_S
    while len(taken) < 9 and time.monotonic() < deadline:
        taken += numbers(tape.take())
    worker.join(WATCHDOG_S)
    assert taken == list(range(9))
    tape.close()


@pytest.mark.parametrize("data", [b"", b"TAPE", bytes(4096)])
def test_what_is_no_tape_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "tape"
    path.write_bytes(data)
    with pytest.raises((ValueError, OSError)):
        TapeRecorder(str(path))


def test_a_capacity_that_does_not_wrap_well_is_refused() -> None:
    with pytest.raises(ValueError, match="power of two"):
        Tape(1000)
