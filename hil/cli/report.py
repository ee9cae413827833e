# SPDX-License-Identifier: Apache-2.0
"""hil report shows a run again as a page and as text, or compares two runs."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from vshm_ctypes.commandline.output import plain, print_json
from vshm_ctypes.printable import printable

from ..figures.exit import Exit
from ..report.drivers import PLACE
from ..report.merge import Run, load


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("first", type=Path, metavar="DIR", help="folder of a report, or a run.json")
    parser.add_argument("second", type=Path, nargs="?", metavar="DIR", help="a second report to compare with the first")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="page to write (default: DIR/index.html; for two reports, compare.html)",
    )
    drivers = "show only where drivers behave differently from those in DIR and these further reports"
    parser.add_argument("--drivers", type=Path, nargs="+", metavar="DIR", help=drivers)
    into = (
        f"with --drivers: a page in Markdown that gets them as a table, between its lines <!-- {PLACE} --> and <!-- end"
    )
    parser.add_argument("--into", type=Path, metavar="FILE", help=f"{into} of {PLACE} -->")
    parser.add_argument("--json", action="store_true", help="print JSON for programs instead of text for people")


def run(arguments: Namespace) -> int:
    """Run the verb. Returns 0 once it is shown, whatever the run's verdict is. Raises ValueError for a wrong page."""
    if arguments.into and not arguments.drivers:
        raise ValueError("--into is for --drivers")
    first = load(arguments.first)
    if arguments.drivers:
        paths = [*([arguments.second] if arguments.second else []), *arguments.drivers]
        return _show_drivers([first, *map(load, paths)], arguments.json, arguments.into)
    if arguments.second is None:
        return _show(arguments, first)
    second = load(arguments.second)
    from ..report.compare import comparison_record, write_comparison

    if arguments.json:
        print_json(comparison_record(first, second))
        return Exit.PASS
    from ..report.summary import print_comparison

    page = arguments.output or Path("compare.html")
    write_comparison(first, second, (str(arguments.first), str(arguments.second)), page)
    print_comparison(first, second)
    print(f"\n{printable(page)}")
    return Exit.PASS


def _show_drivers(runs: list[Run], as_json: bool, page: Path | None) -> int:
    from ..report.drivers import differences, in_page, kernels_of
    from ..report.summary import print_drivers

    kernels, found = kernels_of(runs), differences(runs)
    if page is not None:
        page.write_text(in_page(page.read_text(encoding="utf-8"), kernels, found), encoding="utf-8")
    if as_json:
        print_json({"kernels": kernels, "differences": plain(found)})
    else:
        print_drivers(kernels, found)
    return Exit.PASS


def _show(arguments: Namespace, first: dict[str, object]) -> int:
    if arguments.json:
        print_json(first)
        return Exit.PASS
    from ..gate.page import section_beside
    from ..report.page import FILE, write_page
    from ..report.summary import print_summary

    folder = arguments.first if arguments.first.is_dir() else arguments.first.parent
    page = write_page(first, arguments.output or folder / FILE, section_beside(folder))
    print_summary(first)
    print(f"\n{printable(page)}")
    return Exit.PASS
