# SPDX-License-Identifier: Apache-2.0
"""camera-streamer's command line. It can be parsed, and its help shown, without the packages that streaming needs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from vshm_ctypes import __version__
from vshm_ctypes.commandline.completion import SHELLS
from vshm_ctypes.commandline.shell_completions import completed, words_and
from vshm_ctypes.commandline.verb import Parser

from .channels import CodecName, EncoderName
from .presets import PRESETS

SOURCES, VIDEO_NODES = ("auto", "rpicam", "testsrc"), "/dev/video*"
SOUNDS = ("alsa:default", "testaudio")
DESCRIPTION = "Stream a camera or another source into one ring or several, until told to end."
EPILOG = """examples:
  camera-streamer --list
  camera-streamer
  camera-streamer --device testsrc:1280x720@25 --websocket 8765
  camera-streamer --device testsrc --channel 0:1280x720@30,2M --channel 1:640x360@15,codec=jpeg,quality=60
  camera-streamer --device testsrc --channel 0: --channel 3:320x320@10,codec=rgb24
  camera-streamer --device testsrc --audio testaudio,codec=aac --stats
  camera-streamer --device testsrc --channel 0:codec=h265,gop=15 --print-config > streamer.toml
  camera-streamer --config streamer.toml
  eval "$(camera-streamer --completion bash)"

The first example lists the cameras, the second streams the first of them; testsrc needs none. Each goes on until
Ctrl-C.
exit codes: 0 told to end, or at the end of a file, 1 failure (the log says why), 2 usage error"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of camera-streamer's command line."""
    parser = Parser(
        "camera-streamer", description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"camera-streamer {__version__}")
    device = "auto, or a V4L2 device's path, driver, card or bus; rpicam; file:PATH; ring:NAME"
    device += "; testsrc, testsrc:WIDTHxHEIGHT@FPS"
    source = parser.add_argument("--device", metavar="SOURCE", help=f"{device} (default: auto)")
    completed(source, words_and(SOURCES, VIDEO_NODES, "_camera_streamer_sources"))
    keep = "seconds that auto, a driver or a card waits for a camera that is gone before it takes another (default: 30)"
    parser.add_argument("--keep", metavar="SECONDS", help=f"{keep}; inf: for ever")
    control = "set a V4L2 camera's control whenever it is opened, such as exposure_dynamic_framerate=0, which keeps its"
    parser.add_argument(
        "--control",
        action="append",
        metavar="NAME=VALUE",
        help=f"{control} rate in the dark, or power_line_frequency=1; may be given several times",
    )
    parser.add_argument("--list", action="store_true", help="show the cameras with their formats, sizes and rates")
    parser.add_argument("--json", action="store_true", help="print the list as JSON")
    channel = "RING:WIDTHxHEIGHT@FPS,BITRATE,NAME=VALUE...; may be given several times (default: one, /video_stream)"
    names = (
        "NAME: codec, encoder, quality, gop, profile, slots, slot (bytes), mode; codec=nv12, i420, yuyv, rgb24, bgr24"
    )
    names += " or grey: raw pictures"
    parser.add_argument("--channel", action="append", metavar="CHANNEL", help=f"{channel}; {names}")
    preset = "original: channels 0, 1 and 2, and --websocket 8765, unless other options say otherwise"
    parser.add_argument("--preset", choices=[*PRESETS], help=preset)
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="TOML file with these options, and a [[channel]] for each ring"
    )
    parser.add_argument(
        "--print-config", action="store_true", help="print the settings in force as such a file, and end"
    )
    mode = "permission bits of rings whose channel gives none, in octal (default: 0660)"
    parser.add_argument("--mode", metavar="MODE", help=mode)
    parser.add_argument("--codec", choices=get_args(CodecName), help="codec of channels that give none (default: auto)")
    encoder = "encoder of channels that give none (default: auto); copy: pass on what the source has encoded"
    parser.add_argument("--encoder", choices=get_args(EncoderName), help=encoder)
    audio = "alsa:DEVICE, file:PATH or testaudio; then ,NAME=VALUE..."
    names = "NAME: codec (opus, aac, pcm), rate (Hz), channels, bit_rate, slots, mode, ring"
    sound = parser.add_argument("--audio", metavar="SOUND", help=f"stream sound into /audio_stream: {audio}; {names}")
    completed(sound, words_and(SOUNDS, "", "_camera_streamer_sounds"))
    parser.add_argument("--wait", action="store_true", help="wait for a source that is not there yet")
    parser.add_argument("--loop", action="store_true", help="start a file again at its end")
    parser.add_argument(
        "--ledger",
        type=Path,
        metavar="FILE",
        help="write a record of each frame into FILE, which hil run compares with what readers got",
    )
    websocket = "serve the streams over WebSocket, too; without HOST, to this machine only"
    parser.add_argument("--websocket", metavar="[HOST:]PORT", help=websocket)
    parser.add_argument("--stats", action="store_true", help="print counters and cost as JSON at the end")
    parser.add_argument("--log-format", choices=("text", "json"), default="text", help="format of the log")
    parser.add_argument(
        "--completion", choices=SHELLS, help="print the script that makes a shell complete these options"
    )
    return parser
