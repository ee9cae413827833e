# SPDX-License-Identifier: Apache-2.0
"""What the gate asks by yes or no: this library keeps all of it, and others are found out."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from gate_builds import older
from gate_channels import nothing_is_left_but, orphans
from wrappers import LIBRARY, wrapped
from writers import ROOT

pytest.importorskip("scipy", reason="no scipy for this processor")


from promise_output import said

from hil.gate.asking import ask, promise_rows
from hil.gate.defects import build_defect, read_defects
from hil.gate.libraries import Library
from hil.gate.promises import PROMISES
from hil.gate.result import RowVerdict
from hil.processes.environment import child_environment

THIS = Library("this", LIBRARY, None, frozenset(), None)
DEFECTS = {defect.name: defect for defect in read_defects(ROOT)}
# Some of them; all are tried by hil gate --self-test.
PLANTED = ["descriptor_leaked_per_attach", "hold_not_released_at_death", "stamp_checked_before_copy_only"]
if os.environ.get("VIDEO_SHM_LONG"):
    PLANTED = [name for name, defect in DEFECTS.items() if set(defect.seen_by) & set(PROMISES)]

HANGING = """\
#include <unistd.h>
#define HANG(name) int name(void) { for (;;) pause(); }
HANG(video_shm_consumer_acquire) HANG(video_shm_consumer_receive) HANG(video_shm_consumer_wait)
"""
VERSION_PROMISE = "video_shm_version returns MAJOR.MINOR.PATCH, always at the same address."
CRASHING = "int video_shm_consumer_wait(void) { __builtin_trap(); }\n"


def running_with(library: Path) -> list[int]:
    """Return the processes that have the library loaded."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdecimal() and str(library) in (folder / "maps").read_text():
                found.append(int(folder.name))
    return found


def test_this_library_keeps_all_that_can_be_asked() -> None:
    answers = ask(list(PROMISES), LIBRARY)
    assert set(answers) == set(PROMISES)
    assert {name: told.broken for name, told in answers.items() if told.broken} == {}


def test_each_promise_is_a_sentence_on_one_line() -> None:
    """It is printed alone: no list of errors, and no half of a sentence that its name begins."""
    sentence = re.compile(r"(?!E[A-Z]{3})[A-Za-z/][^\n]*\w\.")
    meanings = {name: promise.meaning for name, promise in PROMISES.items()}
    fragments = {name for name, told in meanings.items() if len(told.split()) < 6 or not sentence.fullmatch(told)}
    assert fragments == set()


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_defect_breaks_its_promise(tmp_path: Path, name: str) -> None:
    library = build_defect(ROOT, DEFECTS[name], tmp_path)
    seen_by = [seen for seen in DEFECTS[name].seen_by if seen in PROMISES]
    assert any(told.broken for told in ask(seen_by, library).values())


def test_an_older_library_is_asked_what_it_has(tmp_path: Path) -> None:
    old = older(tmp_path)
    names = ["numbers_frames_from_nought", "keeps_tokens_few", "tells_a_rings_figures", "exports_every_call"]
    answers = ask(names, old)
    assert [answers[name].broken for name in names[:3]] == [[], [], []]
    assert answers["tells_a_rings_figures"].unasked.startswith("the library has no video_shm_")
    assert "video_shm_producer_open: expected there, seen absent" in answers["exports_every_call"].broken
    partly = "refuses_a_writer_that_is_null"
    by_others = "takes_a_ring_over_as_the_format_says"  # it is another process that makes the call
    answers = ask([partly, by_others], old)
    assert answers[partly].broken == answers[by_others].broken == []
    assert answers[partly].unasked.startswith("the library has no video_shm_producer_abort, video_shm_")
    assert answers[by_others].unasked == "the library has no video_shm_producer_open"
    rows = {row.name: row for row in promise_rows(names, replace(THIS, label="old", path=old), THIS)}
    assert {row.verdict for row in rows.values()} == {RowVerdict.SAME}
    # What only the candidate has is asked of it, and is no regression against a baseline without it.
    rows = {row.name: row for row in promise_rows(names, THIS, replace(THIS, label="old", path=old))}
    assert rows["tells_a_rings_figures"].verdict is RowVerdict.UNMEASURED
    assert rows["exports_every_call"].verdict is RowVerdict.WORSE


def test_of_a_promise_that_hangs_nobody_and_nothing_is_left(tmp_path: Path) -> None:
    """Its writer is another process, which would wait for ever."""
    hanging, before = wrapped(tmp_path, HANGING), orphans()
    (told,) = ask(["tells_readers_of_its_death"], hanging, limit_s=2.0).values()
    assert told.broken == ["no end after 2 s"] and told.hung
    assert not running_with(hanging)
    nothing_is_left_but(before)


def test_a_library_that_always_hangs_is_not_waited_for_each_time(tmp_path: Path) -> None:
    names = [name for name in PROMISES if name.startswith(("tells_", "goes_", "gives_", "starts_", "serves_"))]
    answers = ask(names, wrapped(tmp_path, HANGING), limit_s=1.0)
    assert set(answers) == set(names)
    hung = sum(told.hung for told in answers.values())
    assert any("never came to an end" in told.unasked for told in answers.values())
    assert 4 <= hung < len(names) / 2


def test_a_crash_is_told_with_its_signal(tmp_path: Path) -> None:
    crashing, before = wrapped(tmp_path, CRASHING), orphans()
    (told,) = ask(["numbers_frames_from_nought"], crashing).values()
    assert told.broken[-1] in {f"crashed by signal {int(number)}" for number in (signal.SIGILL, signal.SIGTRAP)}
    nothing_is_left_but(before)


def test_a_library_that_can_not_be_loaded_keeps_no_promise(tmp_path: Path) -> None:
    broken = tmp_path / "broken.so"
    broken.write_bytes(b"no library")
    bad = Library("that", broken, None, frozenset(), None)
    (row,) = promise_rows(["starts_where_it_is_told"], THIS, bad)
    assert row.verdict is RowVerdict.WORSE and "can't load" in row.detail
    (row,) = promise_rows(["starts_where_it_is_told"], bad, bad)
    assert row.verdict is RowVerdict.AS_BEFORE


def test_what_is_broken_is_told_with_all_that_is_needed(tmp_path: Path) -> None:
    """The promise, what was expected and seen, and how it is seen alone."""
    wrong = wrapped(tmp_path, 'const char *video_shm_version(void) { return "one"; }\n')
    (row,) = promise_rows(["tells_its_version"], THIS, replace(THIS, path=wrong, label="./wrong.so"))
    assert row.verdict is RowVerdict.WORSE
    assert row.detail.startswith(f"{VERSION_PROMISE} one is MAJOR.MINOR.PATCH: expected True, seen False")
    assert row.detail.endswith("(alone: hil gate promise tells_its_version --library ./wrong.so)")


def test_what_a_library_prints_is_found_and_is_no_answer(tmp_path: Path) -> None:
    """It may print even while it is loaded."""
    source = (
        '#include <unistd.h>\n__attribute__((constructor)) static void chat(void) { if (write(1, "{}\\n", 3)) {} }\n'
    )
    answers = ask(["prints_nothing", "tells_its_version"], wrapped(tmp_path, source))
    assert answers["prints_nothing"].broken == [r"what is on stdout and stderr: expected b'', seen b'{}\n'"]
    assert answers["tells_its_version"].broken == []


def test_one_promise_can_be_seen_alone(tmp_path: Path) -> None:
    code, text = said("tells_its_version", "--library", str(LIBRARY))
    assert code == 0 and text.startswith("tells_its_version: kept, ")
    assert f"    asked: {VERSION_PROMISE}\n" in text
    assert '    promised: video_shm.h, video_shm_version: "MAJOR.MINOR.PATCH", static.' in text
    wrong = wrapped(tmp_path, 'const char *video_shm_version(void) { return "1.2"; }\n')
    code, text = said("tells_its_version", "--library", str(wrong))
    assert code == 1 and "1.2 is MAJOR.MINOR.PATCH: expected True, seen False" in text
    with pytest.raises(ValueError, match="no promise colours: there are "):
        said("colours", "--library", str(LIBRARY))


def test_the_asking_can_be_broken_off(tmp_path: Path) -> None:
    """Whoever started it may end it, and it ends what is at work."""
    hanging, before = wrapped(tmp_path, HANGING), orphans()
    command = [sys.executable, "-m", "hil.gate.promises", "40", str(hanging), str(hanging)]
    command += ["tells_its_version", "numbers_frames_from_nought"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=child_environment()) as asking:
        assert asking.stdout is not None and "tells_its_version" in asking.stdout.readline()
        asking.terminate()
        assert asking.wait(20) == 1
    assert not running_with(hanging)
    nothing_is_left_but(before)
