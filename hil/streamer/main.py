# SPDX-License-Identifier: Apache-2.0
"""camera-streamer: from a source into one ring or several, until it is told to end."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from vshm_ctypes import VideoShmError, __version__, log_to

from .channels import Channel, ChannelError, CodecName, EncoderName, read_config
from .encoder import EncoderError
from .lane import Lane
from .ledger import Ledger
from .log import LOG, set_up
from .probe import choose_encoder
from .service import Service
from .sources.healing import HealingSource
from .sources.open_source import make_source
from .sources.source import Source, SourceError
from .status import Status

READ_TIMEOUT_S = 0.1  # how soon a signal is heeded
WAIT_EVERY_S = 0.5


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser("camera-streamer", description=__doc__)
    parser.add_argument("--version", action="version", version=f"camera-streamer {__version__}")
    device = "testsrc, testsrc:WIDTHxHEIGHT@FPS, file:PATH, or rpicam (default: testsrc)"
    parser.add_argument("--device", metavar="SOURCE", help=device)
    channel = "RING:WIDTHxHEIGHT@FPS,BITRATE,NAME=VALUE...; may be said several times (default: one, /video_stream)"
    parser.add_argument("--channel", action="append", metavar="CHANNEL", help=channel)
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML: device, and a [[channel]] for each ring")
    parser.add_argument("--codec", choices=get_args(CodecName), help="of channels that do not say (default: h264)")
    parser.add_argument("--encoder", choices=get_args(EncoderName), help="of channels that do not say (default: auto)")
    parser.add_argument("--wait", action="store_true", help="wait for a source that is not there yet")
    parser.add_argument("--loop", action="store_true", help="begin a file again at its end")
    parser.add_argument("--ledger", type=Path, metavar="FILE", help="write down each frame, as a witness")
    parser.add_argument("--stats", action="store_true", help="print books and cost at the end, as JSON")
    parser.add_argument("--log-format", choices=("text", "json"), default="text")
    return parser


def channels_of(arguments: argparse.Namespace, config: dict[str, Any]) -> list[Channel]:
    """From the command line, else from the file, else one. Raises ChannelError."""
    default = Channel()
    for name in ("codec", "encoder"):
        value = getattr(arguments, name) or config.get(name)
        default = replace(default, **{name: value}) if value else default
    if arguments.channel:
        channels = [Channel.parse(words, default) for words in arguments.channel]
    else:
        channels = [Channel.of_table(table, default) for table in config.get("channel", [{}])]
    rings = [channel.ring for channel in channels]
    if len(set(rings)) != len(rings):
        raise ChannelError(f"two channels for one ring: {', '.join(rings)}")
    return channels


def open_lane(channel: Channel, source: Source, ledger: Ledger | None) -> Lane:
    """One channel at work, with the encoder that suits it."""
    if source.codec is not None:
        return Lane(channel, source, None, ledger)
    width, height = channel.width or source.width, channel.height or source.height
    name, why_not = choose_encoder(channel, width, height, channel.fps or source.fps)
    if why_not is not None:
        LOG.info("%s: not the board's own encoder: %s", channel.ring, why_not)
    LOG.info("%s: %dx%d by %s", channel.ring, width, height, name)
    return Lane(channel, source, name, ledger)


@contextlib.contextmanager
def heeding_signals(lanes: Sequence[Lane]) -> Iterator[threading.Event]:
    """SIGINT and SIGTERM set the event; SIGUSR1 asks every lane for a keyframe."""
    over = threading.Event()

    def end(number: int, _frame: object) -> None:
        over.set()

    def want_keyframe(_number: int, _frame: object) -> None:
        for lane in lanes:
            lane.want_keyframe()

    handlers = {signal.SIGINT: end, signal.SIGTERM: end, signal.SIGUSR1: want_keyframe}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield over
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def open_when_there(source: Source, wait: bool) -> None:
    """Open the source; with wait, as soon as it is there. Raises SourceError, KeyboardInterrupt."""
    told = False
    while True:
        try:
            source.open()
            return
        except SourceError as error:
            if not wait:
                raise
            if not told:
                LOG.warning("%s: %s; waiting for it", source.name, error.strerror or error)
                told = True
            time.sleep(WAIT_EVERY_S)


def stream(source: Source, lanes: Sequence[Lane], status: Status) -> None:
    """Until a signal, the source's end, or the end of every lane."""
    service = Service()
    with heeding_signals(lanes) as over:
        while not over.is_set() and not all(lane.failure for lane in lanes):
            try:
                captured = source.read(READ_TIMEOUT_S)
            except EOFError as error:
                LOG.info("%s", error)
                return
            if captured is not None:
                for lane in lanes:
                    lane.offer(captured if len(lanes) == 1 else replace(captured, shared=True))
            if any(lane.books.written for lane in lanes):
                service.frame_written()
            service.is_alive()
            status.tick()
        service.stopping()


def run(arguments: argparse.Namespace) -> int:
    """Exit 0; 1: what went wrong is in the log."""
    config = read_config(arguments.config) if arguments.config else {}
    channels = channels_of(arguments, config)
    source = HealingSource(make_source(arguments.device or config.get("device", "testsrc"), arguments.loop))
    with contextlib.ExitStack() as stack:
        stack.callback(source.close)
        open_when_there(source, arguments.wait or bool(config.get("wait")))
        ledger = stack.enter_context(Ledger(arguments.ledger)) if arguments.ledger else None
        lanes: list[Lane] = []
        with contextlib.ExitStack() as open_lanes:
            for channel in channels:
                lanes.append(open_lane(channel, source, ledger))
                open_lanes.callback(lanes[-1].close)
            status = Status(lanes)
            LOG.info("%s: %dx%d at %g fps", source.name, source.width, source.height, source.fps)
            stream(source, lanes, status)
            status.end()
    summary = status.summary() | {"incidents": dict(source.incidents)}
    if arguments.stats:
        print(json.dumps(summary), flush=True)
    failed = [lane for lane in lanes if lane.failure is not None]
    for lane in lanes:
        imbalance = lane.books.imbalance()
        if imbalance is not None and lane not in failed:
            LOG.error("%s: the books do not balance: %s", lane.channel.ring, imbalance)
            failed.append(lane)
    return 1 if failed else 0


def main(words: Sequence[str] | None = None) -> int:
    """Run camera-streamer with the given words, or those of the command line. Returns the exit code."""
    arguments = build_parser().parse_args(words)
    set_up(arguments.log_format)
    log_to(LOG)
    try:
        return run(arguments)
    except KeyboardInterrupt:
        return 130
    except ChannelError as error:
        print(f"camera-streamer: {error}", file=sys.stderr)
        return 2
    except (SourceError, EncoderError, VideoShmError, OSError) as error:
        LOG.error("%s", getattr(error, "strerror", None) or error)
        return 1
