# SPDX-License-Identifier: Apache-2.0
"""Rings with names that are no text, or text for somebody else: in Latin-1, half a character, or a formula."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from vshm import ROOMY, Camera, vshm
from watch_logs import event, second, written

from vshm_ctypes import Consumer, Consumers, Producer, inspect, inspect_slots, list_rings
from vshm_ctypes.cli.relay.keys import Source, exportable
from vshm_ctypes.cli.web.overview import look
from vshm_ctypes.printable import utf8
from vshm_ctypes.published import list_published


@pytest.fixture
def latin(ring: str) -> Iterator[str]:
    """The name of a live ring, as a program writes it that knows nothing of UTF-8."""
    name = os.fsdecode(f"{ring}_café".encode("latin-1"))
    with Camera(name, **ROOMY):
        yield name


def test_a_ring_is_a_ring_in_every_encoding(latin: str) -> None:
    assert latin in list_rings()
    assert inspect(latin).slots and inspect_slots(latin)
    with Consumer(latin, publish=True) as stream, Consumers([latin]) as streams:
        assert stream.receive(10) and next(iter(streams))
        assert latin in {one.ring for one in list_published()}
    assert utf8(latin).endswith("_caf\\xe9")
    for words in (["list"], ["show", latin, "-s", "0.1"], ["watch", latin, "-t", "0.5"]):
        outcome = vshm(*words)
        assert outcome.code == 0 and utf8(latin) in outcome.out, outcome
    assert "1 ring" in vshm("check", latin, "-s", "0.1").out
    assert latin in {one["name"] for one in json.loads(vshm("list", "--json").out)["rings"]}


def test_its_name_keeps_no_monitoring_from_the_others(latin: str) -> None:
    client = pytest.importorskip("prometheus_client")
    from vshm_ctypes.cli.export.verb import Exporter

    exporter = Exporter()
    try:
        told = client.generate_latest(exporter.registry).decode()
    finally:
        exporter.rings.close()
    escaped = utf8(latin).replace("\\", r"\\")
    assert f'vshm_frames_total{{ring="{escaped}"}}' in told


def test_a_browser_gets_its_name_in_utf8(latin: str) -> None:
    names = [one["name"] for one in json.loads(look([]))["rings"]]
    assert utf8(latin) in names
    assert all(name.encode() for name in names)  # JavaScript's encodeURIComponent() refuses what fails here


def test_its_bundle_is_shown(latin: str, tmp_path: Path) -> None:
    pytest.importorskip("jinja2")
    bundle = tmp_path / "case.tar.zst"
    assert vshm("bundle", "--seconds", "0.3", "-o", str(bundle)).code == 0
    assert vshm("bundle", "--open", str(bundle)).code == 0
    assert utf8(latin) in (tmp_path / "case.tar.zst.html").read_text()


@pytest.mark.parametrize("name", [os.fsdecode(b"/caf\xe9"), r"/$\frac$", "/$a$_\u4e2d"])
def test_its_name_is_drawn_as_it_is(name: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    log = written(tmp_path / "log", *(second(time, ring=name) for time in range(5)), event(2.0) | {"ring": name})
    outcome = vshm("plot", str(log), "-o", str(tmp_path / "log.svg"))
    assert (outcome.code, outcome.err) == (0, "")
    texts = {one.text for one in ElementTree.parse(tmp_path / "log.svg").iter("{http://www.w3.org/2000/svg}text")}
    assert utf8(name) in texts


def test_over_a_network_go_names_in_utf8_only(latin: str) -> None:
    with pytest.raises(ValueError, match=r"caf\\xe9: only rings with printable names"):
        exportable(Source("board", latin))


def test_a_name_of_200_bytes_fits_and_one_more_does_not(ring: str) -> None:
    longest = os.fsdecode(ring.encode().ljust(201, b"\xe9"))
    with Producer(longest, slots=4, slot_size=1024):
        assert inspect(longest).slots == 4
    with pytest.raises(ValueError, match="200 bytes"):
        inspect(f"{longest}x")
