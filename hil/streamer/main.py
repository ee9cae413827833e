# SPDX-License-Identifier: Apache-2.0
"""Runs camera-streamer: from one source into one or several rings, until it is told to end."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vshm_ctypes import VideoShmError, log_to
from vshm_ctypes.commandline.ending import End, heeding
from vshm_ctypes.commandline.extras import STREAMER, remedy
from vshm_ctypes.commandline.output import complain, describe
from vshm_ctypes.commandline.standard_output import named_output
from vshm_ctypes.descriptors import open_standard_streams
from vshm_ctypes.limits import explain

from .channels import CODECS, FOURCCS, Channel, ChannelError, permissions
from .controls import controls_of
from .encoder_settings import EncoderError
from .footprint import Settling
from .log import LOG, set_up
from .open_lane import open_lane
from .opening import START_ATTEMPTS, open_sound, open_when_there
from .presets import preset_of
from .service import Service
from .sources.factory import make_source
from .sources.keeper import KEEP_S
from .sources.modes import Size, Wanted
from .sources.source import Source, SourceError
from .sources.timeline import Timelines
from .status import Status

if TYPE_CHECKING:  # what few need is imported when it is asked for, since it takes memory and time
    import argparse

    from .ledger import Ledger
    from .open_lane import AnyLane
    from .sound.lane import SoundLane
    from .sound.options import Sound

READ_TIMEOUT_S = CHORES_S = 0.1  # what else is due is looked at after so long; together, when a signal is handled


def default_of(arguments: argparse.Namespace, config: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the defaults of the named settings, from the command line, else from the file. Raises ChannelError."""
    said = {name: getattr(arguments, name) or config.get(name) for name in names}
    return {name: permissions(value) if name == "mode" else value for name, value in said.items() if value}


def channels_of(arguments: argparse.Namespace, config: dict[str, Any]) -> list[Channel]:
    """Return the channels of the command line, else of the file, else of the preset. Raises ChannelError."""
    default = default_of(arguments, config, "codec", "encoder", "mode")
    if arguments.channel:
        channels = [Channel.parse(words, default) for words in arguments.channel]
    else:
        channels = [
            Channel.of_table(table, default) for table in config.get("channel", preset_of(arguments, config).channels)
        ]
    rings = [channel.ring for channel in channels]
    if len(set(rings)) != len(rings):
        raise ChannelError(f"two channels for one ring: {', '.join(rings)}")
    if len({channel.encoder == "copy" for channel in channels}) > 1:
        raise ChannelError("encoder=copy: for all channels or for none; a source is decoded, or it is not")
    return channels


def audio_of(arguments: argparse.Namespace, config: dict[str, Any], channels: Sequence[Channel]) -> Sound | None:
    """Return the sound of the command line, else of the file, or None if none is wanted. Raises ChannelError."""
    words = arguments.audio or config.get("audio")
    if not words:
        return None
    from .sound.options import Sound

    sound = Sound.parse(words, default_of(arguments, config, "mode"))
    if sound.ring in [channel.ring for channel in channels]:
        raise ChannelError(f"{sound.ring}: pictures and sound for one ring")
    return sound


def keep_of(arguments: argparse.Namespace, config: dict[str, Any]) -> float:
    """Return for how many seconds a camera that is gone is kept to. Raises ChannelError."""
    said = arguments.keep if arguments.keep is not None else config.get("keep", KEEP_S)
    try:
        keep_s = float(said)
    except ValueError:
        keep_s = -1.0
    if not keep_s >= 0:
        raise ChannelError(f"keep={said}: seconds, or inf")
    return keep_s


def wanted_of(channels: Sequence[Channel]) -> Wanted:
    """Return what the camera should deliver for these channels: the largest size and the highest rate of all."""
    sizes = {Size(channel.width, channel.height) for channel in channels}
    codecs = {channel.codec for channel in channels}
    copy = channels[0].encoder == "copy"
    alike = len(sizes) == len(codecs) == 1 and all(channel.encoder == "auto" for channel in channels)
    return Wanted(
        size=max(sizes, key=lambda size: size.width * size.height) if Size(0, 0) not in sizes else None,
        fps=max(channel.fps for channel in channels) if all(channel.fps for channel in channels) else 0.0,
        codec=CODECS.get(channels[0].codec) if alike or copy else None,
        lanes=len(channels),
        bit_rate=max(channel.bit_rate for channel in channels),
        gop=min(channel.gop for channel in channels) if not copy else 0,
        copy=copy,
        raw=FOURCCS[channels[0].codec] if alike and channels[0].is_raw else "",
    )


def open_websocket(words: str, channels: Sequence[Channel]) -> contextlib.AbstractContextManager[object]:
    """Serve the streams over WebSocket. Raises ChannelError, or OSError if the address is in use."""
    from .websocket import WebSocketServer, address  # aiohttp is slow to import

    place, raw = address(words), [channel.ring for channel in channels if channel.is_raw]
    if len(raw) == len(channels):
        raise ChannelError(f"--websocket: all channels have raw pictures, which no player takes: {', '.join(raw)}")
    for ring in raw:
        LOG.info("%s: raw pictures are not served over WebSocket", ring)
    return WebSocketServer(*place, [channel.ring for channel in channels if not channel.is_raw])


@contextlib.contextmanager
def giving_keyframes(source: Source, lanes: Sequence[AnyLane]) -> Iterator[None]:
    """Let SIGUSR1 ask the source and all lanes for a keyframe during the block."""

    def want_keyframe(_number: int, _frame: object) -> None:
        source.want_keyframe()
        for lane in lanes:
            lane.want_keyframe()

    before = signal.signal(signal.SIGUSR1, want_keyframe)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, before)


def stream(source: Source, lanes: Sequence[AnyLane], status: Status, over: End) -> bool:
    """Stream until a signal, the end of the source, or the end of every lane. Returns False if the source failed."""
    service, settling = Service(), Settling()
    alone, is_told, chores_s = lanes[0] if len(lanes) == 1 else None, False, 0.0
    while True:
        try:
            captured = source.read(READ_TIMEOUT_S)
        except EOFError as error:
            LOG.info("%s", error)
            break
        except SourceError as error:
            LOG.error("%s", error.strerror or error)
            return False
        if captured is not None:
            if alone is not None:
                alone.offer(captured)
            else:
                for lane in lanes:
                    lane.offer(captured.copy())
        if not is_told and any(lane.books.written for lane in lanes):
            is_told = True
            service.frame_written()
        if (now_s := time.monotonic()) >= chores_s or captured is None:  # not with each picture
            chores_s = now_s + CHORES_S
            settling.tick()
            service.is_alive()
            status.tick()
            if over.is_set() or all(lane.failure for lane in lanes):
                break
    service.stopping()
    return True


def open_ledger(path: Path) -> Ledger:
    """Open the ledger. Raises OSError."""
    from .ledger import Ledger

    return Ledger(path)


def balanced(lanes: Sequence[AnyLane | SoundLane]) -> bool:
    """Return whether every lane ended normally with balanced counters. Differences are logged."""
    good = True
    for lane in lanes:
        imbalance = lane.books.imbalance()
        if lane.failure is not None:
            good = False
        elif imbalance is not None:
            LOG.error("%s: the books do not balance: %s", lane.channel.ring, imbalance)
            good = False
    return good


def run(arguments: argparse.Namespace, over: End) -> int:
    """Stream until over is set. Returns the exit code: 0, or 1 if something failed, which is logged."""
    config: dict[str, Any] = {}
    if arguments.config:
        from .config import read_config

        config = read_config(arguments.config)
    channels = channels_of(arguments, config)
    words, loop = arguments.device or config.get("device", "auto"), arguments.loop or bool(config.get("loop"))
    controls = controls_of(arguments, config, words)
    wait, audio = arguments.wait or bool(config.get("wait")), audio_of(arguments, config, channels)
    keep_s = keep_of(arguments, config)
    websocket = arguments.websocket or str(config.get("websocket", "")) or preset_of(arguments, config).websocket
    if arguments.print_config:
        said = {"device": words, "keep": keep_s, "wait": wait, "loop": loop, "websocket": websocket or None}
        said["control"] = controls or None
        from .config import config_text

        print(config_text(said, channels, audio), end="")
        return 0
    timelines = Timelines()
    starts = 0 if wait else START_ATTEMPTS
    wanted = replace(wanted_of(channels), controls=tuple(controls.items()))
    source = make_source(words, wanted, loop, timelines, keep_s, starts)
    lanes: list[AnyLane] = []
    with contextlib.ExitStack() as stack:
        stack.enter_context(giving_keyframes(source, lanes))
        stack.callback(source.close)
        if not open_when_there(source, wait, over):
            return 0
        ledger = stack.enter_context(open_ledger(arguments.ledger)) if arguments.ledger else None
        with contextlib.ExitStack() as open_lanes:
            for channel in channels:
                lanes.append(open_lane(channel, source, ledger, alone=len(channels) == 1))
                open_lanes.callback(lanes[-1].close)
            if websocket:
                open_lanes.enter_context(open_websocket(websocket, channels))
            everything: list[AnyLane | SoundLane] = [*lanes]
            sound = open_sound(audio, loop, timelines, ledger, wait, over) if audio is not None else None
            if sound is not None:
                everything.append(sound)
                open_lanes.callback(sound.close)
            status = Status(everything, sound.source if sound is not None else None)
            LOG.info("%s: %dx%d at %g fps", source.name, source.width, source.height, source.fps)
            whole = stream(source, lanes, status, over)
            status.stop()
        status.end()  # now that the encoders are done with their last pictures
        if arguments.stats:
            import json

            print(json.dumps(status.summary(source.figures())), flush=True)
    return 0 if balanced(everything) and whole else 1


def main(words: Sequence[str] | None = None) -> int:
    """Run camera-streamer with the given arguments, by default those of the command line. Returns the exit code."""
    from .arguments import build_parser

    open_standard_streams()
    with named_output("camera-streamer"):
        return obey(build_parser().parse_args(words))


def obey(arguments: argparse.Namespace) -> int:
    """Run camera-streamer with parsed arguments. Returns the exit code."""
    set_up(arguments.log_format)
    log_to(LOG)
    try:
        if arguments.list:
            from .listing import print_cameras  # v4l2py is slow to import

            with heeding():
                return print_cameras(arguments.json)
        over = End()
        with heeding(over.set):
            return run(arguments, over)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of the list has closed the pipe
        return 0
    except ChannelError as error:
        complain(error, "camera-streamer")
        return 2
    except (SourceError, EncoderError, VideoShmError, OSError) as error:
        LOG.error("%s", describe(error))
        return 1
    except (MemoryError, RuntimeError, ImportError) as error:
        told = (remedy(error, STREAMER) if isinstance(error, ModuleNotFoundError) else None) or explain(error)
        if told is None:
            raise
        LOG.error("%s", told)
        return 1
