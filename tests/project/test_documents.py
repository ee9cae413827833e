# SPDX-License-Identifier: Apache-2.0
"""The documents: links lead somewhere, what they list is all that there is, and their programs do what they say."""

import ast
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from documents import PAGES, REFERENCE, broken_links, every_markdown_file, missing_paths
from header import DECLARATIONS, ENUMS, STRUCTS
from import_order import COMMANDS, FLOORS
from writers import ROOT

import vshm_ctypes
from vshm_ctypes import bitstream, errors

DOC = ROOT / "lib" / "doc"
MOST_GLOSSARY_LINES = 30


def section(page: str, heading: str) -> str:
    return (DOC / page).read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


# ---- links and paths ----


@pytest.mark.parametrize("page", every_markdown_file(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert broken_links(page, page.read_text()) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_that_is_named_is_there(page: Path) -> None:
    assert missing_paths(page, page.read_text()) == []


@pytest.mark.parametrize("link", ["[x](nowhere.md)", "[x](README.md#nowhere)", "[x](#nowhere)", "![x](nowhere.svg)"])
def test_a_broken_link_is_found(link: str) -> None:
    assert broken_links(ROOT / "CHANGELOG.md", f"# Somewhere\n{link}, [y](#somewhere)") != []


@pytest.mark.parametrize("path", ["`lib/src/nothing.c`", "`tests/test_nothing_*.py`", "`hil/nothing/`"])
def test_a_missing_path_is_found(path: str) -> None:
    assert missing_paths(ROOT / "README.md", f"in {path} and `lib/src/`") != []


# ---- what is listed is all that there is ----


def finding_codes() -> set[str]:
    """Return all finding codes in the code of vshm check."""
    found = set()
    for path in (ROOT / "vshm_ctypes").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
                assert isinstance(node.args[0], ast.Constant), f"{path}:{node.lineno}: a code is a word of the source"
                found.add(str(node.args[0].value))
    return found


def test_every_finding_has_its_section_and_no_section_is_left_over() -> None:
    sections = re.findall(r"^### (\S+)$", (DOC / "TROUBLESHOOTING.md").read_text(), re.MULTILINE)
    assert len(sections) == len(set(sections))
    assert set(sections) == finding_codes()


def test_every_error_has_its_row() -> None:
    there = {name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, OSError)}
    assert set(re.findall(r"^\| `(\w+)` \|", section("TROUBLESHOOTING.md", "Errors"), re.MULTILINE)) == there


def files(text: str) -> list[str]:
    """Return the names in the last cells of its tables."""
    cells = [line.rstrip("|").rpartition("|")[2] for line in text.splitlines() if line.startswith("|")]
    return re.findall(r"`(\w+)`", "".join(cells))


def test_every_python_test_is_in_the_map_once_in_its_room() -> None:
    rooms = re.split(r"^### tests/(\w+)/.*\n", section("TESTS.md", "tests/: Python, no camera"), flags=re.MULTILINE)[1:]
    listed = [
        f"{room}/test_{name}.py" for room, table in zip(rooms[::2], rooms[1::2], strict=True) for name in files(table)
    ]
    there = [f"{path.parent.name}/{path.name}" for path in (ROOT / "tests").glob("*/test_*.py")]
    assert sorted(listed) == sorted(there)


def test_every_c_test_is_in_the_map_once() -> None:
    listed = files(section("TESTS.md", "lib/tests/: C"))
    there = [path.stem.removeprefix("test_") for path in (ROOT / "lib" / "tests").glob("test_*.c")]
    elements = (ROOT / "lib" / "gstreamer" / "tests").glob("test_*.c")
    there += [path.stem.replace("test_", "gstreamer_") for path in elements]
    assert len(listed) == len(set(listed))
    assert [name for name in there if not any(one == name or one.startswith(f"{name}_") for one in listed)] == []


def test_every_test_of_the_suite_is_in_the_map() -> None:
    listed = re.findall(r"^\| `(test_\w+\.py)` \|", section("TESTS.md", "hil/suite/: a camera"), re.MULTILINE)
    assert sorted(listed) == sorted(path.name for path in (ROOT / "hil" / "suite").glob("test_*.py"))


def test_every_stage_of_ci_test_has_its_time() -> None:
    told = subprocess.run([ROOT / "ci" / "test", "--list"], capture_output=True, text=True, check=True).stdout
    listed = re.findall(r"^\| `([\w-]+)` \|", section("CONTRIBUTING.md", "The stages of ci/test"), re.MULTILINE)
    assert sorted(listed) == sorted(line.split()[0] for line in told.splitlines())


def test_the_seconds_of_the_map_are_sums_over_its_rows(tmp_path: Path) -> None:
    times = runpy.run_path(str(ROOT / "ci" / "test_times.py"))
    case = '<testcase classname="tests.test_{}" time="{}"/>'
    report, costs = tmp_path / "pytest.xml", tmp_path / "costs"
    report.write_text(
        f"<testsuites>{case.format('sync', 1.5)}{case.format('sync', 2)}{case.format('abi', 4)}</testsuites>"
    )
    costs.write_text("ring 3 0.25\ncursor 1 7\n---\nring\n")
    assert times["python_seconds"](report) == {"sync": 3.5, "abi": 4}
    assert times["c_seconds"](costs) == {"ring": 0.25, "cursor": 7}
    text = "| One | guards | 9 | `sync`, `abi` |\n| Two | guards | | `ring` |\n"
    filled = times["filled"](text, {"sync": 3.5, "abi": 4})
    assert filled == "| One | guards | 8 | `sync`, `abi` |\n| Two | guards | 0 | `ring` |\n"


def test_the_glossary_is_short_and_has_each_word_once() -> None:
    lines = [line for line in section("ARCHITECTURE.md", "Glossary").splitlines() if line.startswith("- ")]
    words = [word for line in lines for word in re.findall(r"\*\*([^*]+)\*\*", line)]
    assert len(lines) <= MOST_GLOSSARY_LINES
    assert len(words) == len(set(words)) >= len(lines)


def test_every_file_that_a_layer_is_said_to_have_is_there() -> None:
    layers = section("ARCHITECTURE.md", "Who may use whom").partition("| layer |")[2].splitlines()[2:]
    names = [name for line in layers for name in re.findall(r"`(\w+)`", line.split("|")[2])]
    assert len(names) > 20
    assert [name for name in names if not any((ROOT / "lib" / "src").glob(f"{name}.[ch]"))] == []


def test_every_package_has_its_row_from_the_top_down() -> None:
    told = section("ARCHITECTURE.md", "Who may use whom")
    order = [
        re.findall(r"`(hil/\w+|vshm_ctypes/\w+)/`", line.split("|")[1]) for line in told.splitlines() if "/` |" in line
    ]
    rooms = [{room.removeprefix("hil/") for room in row} for row in order if row[0].startswith("hil/")]
    assert rooms == list(reversed(FLOORS))
    commands = [row[0].removeprefix("vshm_ctypes/") for row in order if row[0].startswith("vshm_ctypes/")]
    assert commands == [*reversed(COMMANDS), "bitstream"]


IN_RESULTS = {  # what PEERS.md calls otherwise
    "this library, borrowed": "video-shm borrow",
    "this library": "video-shm",
    "pipes": "pipe",
    "`multiprocessing.shared_memory`": "shared_memory",
    "GStreamer's `shmsink`": "gstreamer shm",
}


def p50_of(case: str) -> dict[str, str]:
    """Return the median latency of each peer in a case, as RESULTS.md has it."""
    results = (ROOT / "hil" / "bench" / "RESULTS.md").read_text()
    rows = results.partition(f"**{case}**")[2].partition("\n**")[0].splitlines()
    return {row[0]: row[7] for row in (re.split(r" *\| *", line.strip("| ")) for line in rows) if len(row) > 7}


def test_the_figures_of_the_comparison_are_those_of_its_results() -> None:
    frames, _, pictures = (DOC / "PEERS.md").read_text().partition("## Raw pictures")
    p50 = p50_of("512 KB, 4 receivers, 30 frames/s")
    for page, of_case in ((frames, p50), (pictures, p50_of("3.1 MB, 4 receivers, 30 frames/s, the newest only"))):
        told = dict(re.findall(r"^\| (.*?) \| (\d+ µs) \|$", page, re.MULTILINE))
        assert told == {name: of_case[IN_RESULTS.get(name, name.lower())] for name in told} and len(told) > 5
    page = frames + pictures
    assert re.findall(r"took (\d+ µs), of\s+which the futex floor is (\d+ µs)", page) == [
        (p50["video-shm in C"], p50["futex floor in C"])
    ]


# ---- the reference ----


def in_reference(directive: str) -> list[str]:
    """Return the names behind directives of that kind."""
    text = "\n".join(page.read_text() for page in REFERENCE)
    return re.findall(rf"^\.\. {directive}:: (\S+)$", text, re.MULTILINE)


def test_every_call_struct_and_enum_of_the_header_is_in_the_reference_once() -> None:
    assert sorted(in_reference("doxygenfunction")) == sorted(DECLARATIONS)
    structs = {name.removesuffix("_t") for name in STRUCTS}
    told = [*in_reference("doxygenstruct"), *(name.removesuffix("_t") for name in in_reference("doxygentypedef"))]
    assert sorted(told) == sorted(structs | {"video_shm_log"})
    assert sorted(in_reference("doxygenenum")) == sorted(ENUMS)


def test_every_public_name_of_the_binding_is_in_the_reference_once() -> None:
    public = {f"vshm_ctypes.{name}" for name in (*vshm_ctypes.__all__, *vshm_ctypes._OF_PACKAGES)}
    public |= {f"vshm_ctypes.bitstream.{name}" for name in bitstream.__all__ if name != "MAX_PENDING"}
    assert sorted(in_reference("auto(?:class|function|exception)")) == sorted(public)


def test_the_filter_for_doxygen_marks_what_belongs_to_code_and_nothing_else() -> None:
    header = ROOT / "lib" / "include" / "video_shm.h"
    command = [sys.executable, str(DOC / "as_doxygen.py"), str(header)]
    marked = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert marked.replace("/**<", "/*").replace("/**", "/*") == header.read_text()
    alone = re.findall(r"^[ \t]*/\*[^*](?:[^*]|\*(?!/))*\*/(?:\n.*)?", marked, re.MULTILINE)
    assert len(alone) > 5
    assert [one for one in alone if not re.search(r"----|SPDX|clang-format|\n$|\n/\*|\n#", one)] == []
    assert marked.count("/**") > 0.9 * header.read_text().count("/*")


def test_every_finding_about_others_has_its_row() -> None:
    folder = ROOT / "findings"
    listed = re.findall(r"^\| `([\w-]+)` \|", (folder / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(path.stem for path in folder.glob("*.sh"))
