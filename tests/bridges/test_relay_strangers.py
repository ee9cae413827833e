# SPDX-License-Identifier: Apache-2.0
"""Strangers on the network of a relay: what they send is refused, and harms neither side."""

import json
from pathlib import Path

import pytest
from machines import PORT
from relay_link import Lines, Relay, holes, relay  # noqa: F401
from writers import wait_until

from vshm_ctypes.bridges.figures import Cause

PROGRAM = Path(__file__).parents[1] / "helpers" / "relay_stranger.py"
HUGE = {"slots": 4096, "slot_size": 1 << 27, "media": 0, "epoch": 1, "codec": None, "width": 0, "height": 0, "fps": 0}


def stranger_at(relay: Relay) -> str:  # noqa: F811
    """The address at which the stranger takes connections; an import that connects there hears it."""
    return f"tcp/{relay.near.address}:{PORT + 1}"


def stranger_of(relay: Relay, *words: str) -> Lines:  # noqa: F811
    """Start the stranger, which is connected to the exporter, too."""
    return relay.start(relay.near, PROGRAM, stranger_at(relay), f"tcp/{relay.near.address}:{PORT}", *words)


@pytest.mark.parametrize("text", ["", "[]", json.dumps(HUGE)], ids=["empty", "other", "huge"])
def test_an_exporter_that_lies_does_not_keep_out_the_real_one(relay: Relay, text: str) -> None:  # noqa: F811
    stranger = stranger_of(relay, "exporter", text)
    wait_until(lambda: bool(stranger.all), "the stranger has its token")
    relay.begin_import("--connect", stranger_at(relay))
    relay.wait_told("front/cam: ")
    relay.start_camera()
    relay.wait_frames(30)
    assert relay.frames()[0]["stream"] == relay.written()[0]["stream"]


def test_noise_on_every_key_harms_nothing(relay: Relay) -> None:  # noqa: F811
    relay.start_camera()
    relay.start_import("--connect", stranger_at(relay))
    stranger = stranger_of(relay, "noise")
    wait_until(lambda: bool(stranger.all), "the stranger has made its noise")
    count = len(relay.frames())
    relay.wait_frames(count + 60)
    pairs = relay.pairs()
    frames = [frame for frame, _ in pairs]
    assert all(frame["crc"] == source["crc"] for frame, source in pairs)
    relay.camera.terminate()
    relay.wait_end()
    # A busy machine may lose frames on the way; those up to the next keyframe are then left out.
    assert set(relay.imported()["streams"][0]["dropped"]) <= {Cause.UNDECODABLE}
    relay.wait_told("samples refused, the last one: ")
    assert holes(frames) <= relay.end()
