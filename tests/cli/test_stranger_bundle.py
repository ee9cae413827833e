# SPDX-License-Identifier: Apache-2.0
"""A bundle that somebody else made: opened within bounds, shown as text, or refused with a reason."""

import errno
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from html_page import Page
from vshm import vshm

from vshm_ctypes.bundles import archive
from vshm_ctypes.bundles.archive import BundleError, Writer, members
from vshm_ctypes.bundles.members import MANIFEST, kind_of
from vshm_ctypes.cli.bundle.page import page_of


def test_what_a_stranger_wrote_is_only_text() -> None:
    evil = "<script>alert(1)</script>"
    findings = {"findings": [{"subject": evil, "what": evil, "why": evil, "todo": evil, "code": evil}]}
    summary = {"frames": evil, "ended": evil, "latency_s": {evil: 1}}
    page = page_of(
        {
            MANIFEST: json.dumps({"version": 1, "created": evil, "members": {evil: {"what": evil}}}).encode(),
            "check.json": json.dumps(findings).encode(),
            "list.txt": evil.encode(),
            "kernel.txt": evil.encode(),
            f"streams/{evil.replace('/', '')}.json": json.dumps(summary).encode(),
        }
    )
    assert "script" not in Page(page).tags
    assert Page(page).text.count("alert(1)") > 8


def tar_zst(path: Path, files: dict[str, bytes]) -> Path:
    with Writer(path, force=True) as bundle:
        for name, content in files.items():
            bundle.add(name, content)
    return path


@pytest.mark.parametrize(
    "files",
    [
        {},
        {MANIFEST: b"no json"},
        {MANIFEST: b'{"version": "new"}'},
        {MANIFEST: b'{"version": 1}', "streams/x.json": b"[1]"},
        {MANIFEST: b'{"version": 1}', "streams/x.json": b'{"latency_histogram": [[1]]}'},
        {MANIFEST: b'{"version": 1}', "streams/x.json": b'{"latency_s": {"50": "x"}}'},
        {MANIFEST: b'{"version": 1}', "check.json": b'{"findings": 7}'},
    ],
)
def test_a_bundle_of_another_make_is_refused_with_a_reason(tmp_path: Path, files: dict[str, bytes]) -> None:
    outcome = vshm("bundle", "--open", str(tar_zst(tmp_path / "case.tar.zst", files)))
    assert outcome.code == 1
    assert "case.tar.zst" in outcome.err
    assert "Traceback" not in outcome.err
    assert not (tmp_path / "case.tar.zst.html").exists()


def test_what_no_bundle_has_is_not_looked_at() -> None:
    for name in ("../check.json", "/etc/passwd", "show/a/b.json", "streams/.json/x", "notes.txt", "pictures/x.exe"):
        assert kind_of(name) is None, name
    assert kind_of("show/video_stream.json") == "show/RING.json"


def test_a_file_that_is_cut_off_or_none_is_told(tmp_path: Path) -> None:
    whole = tar_zst(
        tmp_path / "whole.tar.zst", {MANIFEST: b'{"version": 1}', "list.txt": bytes(range(256)) * 40}
    ).read_bytes()
    for content in (b"", b"hello", whole[: len(whole) // 2], whole[4:]):
        (tmp_path / "cut.tar.zst").write_bytes(content)
        outcome = vshm("bundle", "--open", str(tmp_path / "cut.tar.zst"))
        assert (outcome.code, "Traceback" in outcome.err) == (1, False)


def test_a_bundle_that_unpacks_to_too_much_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_BYTES", 10**6)
    big = tar_zst(tmp_path / "big.tar.zst", {"list.txt": bytes(2 * 10**6)})
    assert big.stat().st_size < 10_000
    with pytest.raises(BundleError) as refused:
        list(members(big))
    assert refused.value.errno == errno.EFBIG


def test_a_header_that_unpacks_to_too_much_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # tarfile reads a header's extension into memory before it hands out the member.
    monkeypatch.setattr(archive, "MOST_BYTES", 10**6)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        member = tarfile.TarInfo("list.txt")
        member.pax_headers = {"comment": "x" * 2 * 10**6}
        tar.addfile(member)
    module: Any = archive._zstd()
    (tmp_path / "big.tar.zst").write_bytes(module.compress(packed.getvalue()))
    with pytest.raises(BundleError) as refused:
        list(members(tmp_path / "big.tar.zst"))
    assert refused.value.errno == errno.EFBIG


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_MEMBERS", 3)
    with pytest.raises(BundleError):
        list(members(tar_zst(tmp_path / "many.tar.zst", {f"{n}": b"" for n in range(4)})))
