# SPDX-License-Identifier: Apache-2.0
"""The pages that are files: bundle, gate, report, comparison, farm. They fit any window, and can be read on a phone."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
from browser import ChromiumPage
from bundles import bundle_of
from layout import SIZES, overflowing
from writers import ROOT

from hil.cli.main import main
from hil.farm.farm import BoardResult
from hil.farm.page import write_farm_page
from hil.farm.places import Place
from hil.gate.page import page as gate_page
from hil.gate.result import Answer, Result, Row, RowVerdict
from hil.report.compare import write_comparison
from hil.report.merge import load
from vshm_ctypes import Codec
from vshm_ctypes.cli.bundle.page import page_of

RUN = ROOT / "tests" / "runs" / "small.json"
LONG = "vshm_as_long_as_deployments_like_to_have_them_site_7_building_3_floor_2_corridor_east_camera_0042_main_stream"
LEAST_PX = 9  # of a letter in a picture
SMALL = """
    const size = (text) => parseFloat(getComputedStyle(text).fontSize)
        * (text.ownerSVGElement.getBoundingClientRect().width / text.ownerSVGElement.viewBox.baseVal.width || 1);
    return [...document.querySelectorAll("svg text")].filter((one) => one.checkVisibility()).map(size);"""
# Verdicts that are broken into several lines.
BROKEN = """
    const lines = (one) => one.getBoundingClientRect().height / parseFloat(getComputedStyle(one).fontSize);
    return [...document.querySelectorAll(".badge")].filter((one) => lines(one) > 2.5).length;"""
# Letters of an axis that lie on others.
ON_EACH_OTHER = """
    const boxes = (svg) => [...svg.querySelectorAll("text.mid, text.end")].map((one) => one.getBoundingClientRect());
    const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    return [...document.querySelectorAll("svg")].filter((one) => one.checkVisibility()).map(boxes)
        .flatMap((all) => all.filter((a, at) => all.slice(at + 1).some((b) => meet(a, b)))).length;"""


def bundle(folder: Path) -> Path:
    path = folder / "case.html"
    streams = {LONG: Codec.H264, "jpeg": Codec.JPEG, "hevc": Codec.H265}
    path.write_text(page_of(bundle_of(streams)))
    return path


def gate(folder: Path) -> Path:
    samples = [at / 200 for at in range(-20, 60)]
    rows = [
        Row("write_p50", "timed", RowVerdict.WORSE, "us", 10, 12, 1.2, 1.1, 1.3, 0.05, samples=samples),
        Row("read_p99_of_four_readers", "timed", RowVerdict.SAME, "us", 10, 10, 1.0, 0.99, 1.01, 0.05, samples=[0.0]),
        Row(LONG, "promise", RowVerdict.UNDECIDED, detail=LONG * 2),
        Row("torn", "integrity", RowVerdict.SAME, candidate=0),
    ]
    told = Result("main", LONG, "standard", "generic", {}, answer=Answer.REGRESSION, rows=rows, remarks=[LONG * 3])
    path = folder / "gate.html"
    path.write_text(gate_page(told))
    return path


def report(folder: Path) -> Path:
    (folder / "run.json").write_text(RUN.read_text().replace("test_restart", LONG))
    assert main(["report", str(folder)]) == 0
    return folder / "index.html"


def comparison(folder: Path) -> Path:
    first, second = load(RUN), copy.deepcopy(load(RUN))
    for one in second["sessions"][0]["tests"]:
        for measured in one["measurements"]:
            measured["value"] *= 2
    path = folder / "compare.html"
    write_comparison(first, second, ("before", LONG), path)
    return path


def farm(folder: Path) -> Path:
    run = load(RUN)
    boards = [BoardResult(Place("pi-4", "shelf"), run, 1, None), BoardResult(Place(LONG, "shelf"), None, None, LONG)]
    return write_farm_page(boards, folder)


@pytest.mark.parametrize("make", [bundle, gate, report, comparison, farm])
def test_it_fits_every_window_with_large_letters_too(
    page: ChromiumPage, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    page.open(make(tmp_path).as_uri())
    page.driver.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
    wide = overflowing(page)
    page.size(*SIZES[0])
    assert page.driver.execute_script(BROKEN) == 0
    page.driver.execute_script("document.documentElement.style.fontSize = '200%'")
    assert wide | overflowing(page) == {}


@pytest.mark.parametrize("make", [gate, report, comparison])
def test_its_pictures_can_be_read_on_a_phone(page: ChromiumPage, tmp_path: Path, make: Callable[[Path], Path]) -> None:
    page.open(make(tmp_path).as_uri())
    page.driver.execute_script("for (const one of document.querySelectorAll('details')) one.open = true")
    for width, height in SIZES:
        page.size(width, height)
        sizes = page.driver.execute_script(SMALL)
        assert sizes
        assert min(sizes) >= LEAST_PX, f"at {width}"
        assert page.driver.execute_script(ON_EACH_OTHER) == 0, f"at {width}"


def test_the_films_of_a_bundle_play(page: ChromiumPage, tmp_path: Path) -> None:
    page.open(bundle(tmp_path).as_uri())
    films = "return [...document.querySelectorAll('video')].map((one) => one.videoWidth)"
    assert len(page.driver.execute_script(films)) == 3
    page.wait(lambda: page.driver.execute_script(films).count(64) >= 2, "H.264 and JPEG are shown")  # and perhaps H.265
