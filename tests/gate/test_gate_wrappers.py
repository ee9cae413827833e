# SPDX-License-Identifier: Apache-2.0
"""Libraries that are none by themselves: wrappers, archives, programs, and what this host can't load."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from wrappers import (
    BY_ORDER,
    BY_PATH,
    FORWARD,
    HEAD,
    LIBRARY,
    RESOLVED,
    SONAME,
    by_path,
    compiled,
    forwarding,
    needing,
    wrapped,
)
from writers import BUILD

pytest.importorskip("scipy", reason="no scipy for this processor")

from gate_builds import ORIGINAL
from gate_host import Host
from promise_output import said

from hil.gate.asking import ask, promise_rows
from hil.gate.correctness import static_rows, wrapper_remarks
from hil.gate.libraries import LibraryError, inspect_library, obtain
from hil.gate.promises import PROMISES, in_c
from hil.gate.promises.header import read_header
from hil.gate.render import summary
from hil.gate.result import Answer, Result, RowVerdict
from hil.gate.session import Session
from hil.host.board import find_board
from hil.processes.environment import child_environment

VERSION = 'const char *video_shm_version(void) { return "one"; }\n'
HERE = inspect_library("here", LIBRARY, None)
SOME = ["numbers_frames_from_nought", "keeps_a_frame_that_the_buffer_is_too_small_for", "refuses_a_second_writer"]
NOTHING = "typedef int nothing;\n"


def made(folder: Path, how: str) -> Path:
    """Return a wrapper of that kind, or a copy of the library without symbols."""
    if how == "by path":
        return by_path(folder)
    if how == "by order":
        return compiled(folder, "by_order", forwarding(BY_ORDER), *needing(LIBRARY))
    if how == "resolved":
        looked_up = BY_PATH.format(library=LIBRARY)
        return compiled(folder, "resolved", forwarding(looked_up, each=RESOLVED))
    if how == "needed":
        return wrapped(folder, NOTHING)
    stripped = Path(shutil.copy2(LIBRARY, folder / "stripped.so"))
    subprocess.run(["strip", "--strip-all", stripped], check=True, timeout=60)
    if how == "without sections":
        drop_sections(stripped)
    return stripped


def drop_sections(library: Path) -> None:
    """Set e_shoff, e_shnum and e_shstrndx of a 64-bit ELF file to 0, as some packers do."""
    content = bytearray(library.read_bytes())
    content[40:48] = bytes(8)
    content[60:64] = bytes(4)
    library.write_bytes(content)


def test_whoever_asks_has_loaded_no_library_yet() -> None:
    """A library of the same soname would be taken for the one that a wrapper needs."""
    program = "import sys, hil.gate.promises, hil.gate.promises.troupe; sys.exit('vshm_ctypes' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, env=child_environment())


def test_a_wrapper_is_asked_with_the_library_that_it_needs(tmp_path: Path) -> None:
    """It must not get the one of the same soname that is in use here."""
    other = compiled(tmp_path, "other", VERSION, f"-Wl,-soname,{SONAME}")
    (tmp_path / "lib").mkdir()
    needed = Path(shutil.copy(other, tmp_path / "lib" / SONAME))
    wrapper = compiled(tmp_path, "wrapper", NOTHING, *needing(needed))
    (told,) = ask(["tells_its_version"], wrapper).values()
    assert told.broken == ["one is MAJOR.MINOR.PATCH: expected True, seen False"]
    (told,) = ask(["tells_its_version"], wrapped(tmp_path, NOTHING, LIBRARY)).values()
    assert told.broken == []


@pytest.mark.parametrize("how", ["by path", "by order", "resolved", "needed", "stripped", "without sections"])
def test_what_gives_all_calls_is_no_regression(tmp_path: Path, how: str) -> None:
    """It is none in its exports, its size or its promises; nor is the library one against it."""
    wrapper = inspect_library(how, made(tmp_path, how), None)
    is_wrapper = not how.startswith(("stripped", "without"))
    assert wrapper.symbols >= set(read_header().calls)
    assert wrapper.beside == ((LIBRARY,) if is_wrapper else ())
    assert wrapper.obstacle == ""
    for baseline, candidate in ((HERE, wrapper), (wrapper, HERE)):
        assert {row.verdict for row in static_rows(baseline, candidate)} == {RowVerdict.SAME}
    expected = [f"{how} passes calls on to {LIBRARY}: they are asked and measured as one"] if is_wrapper else []
    assert wrapper_remarks(HERE, wrapper) == expected
    assert {row.verdict for row in promise_rows(SOME, HERE, wrapper)} == {RowVerdict.SAME}


EATING = """int got = next(consumer, data, capacity, meta, timeout_ms);
    if (got < 0 && errno == EMSGSIZE) {
        static unsigned char larger[1 << 20];
        next(consumer, larger, sizeof larger, meta, 0);
        errno = EMSGSIZE;
    }
    return got;"""
FORGETTING = "int made = next(producer, options); errno = 0; return made;"
WIDENING = """video_frame_meta_t other = {0};
    if (meta == NULL)
        return next(producer, size, meta, timing);
    other = *meta;
    other.width++;
    return next(producer, size, &other, timing);"""
DEFECTS = [
    ("producer_commit", WIDENING, "passes_test_metadata"),
    ("consumer_receive", EATING, "keeps_a_frame_that_the_buffer_is_too_small_for"),
    ("producer_open", FORGETTING, "refuses_a_second_writer"),
]


@pytest.mark.parametrize(("call", "body", "seen_by"), DEFECTS)
def test_a_defect_of_a_wrapper_is_found(tmp_path: Path, call: str, body: str, seen_by: str) -> None:
    wrapper = inspect_library("wrapper", by_path(tmp_path, {f"video_shm_{call}": body}), None)
    (row,) = promise_rows([seen_by], HERE, wrapper)
    assert row.verdict is RowVerdict.WORSE


def test_a_call_that_is_lost_is_named_and_one_that_is_new_too(tmp_path: Path) -> None:
    script = tmp_path / "map"
    script.write_text("{ global: video_shm_*; local: video_shm_inspect; };\n")
    less = compiled(tmp_path, "less", forwarding(BY_PATH.format(library=LIBRARY)), f"-Wl,--version-script={script}")
    wrapper = inspect_library("less", less, None)
    (symbols, _) = static_rows(HERE, wrapper)
    assert symbols.verdict is RowVerdict.WORSE and symbols.detail.startswith("gone: video_shm_inspect;")
    (symbols, _) = static_rows(wrapper, HERE)
    assert symbols.verdict is RowVerdict.SAME and symbols.detail == "new: video_shm_inspect"
    (row,) = promise_rows(["tells_a_rings_state"], HERE, wrapper)
    assert row.verdict is RowVerdict.UNMEASURED and row.detail == "not asked: the library has no video_shm_inspect"


def test_what_is_broken_in_a_call_that_the_baseline_lacks_is_new(tmp_path: Path) -> None:
    old = compiled(tmp_path, "old", f"void {'(void){} void '.join(ORIGINAL)}(void) {{}}\n")
    wrong = wrapped(tmp_path, VERSION)
    (row,) = promise_rows(
        ["tells_its_version"], inspect_library("old", old, None), inspect_library("wrong", wrong, None)
    )
    assert row.verdict is RowVerdict.NEW and "expected True, seen False" in row.detail


def test_versions_of_symbols_are_told(tmp_path: Path) -> None:
    """A program linked with the baseline starts without any, but not with other ones."""
    script = tmp_path / "map"
    script.write_text("VIDEO_SHM_9 { global: video_shm_*; local: *; };\n")
    looked_up = BY_PATH.format(library=LIBRARY)
    plain = inspect_library("plain", compiled(tmp_path, "plain", forwarding(looked_up)), None)
    (symbols, _) = static_rows(HERE, plain)
    assert symbols.verdict is RowVerdict.SAME and symbols.detail.startswith("no versions: ")
    other = compiled(tmp_path, "other", forwarding(looked_up), f"-Wl,--version-script={script}")
    (symbols, _) = static_rows(HERE, inspect_library("other", other, None))
    assert symbols.verdict is RowVerdict.WORSE
    assert symbols.detail.startswith("gone, versions of symbols: VIDEO_SHM_1.0")


@pytest.mark.parametrize("name", [*in_c.SHARED, *(f"test_{suite}" for suite in in_c.SUITES)])
def test_c_tests_that_any_library_is_asked_need_the_public_header_alone(name: str) -> None:
    folders = in_c.TESTS, in_c.SUPPORT
    files = [file for folder in folders for file in folder.glob(f"{name}.[ch]")]
    assert files
    for file in files:
        included = re.findall(r'^#include "(.+)"', file.read_text(), re.MULTILINE)
        foreign = [name for name in included if not any((folder / name).exists() for folder in folders)]
        assert foreign in ([], ["video_shm.h"])


def test_c_tests_are_asked_of_a_wrapper_and_say_what_an_older_library_lacks(tmp_path: Path) -> None:
    names = ["passes_test_metadata", "passes_test_joining"]
    answers = ask(names, wrapped(tmp_path, NOTHING))
    assert [(answers[name].broken, answers[name].unasked) for name in names] == [([], "")] * 2
    (told,) = ask(["passes_test_metadata"], compiled(tmp_path, "none", NOTHING)).values()
    assert told.broken == [] and told.unasked.startswith("the library has no video_shm_")


# ---- what is linked first ----


def test_an_archive_is_linked_and_asked(tmp_path: Path) -> None:
    archive = tmp_path / "libvideo_shm.a"
    objects = sorted((BUILD / "CMakeFiles" / "video_shm_objects.dir" / "src").glob("*.o"))
    subprocess.run(["ar", "rcs", archive, *objects], check=True, timeout=60)
    library = obtain(str(archive), None, tmp_path / "linked")
    assert library.label == str(archive) and library.symbols >= set(read_header().calls)
    assert [row.verdict for row in promise_rows(SOME, HERE, library)] == [RowVerdict.SAME] * len(SOME)
    archive.write_text("nothing")
    with pytest.raises(LibraryError, match=r"linking .*libvideo_shm\.a: "):
        obtain(str(archive), None, tmp_path / "again")


@pytest.mark.parametrize("moved", [False, True])
def test_what_stands_in_front_by_preloading_is_asked_in_its_order(tmp_path: Path, moved: bool) -> None:
    """This holds even if the loader does not find the library by its soname."""
    library = Path(shutil.copy(LIBRARY, tmp_path / "moved.so")) if moved else LIBRARY
    source = f"{HEAD}#include <video_shm.h>\n" + FORWARD.format(
        result="int",
        name="video_shm_producer_open",
        given="video_shm_producer_t *producer, const video_shm_producer_options_t *options",
        body=FORGETTING,
    ).replace("real(", "dlsym(RTLD_NEXT, ")
    shim = compiled(tmp_path, "shim", source)
    both = obtain(f"{shim}:{library}", None, tmp_path / "linked")
    assert set(both.beside) == {shim, library}
    assert {row.verdict for row in static_rows(HERE, both)} == {RowVerdict.SAME}
    rows = {row.name: row.verdict for row in promise_rows([SOME[0], "refuses_a_second_writer"], HERE, both)}
    assert rows == {SOME[0]: RowVerdict.SAME, "refuses_a_second_writer": RowVerdict.WORSE}


def test_preloading_that_would_be_passed_by_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = compiled(tmp_path, "shim", VERSION)
    monkeypatch.setenv("LD_PRELOAD", f"{compiled(tmp_path, 'other', NOTHING)} {shim}")
    with pytest.raises(LibraryError, match=f"unset it, and give {shim}:{LIBRARY}"):
        obtain(str(LIBRARY), None, tmp_path)


# ---- what this host can't load ----


def unloadable(folder: Path, how: str) -> tuple[Path, str]:
    """Return a file, and why it can't be asked."""
    if how == "musl":
        compiler, why = "musl-gcc", "it needs another C library than the Python here has, libc.so"
    elif how == "processor":
        compiler, why = "aarch64-linux-gnu-gcc", "it is of another processor, AArch64"
    else:
        compiler, why = "cc", "it is a program, which can't be loaded: give the library that is in it"
    if shutil.which(compiler) is None:
        pytest.skip(f"needs {compiler}")
    if not how.startswith("program"):
        return compiled(folder, how, VERSION, compiler=compiler), why
    (folder / "program.c").write_text(f"{VERSION}int main(void) {{ return 0; }}\n")
    exports = ["-rdynamic"] if how == "program that exports" else []
    subprocess.run(["cc", *exports, "-o", folder / how, folder / "program.c"], check=True, timeout=60)
    return folder / how, why


@pytest.mark.parametrize("how", ["musl", "processor", "program that exports", "program"])
def test_what_can_not_be_loaded_is_said(tmp_path: Path, how: str) -> None:
    """The reason is there in words and JSON, and exit code 3; it is no regression, and no success."""
    path, why = unloadable(tmp_path, how)
    code, text = said("tells_its_version", "prints_nothing", "--library", str(path))
    assert code == 3 and f"0 kept, 0 broken, 2 not asked; 2 because {why}" in text
    bad = inspect_library("that", path, None)
    for baseline, candidate in ((HERE, bad), (bad, HERE)):
        result = Session(Path("worker"), baseline, candidate, find_board("generic"), 60, run_one=Host().run).run()
        assert result.answer is Answer.INVALID
        assert f"nothing can be said: that: {why}" in summary(result)
        assert "; promises: none asked; not asked: " in summary(result)
        result.write(tmp_path / "gate.json")
        ((reason, names),) = json.loads((tmp_path / "gate.json").read_text())["promises"]["unasked"].items()
        assert reason.startswith(f"that: {why}") and names == list(PROMISES)
        assert Result.read(tmp_path / "gate.json").asked == result.asked
