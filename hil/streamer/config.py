# SPDX-License-Identifier: Apache-2.0
"""Reads the configuration file, and prints the settings in force as such a file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from .channels import Channel, ChannelError, unknown
from .sound.options import Sound

_TEXT, _SWITCH, _TEXT_OR_NUMBER, _SECONDS = (str,), (bool,), (str, int), (int, float)
# By name: the accepted types of the value, and the description that --print-config prints.
KEYS: dict[str, tuple[tuple[type, ...], str]] = {
    "device": (
        _TEXT,
        "the source: auto, a V4L2 device's path, driver, card or bus; rpicam, file:PATH, ring:NAME, testsrc",
    ),
    "keep": (_SECONDS, "seconds for which auto, a driver or a card waits for a camera that is gone, or inf"),
    "control": ((dict,), "controls of a V4L2 camera that are set whenever it is opened, by their names in v4l2-ctl -l"),
    "wait": (_SWITCH, "whether to wait for a source that is not there yet"),
    "loop": (_SWITCH, "whether to start a file again at its end"),
    "websocket": (_TEXT_OR_NUMBER, "[HOST:]PORT, to serve the streams over WebSocket, too"),
    "audio": (_TEXT, "sound: alsa:DEVICE, file:PATH or testaudio, then ,NAME=VALUE..."),
    "preset": (_TEXT, "a set of settings by name: original"),
    "codec": (_TEXT, "codec of channels that give none"),
    "encoder": (_TEXT, "encoder of channels that give none"),
    "mode": (_TEXT_OR_NUMBER, "permission bits, in octal, of rings whose channel gives none"),
    "channel": ((list,), "the rings, each a [[channel]]"),
}
# The keys of a [[channel]] table.
CHANNEL_KEYS = {
    "ring": "channel number, NAME or /NAME",
    "width": "pixels; 0, with height: as the source gives them",
    "height": "",
    "fps": "frames per second; 0: as the source gives them",
    "codec": "h264, h265 or jpeg; raw pictures: nv12, i420, yuyv, rgb24, bgr24, grey",
    "encoder": "auto, libx264, h264_v4l2m2m, libx265, mjpeg; copy: pass on what the source has encoded",
    "bit_rate": "bits per second; 0: what suits size and rate",
    "quality": "1 to 100, instead of a bit rate; 0: by bit rate, for JPEG 85",
    "gop": "frames from one keyframe to the next",
    "profile": "name of the encoder's profile; empty: one that every decoder can take",
    "slots": "number of slots of the ring, 2 to 4096; 0: 30, for raw pictures what fits into 32 MiB, 4 to 30",
    "slot": "size of a slot in bytes, which is the largest frame; 0: 512k, for raw pictures the size of one",
    "mode": "permission bits of the ring, in octal",
}
_EXAMPLES = {"websocket": "8765", "audio": "alsa:default,codec=opus", "control": {"power_line_frequency": 1}}


def read_config(path: Path) -> dict[str, Any]:
    """Return a TOML file's options and its list of [[channel]] tables. Raises ChannelError or OSError."""
    try:
        config = tomllib.loads(path.read_text(encoding="utf-8"))
        _check(config)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ChannelError) as error:
        raise ChannelError(f"{path}: {error}") from None
    return config


def _check(config: dict[str, Any]) -> None:
    for name, value in config.items():
        if name not in KEYS:
            raise unknown(name, KEYS)
        kinds, what = KEYS[name]
        if type(value) not in kinds:
            expected = " or ".join(dict.fromkeys(_KINDS[kind] for kind in kinds))
            raise ChannelError(f"{name} = {value!r}: give {expected} ({what})")
    for place, channel in enumerate(config.get("channel", []), 1):
        for name in channel if isinstance(channel, dict) else ():
            if name not in CHANNEL_KEYS:
                raise ChannelError(f"[[channel]] {place}: {unknown(name, CHANNEL_KEYS)}")
        if not isinstance(channel, dict):
            raise ChannelError(f"channel = {channel!r}: write [[channel]], and what belongs to it below")


_KINDS: dict[type, str] = {
    str: "text in quotes",
    int: "a number",
    float: "a number",
    bool: "true or false",
    list: "[[channel]]",
    dict: "{NAME = NUMBER}",
}


def config_text(said: dict[str, Any], channels: Sequence[Channel], sound: Sound | None) -> str:
    """Return the settings in force as a file for --config.

    said: the values of KEYS that no channel sets; None is left out.
    """
    values = {**said, "audio": _sound_words(sound) if sound is not None else None}
    lines = ["# The settings in force, as camera-streamer --print-config prints them, for --config FILE."]
    for name in ("device", "keep", "control", "wait", "loop", "websocket", "audio"):
        lines += _lines(name, KEYS[name][1], values.get(name))
    for channel in channels:
        lines += ["", "[[channel]]"]
        for name, what in CHANNEL_KEYS.items():
            lines += _lines(name, what, _of_channel(channel, name))
    return "\n".join(lines) + "\n"


def _of_channel(channel: Channel, name: str) -> Any:
    value = getattr(channel, name)
    return f"{value:04o}" if name == "mode" else value


def _lines(name: str, what: str, value: Any) -> Iterator[str]:
    if what:
        yield f"# {what}"
    if value is None:
        yield f"# {name} = {_toml(_EXAMPLES[name])}"
    else:
        yield f"{name} = {_toml(value)}"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name} = {_toml(each)}' for name, each in value.items())}}}"
    return str(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)  # TOML's inf


def _sound_words(sound: Sound) -> str:
    values = {field.name: getattr(sound, field.name) for field in fields(sound) if field.name != "source"}
    values["mode"] = f"{sound.mode:04o}"
    return ",".join([sound.source, *(f"{name}={value}" for name, value in values.items())])
