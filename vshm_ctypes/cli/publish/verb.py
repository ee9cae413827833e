# SPDX-License-Identifier: Apache-2.0
"""vshm publish: publishes rings to a server, an NVR, or a player: RTSP, SRT, or MPEG-TS through a socket."""

from __future__ import annotations

import socket
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ...bridges.publication import Shown
from ...bridges.report import report_until, tell_end
from ...bridges.statistics import Statistics
from ...codec import codec_name
from ...commandline.ending import End, heeding
from ...commandline.output import complain
from ...commandline.rate_limited_log import SeldomEach
from ...commandline.shell_completions import COMPLETE_FILE, COMPLETE_RING, completed
from ...commandline.verb import Exit, positive
from ...rings import ring_name
from ...serving.sockets import INTERNET, require_sockets
from ..survey import codecs_now
from .destination import SCHEMES, Destination, destination
from .messages import Order
from .publisher import Publisher
from .srt import check_options

MOST_RINGS = 16
SAY_EVERY_S = 5.0


def add_arguments(parser: ArgumentParser) -> None:
    words = (
        f"rings (channel number, NAME or /NAME; default: /video_stream), and where to: {', '.join(SCHEMES)}. For "
        "instance rtsp://host:8554/camera, srt://host:9000, unix+mpegts:///run/video.sock"
    )
    completed(parser.add_argument("words", nargs="*", metavar="RING... URL", help=words), COMPLETE_RING)
    url_file = "file with the URL, so that a password in it is on no command line"
    completed(parser.add_argument("--url-file", type=Path, metavar="FILE", help=url_file), COMPLETE_FILE)
    trusted = "certificates that a server of rtsps:// is trusted by, in PEM (default: the system's)"
    completed(parser.add_argument("--ca", type=Path, metavar="FILE", help=trusted), COMPLETE_FILE)
    parser.add_argument("-t", "--seconds", type=positive, metavar="S", help="end after S seconds")


def _address(arguments: Namespace) -> tuple[str, list[str]]:
    """Return the URL, and the names of the rings. Raises ValueError, OSError."""
    words = list(arguments.words)
    if arguments.url_file is not None:
        address = arguments.url_file.read_text().strip()
    elif words:
        address = words.pop()
    else:
        raise ValueError("no URL: vshm publish RING... URL, or --url-file FILE")
    rings = [ring_name(int(word) if word.isdecimal() else word) for word in words or ["/video_stream"]]
    if len(set(rings)) < len(rings) or len(rings) > MOST_RINGS:
        raise ValueError(f"each ring once, and at most {MOST_RINGS} of them: {', '.join(rings)}")
    return address, rings


def _check_codecs(rings: list[str], target: Destination) -> None:
    """Raises ValueError if a ring has what can't be published there."""
    for ring in rings:
        for codec in codecs_now(ring):
            why = target.misfit(codec)
            if why is not None:
                raise ValueError(f"{ring} has {codec_name(codec)}: {why}")


def run(arguments: Namespace) -> int:
    """Exit 0 after Ctrl-C, SIGTERM or --seconds; 1: nothing was sent, or the far side refuses and will refuse again."""
    import av  # noqa: F401 - fail now if it is not installed: a child process needs it

    address, rings = _address(arguments)
    authorities = None if arguments.ca is None else str(arguments.ca.absolute())
    target = destination(address, authorities)
    if target.is_srt:
        check_options(address)
    require_sockets("publishing", *((socket.AF_UNIX,) if target.address.startswith("unix:") else INTERNET))
    _check_codecs(rings, target)
    statistics = Statistics("publish", address, rings)
    end = End()
    say = SeldomEach(complain, SAY_EVERY_S)
    with heeding(end.set), Shown(statistics) as shown:
        publisher = Publisher(Order(address, rings, authorities), statistics, say, end.set)
        try:
            report_until(end, statistics, shown, as_json=arguments.json, seconds=arguments.seconds)
        finally:
            publisher.close()
    if publisher.refusal is not None:
        complain(f"{statistics.far}: {publisher.refusal}: it would say so again: change the URL, or the far side")
    statistics.end()
    figures = statistics.figures()
    tell_end(figures, as_json=arguments.json)
    return Exit.HEALTHY if any(stream.sent for stream in figures.streams) else Exit.FINDING
