# SPDX-License-Identifier: Apache-2.0
"""python -m hil.usb: USB cameras of our own, plugged into this machine's kernel."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from vshm_ctypes.commandline.output import complain
from vshm_ctypes.commandline.verb import Parser

from .designs import DESIGNS
from .faults import listing
from .serving import BOOKS, COMMANDS, CONTROL, Camera, Server, tell

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_NO_CAMERA = 0, 1, 2, 4


def _parser() -> argparse.ArgumentParser:
    designs = "\n".join(f"  {name:<13} {design.text}" for name, design in DESIGNS.items())
    commands = "\n".join(f"  {name:<13} {text}" for name, text in COMMANDS.items())
    parser = Parser(
        "python -m hil.usb",
        description=__doc__,
        epilog=f"designs:\n{designs}\n\nfaults:\n{listing()}\n\nother commands:\n{commands}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    _add_camera(verbs.add_parser("camera", help="plug one in, and serve it until it is told to quit"))
    told = verbs.add_parser("tell", help="give a command to one: FAULT=VALUE, plug[=PORT], unplug, clear, quit")
    told.add_argument("folder", type=Path, help="of the camera")
    told.add_argument("command", nargs="+", metavar="COMMAND")
    told.set_defaults(run=_tell)
    beside = verbs.add_parser("beside", help="plug some in for as long as a command runs")
    beside.add_argument("count", type=int, metavar="N", help="how many")
    beside.add_argument("design", choices=DESIGNS, metavar="DESIGN", help="what they are")
    beside.add_argument("command", nargs="+", metavar="COMMAND", help="what runs; put -- in front of it")
    beside.set_defaults(run=_beside)
    table = verbs.add_parser("table", help="measure what this kernel's driver shows of each fault")
    table.add_argument("folder", type=Path, metavar="DIR", help="keeps the rows; what it has is not measured again")
    table.add_argument("--driver-only", action="store_true", help="without camera-streamer")
    table.add_argument("scene", nargs="*", metavar="SCENE", help="only those whose names begin so, and again")
    table.set_defaults(run=_table)
    page = verbs.add_parser("page", help="put what was measured into a page, as a table")
    page.add_argument("folder", type=Path, metavar="DIR", help="that keeps the rows")
    page.add_argument("page", type=Path, metavar="FILE", help="of Markdown, whose table is replaced")
    page.set_defaults(run=_page)
    clips = verbs.add_parser("clips", help="make the pictures that cameras send, once")
    clips.add_argument("design", nargs="*", metavar="DESIGN", help="(default: all)")
    clips.set_defaults(run=_clips)
    return parser


def _add_camera(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("design", nargs="?", default="webcam", metavar="DESIGN", choices=DESIGNS, help="(webcam)")
    parser.add_argument("--serial", default="0001", metavar="TEXT", help="(default: 0001)")
    parser.add_argument("--product", default="", metavar="TEXT", help="by default the design's")
    parser.add_argument("--port", type=int, metavar="N", help="of vhci_hcd (default: any free one)")
    parser.add_argument("--folder", type=Path, metavar="DIR", required=True, help="of its books and its socket")
    parser.add_argument("--set", action="append", default=[], metavar="FAULT=VALUE", help="a fault from the start on")
    parser.add_argument("--unplugged", action="store_true", help="wait for the command plug")
    parser.set_defaults(run=_camera)


def main(words: Sequence[str] | None = None) -> int:
    """Run with the given arguments, by default the command line's. Returns the exit code; usage errors exit with 2."""
    arguments = _parser().parse_args(words)
    try:
        return int(arguments.run(arguments))
    except ValueError as error:
        print(f"hil.usb: {error}", file=sys.stderr)
        return EXIT_USAGE
    except OSError as error:
        complain(error, "hil.usb")
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_OK


def _camera(arguments: argparse.Namespace) -> int:
    from .books import BookKeeper
    from .clips import clip_folder, open_clips
    from .descriptors import MANUFACTURER, Texts
    from .device import Model
    from .host import NoHostError, attach_ready

    design = DESIGNS[arguments.design]
    folder = arguments.folder
    folder.mkdir(parents=True, exist_ok=True)
    texts = Texts(MANUFACTURER, arguments.product or design.product, arguments.serial)
    try:
        clips = open_clips(clip_folder(), design.clips())
    except FileNotFoundError as error:
        raise OSError(f"{error.filename} is missing: run python -m hil.usb clips {arguments.design}") from None
    with (folder / BOOKS).open("w") as books:
        camera = Camera(Model(design, texts, clips), BookKeeper(books), arguments.port, attach_ready)
        for words in arguments.set:
            camera.do(words)
        try:
            if not arguments.unplugged:
                camera.plug()
        except NoHostError as error:
            print(f"hil.usb: {error.strerror}", file=sys.stderr)
            return EXIT_NO_CAMERA
        server = Server(camera, folder)
        print(json.dumps({"port": camera.port, "folder": str(folder)}), flush=True)
        server.run()
    return EXIT_OK


def _tell(arguments: argparse.Namespace) -> int:
    for words in arguments.command:
        print(json.dumps(tell(arguments.folder / CONTROL, words, 30.0)))
    return EXIT_OK


def _beside(arguments: argparse.Namespace) -> int:
    from .beside import run_beside
    from .camera_process import UsbCameraError

    try:
        return run_beside(arguments.count, arguments.design, arguments.command)
    except UsbCameraError as error:
        raise OSError(str(error)) from None


def _clips(arguments: argparse.Namespace) -> int:
    from .clip_maker import make_clips
    from .designs import design_of

    for name in arguments.design or DESIGNS:
        print(make_clips(design_of(name), say=lambda text: print(text, file=sys.stderr)))
    return EXIT_OK


def _table(arguments: argparse.Namespace) -> int:
    from .host import make_ready
    from .measured import RowFile
    from .table import measure

    if (missing := make_ready()) is not None:
        print(f"hil.usb: {missing}", file=sys.stderr)
        return EXIT_NO_CAMERA
    rows = RowFile(arguments.folder, os.uname().release)
    failed = measure(rows, arguments.scene, not arguments.driver_only, lambda text: print(text, flush=True))
    if failed:
        print(f"hil.usb: could not be measured: {', '.join(failed)}; another run tries them again", file=sys.stderr)
    return EXIT_FAILED if failed else EXIT_OK


def _page(arguments: argparse.Namespace) -> int:
    from .measured import read_folder
    from .scenes import SCENES
    from .table_page import in_page

    tables = read_folder(arguments.folder)
    if not tables:
        raise OSError(f"{arguments.folder} has no rows: measure them with python -m hil.usb table {arguments.folder}")
    text = in_page(arguments.page.read_text(), tables, [scene.name for scene in SCENES])
    arguments.page.write_text(text)
    return EXIT_OK
