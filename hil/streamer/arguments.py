# SPDX-License-Identifier: Apache-2.0
"""camera-streamer's command line. It can be parsed, and its help shown, without the packages that streaming needs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from vshm_ctypes import __version__
from vshm_ctypes.commandline.completion import SHELLS
from vshm_ctypes.commandline.shell_completions import completed, words_and

from .channels import CodecName, EncoderName
from .presets import PRESETS

SOURCES, VIDEO_NODES = ("auto", "rpicam", "testsrc"), "/dev/video*"
SOUNDS = ("alsa:default", "testaudio")
DESCRIPTION = "camera-streamer: from a source into one ring or several, until it is told to end."
EPILOG = """examples:
  camera-streamer --list
  camera-streamer
  camera-streamer --device testsrc:1280x720@25 --websocket 8765
  camera-streamer --device testsrc --channel 0:1280x720@30,2M --channel 1:640x360@15,codec=jpeg,quality=60
  camera-streamer --device testsrc --audio testaudio,codec=aac --stats
  camera-streamer --device testsrc --channel 0:codec=h265,gop=15 --print-config > streamer.toml
  camera-streamer --config streamer.toml
  eval "$(camera-streamer --completion bash)"

The first lists the cameras, the second takes the first of them; testsrc needs none. Each goes on until Ctrl-C.
exit: 0 told to end, or a file's end, 1 what went wrong is in the log, 2 usage"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of camera-streamer's command line."""
    parser = argparse.ArgumentParser(
        "camera-streamer", description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"camera-streamer {__version__}")
    device = "auto, or a V4L2 device's path, driver, card or bus; rpicam; file:PATH; testsrc, testsrc:WIDTHxHEIGHT@FPS"
    source = parser.add_argument("--device", metavar="SOURCE", help=f"{device} (default: auto)")
    completed(source, words_and(SOURCES, VIDEO_NODES, "_camera_streamer_sources"))
    parser.add_argument("--list", action="store_true", help="show the cameras with their formats, sizes and rates")
    parser.add_argument("--json", action="store_true", help="the list as JSON")
    channel = "RING:WIDTHxHEIGHT@FPS,BITRATE,NAME=VALUE...; may be said several times (default: one, /video_stream)"
    names = "NAME: codec, encoder, quality, gop, profile, slots, slot (bytes), mode"
    parser.add_argument("--channel", action="append", metavar="CHANNEL", help=f"{channel}; {names}")
    preset = "original: channels 0, 1 and 2, and --websocket 8765, where nothing else is said"
    parser.add_argument("--preset", choices=[*PRESETS], help=preset)
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="TOML: what these options say, and a [[channel]] for each ring"
    )
    parser.add_argument("--print-config", action="store_true", help="print what is in force as such a file, and end")
    mode = "permission bits of rings that do not say, in octal (default: 0660)"
    parser.add_argument("--mode", metavar="MODE", help=mode)
    parser.add_argument("--codec", choices=get_args(CodecName), help="of channels that do not say (default: auto)")
    encoder = "of channels that do not say (default: auto); copy: none, what the source has encoded is passed through"
    parser.add_argument("--encoder", choices=get_args(EncoderName), help=encoder)
    audio = "alsa:DEVICE, file:PATH or testaudio; then ,NAME=VALUE..."
    names = "NAME: codec (opus, aac, pcm), rate (Hz), channels, bit_rate, slots, mode, ring"
    sound = parser.add_argument("--audio", metavar="SOUND", help=f"sound into /audio_stream: {audio}; {names}")
    completed(sound, words_and(SOUNDS, "", "_camera_streamer_sounds"))
    parser.add_argument("--wait", action="store_true", help="wait for a source that is not there yet")
    parser.add_argument("--loop", action="store_true", help="begin a file again at its end")
    parser.add_argument("--ledger", type=Path, metavar="FILE", help="write down each frame, as a witness")
    websocket = "serve the streams over WebSocket too; without HOST to this machine only"
    parser.add_argument("--websocket", metavar="[HOST:]PORT", help=websocket)
    parser.add_argument("--stats", action="store_true", help="print books and cost at the end, as JSON")
    parser.add_argument("--log-format", choices=("text", "json"), default="text")
    parser.add_argument("--completion", choices=SHELLS, help="print the script that makes a shell complete all this")
    return parser
