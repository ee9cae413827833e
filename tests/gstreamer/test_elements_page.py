# SPDX-License-Identifier: Apache-2.0
"""GSTREAMER.md says of the elements what gst-inspect-1.0 says."""

import re
import subprocess

import pytest
from pipelines import environment
from writers import ROOT

PAGE = (ROOT / "lib" / "doc" / "GSTREAMER.md").read_text()
INHERITED = {
    "vshmsrc": {"blocksize", "do-timestamp", "name", "num-buffers", "parent", "typefind"},
    "vshmsink": {
        *("async", "blocksize", "enable-last-sample", "last-sample", "max-bitrate", "max-lateness", "name", "parent"),
        *("processing-deadline", "qos", "render-delay", "throttle-time", "ts-offset"),
    },
}


def inspected(element: str) -> dict[str, str]:
    """Return each property's default, as gst-inspect-1.0 prints it."""
    command = ["gst-inspect-1.0", "--no-colors", element]
    told = subprocess.check_output(command, text=True, env=environment()).partition("Element Properties:")[2]
    found = {}
    for block in re.split(r"\n(?=  \S)", told):
        if name := re.match(r"\s*([\w-]+) +: ", block):
            default = re.search(r"Default: (?:\d+, )?(\S+)", block)
            found[name[1]] = default[1].strip('"') if default else ""
    return found


@pytest.mark.parametrize("element", INHERITED)
def test_the_page_has_each_property_with_its_default(element: str) -> None:
    section = re.split(r"^## .*: vshm", PAGE, flags=re.MULTILINE)[1 + list(INHERITED).index(element)]
    told = dict(re.findall(r"^\| `([\w-]+)` \| ?`?([^|`]*?)`? \|", section, re.MULTILINE))
    there = {name: default for name, default in inspected(element).items() if name not in INHERITED[element]}
    assert told == {name: "" if default == "null" or name == "stats" else default for name, default in there.items()}


def test_the_page_names_the_caps_of_all_that_the_elements_take() -> None:
    told = subprocess.check_output(["gst-inspect-1.0", "--no-colors", "vshmsrc"], text=True, env=environment())
    pads = told.partition("Pad Templates:")[2].partition("Element has no clocking")[0]
    kinds = set(re.findall(r"^ +((?:video|audio|image)/[\w-]+)", pads, re.MULTILINE))
    assert len(kinds) == 7
    assert {kind for kind in kinds if f"`{kind}`" not in PAGE} == set()
