# SPDX-License-Identifier: Apache-2.0
"""camera-streamer --help."""

import re
from dataclasses import fields
from typing import Any

import pytest

from hil.streamer.arguments import build_parser
from hil.streamer.channels import Channel
from hil.streamer.sound.options import Sound

BY_PLACE = {"width", "height", "fps", "source"}


@pytest.mark.parametrize(("kind", "option"), [(Channel, "--channel"), (Sound, "--audio")])
def test_help_names_what_a_ring_may_be_told(kind: Any, option: str) -> None:
    (told,) = (action.help for action in build_parser()._actions if option in action.option_strings)
    names = {field.name for field in fields(kind)} - BY_PLACE
    assert told is not None
    assert {name for name in names if not re.search(rf"\b{name.replace('_', '_?')}\b", told, re.IGNORECASE)} == set()
