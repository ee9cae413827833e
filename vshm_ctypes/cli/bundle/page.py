# SPDX-License-Identifier: Apache-2.0
"""Renders a bundle as one self-contained page: the findings, the rings, the streams, the machine.

A bundle's content is not trusted: members of unknown names are left out, and all text is escaped.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from ...bundles.archive import BundleError, members
from ...bundles.members import MANIFEST, frames_of, json_of, kind_of
from ...codec import RAW_CODECS, codec_name
from ...commandline.atomic_file import write_whole
from ...commandline.place import check_place
from .. import units
from .film import DEMUXERS, film, stills

TEMPLATE = "page.html"
TEXTS = ("processes.txt", "kernel.txt", "limits.txt", "mounts.txt", "logind.txt", "board.json", "versions.json")
LONGEST_TEXT = 1024 * 1024
LARGEST_PICTURE = 64 * 1024**2
BARS = 120


@dataclass(slots=True)
class Stream:
    """One stream as the page shows it.

    Attributes:
        movie: MP4 as Base64; empty if there is none.
        is_anew: whether its pictures were encoded again for the page.
        stills: (frame number, JPEG as Base64).
        member: name of the member with the pictures as they were written.
        why_none: why there is no movie.
    """

    name: str
    summary: dict[str, Any] = field(default_factory=dict)
    frames: list[dict[str, int]] = field(default_factory=list)
    movie: str = ""
    is_anew: bool = False
    stills: list[tuple[int, str]] = field(default_factory=list)
    member: str = ""
    why_none: str = ""

    @property
    def latencies(self) -> list[tuple[str, int, float]]:
        """(latency, frames, share of the highest bar) for each bar of the histogram."""
        pairs = [(float(upper_s), int(count)) for upper_s, count in self.summary.get("latency_histogram", [])]
        most = max((count for _, count in pairs), default=1)
        return [(units.seconds(upper_s), count, count / most) for upper_s, count in pairs[:1000]]

    @property
    def percentiles(self) -> list[tuple[str, str]]:
        """(percent, latency) of each percentile."""
        return [(percent, units.seconds(float(value))) for percent, value in self.summary.get("latency_s", {}).items()]

    def _bars(self, values: list[float]) -> list[tuple[float, bool]]:
        largest = max(values, default=0) or 1
        step = max(math.ceil(len(values) / (BARS * 4)), 1)
        keys = [bool(frame["keyframe"]) for frame in self.frames[-len(values) :]] if values else []
        groups = range(0, len(values), step)
        return [(max(values[at : at + step]) / largest, any(keys[at : at + step])) for at in groups]

    @property
    def largest(self) -> str:
        """The size of the largest frame."""
        return units.size(max(frame["size"] for frame in self.frames))

    @property
    def longest(self) -> str:
        """The longest time from frame to frame."""
        times = [frame["received_ns"] for frame in self.frames]
        return units.seconds(max((b - a for a, b in pairwise(times)), default=0) / 1e9)

    @property
    def lasted(self) -> str:
        """The time from the first frame to the last."""
        return units.seconds((self.frames[-1]["received_ns"] - self.frames[0]["received_ns"]) / 1e9)

    @property
    def sizes(self) -> list[tuple[float, bool]]:
        """(size as a share of the largest, whether it is a keyframe) of the frames in order."""
        return self._bars([float(frame["size"]) for frame in self.frames])

    @property
    def intervals(self) -> list[tuple[float, bool]]:
        """(time from frame to frame as a share of the longest, whether it led to a keyframe)."""
        times = [frame["received_ns"] for frame in self.frames]
        return self._bars([float(b - a) for a, b in pairwise(times)])


def _add_film(stream: Stream, member: str, content: bytes) -> None:
    if len(content) > LARGEST_PICTURE:
        stream.why_none = f"{units.size(len(content))} are too much for a page: unpack {member}"
        return
    ending = member.rpartition(".")[2]
    try:
        stream.movie = base64.b64encode(film(content, ending, stream.frames)).decode()
        stream.is_anew = ending == "mjpeg"
    except ImportError:
        stream.why_none = f"to see it as a film here: pip install 'video-shm[web]', or unpack {member}"
    except (ValueError, OSError, IndexError) as error:
        stream.why_none = f"{member} can't be shown as a film: {error}"
    if ending == "mjpeg" and not stream.movie:
        stream.stills = [(at, base64.b64encode(one).decode()) for at, one in stills(content, stream.frames)]


def _stream(name: str, found: dict[str, bytes]) -> Stream:
    frames = frames_of(found.get(f"frames/{name}.json"))
    stream = Stream(name, json_of(found[f"streams/{name}.json"]) or {}, frames)
    for ending in DEMUXERS:
        member = f"pictures/{name}.{ending}"
        if member in found and frames:
            stream.member = member
            _add_film(stream, member, found[member])
    raw = f"pictures/{name}.bin"
    if raw in found and frames and frames[0]["codec"] in RAW_CODECS:
        stream.member = raw
        stream.why_none = f"raw pictures ({codec_name(frames[0]['codec'])}) are not shown: unpack {raw}"
    return stream


def _read(path: Path) -> dict[str, bytes]:
    found = {name: content for name, content in members(path) if kind_of(name) is not None}
    manifest = json_of(found.get(MANIFEST))
    if not isinstance(manifest, dict) or not isinstance(manifest.get("version"), int):
        raise BundleError(22, "not a bundle: it has no manifest", str(path))
    return found


def page_of(found: dict[str, bytes]) -> str:
    """Return the page for a bundle's members. Raises ImportError."""
    import jinja2

    def text(name: str) -> str:
        return found.get(name, b"")[:LONGEST_TEXT].decode(errors="replace")

    stems = [
        name.removeprefix("streams/").removesuffix(".json") for name in found if kind_of(name) == "streams/RING.json"
    ]
    names = sorted(stem for stem in stems if not stem.endswith(".frames"))
    findings = json_of(found.get("check.json"))
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("vshm_ctypes", "cli/bundle"), autoescape=True, undefined=jinja2.ChainableUndefined
    )
    return environment.get_template(TEMPLATE).render(
        manifest=json_of(found[MANIFEST]),
        findings=findings.get("findings", []) if isinstance(findings, dict) else [],
        versions=json_of(found.get("versions.json")) or {},
        rings=text("list.txt"),
        streams=[_stream(name, found) for name in names],
        shows={name[5:-4]: text(name) for name in sorted(found) if kind_of(name) == "show/RING.txt"},
        texts={name: text(name) for name in TEXTS if name in found},
    )


def render(path: Path, force: bool) -> Path:
    """Write the page beside the bundle, and return its path.

    Raises BundleError, FileExistsError, OSError, ImportError.
    """
    import jinja2

    page = path.with_name(f"{path.name}.html")
    check_place(page, force)
    found = _read(path)
    try:
        text = page_of(found)
    except (jinja2.TemplateError, ValueError, TypeError, AttributeError, LookupError) as error:
        raise BundleError(22, f"its members are not as vshm writes them: {error}", str(path)) from None
    write_whole(page, text, force)
    return page
