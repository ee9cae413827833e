# SPDX-License-Identifier: Apache-2.0
"""Where a judge is missing, a person is told what to install, and CI fails."""

import subprocess
from pathlib import Path

import judges
import pytest


def test_the_judges_are_found() -> None:
    assert "ffmpeg version" in subprocess.check_output([judges.ffmpeg(), "-version"], text=True)
    assert "ffprobe version" in subprocess.check_output([judges.ffprobe(), "-version"], text=True)
    assert subprocess.check_output([judges.gstreamer_python(), "-c", "import gi; print(gi.__name__)"]) == b"gi\n"


@pytest.mark.parametrize("who", ["ffmpeg", "ffprobe", "gstreamer_python"])
@pytest.mark.parametrize("in_ci", [False, True])
def test_a_missing_judge_skips_with_the_remedy_and_fails_in_ci(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, who: str, in_ci: bool
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(judges, "_why_no_gstreamer", lambda: "GStreamer has no h264parse")
    if in_ci:
        monkeypatch.setenv("CI", "true")
        outcome: type[BaseException] = AssertionError
    else:
        monkeypatch.delenv("CI", raising=False)
        outcome = pytest.skip.Exception
    with pytest.raises(outcome, match=r"ci/bootstrap base judges"):
        getattr(judges, who)()


@pytest.mark.parametrize("python", ["/nowhere/python3", "/bin/false"])
def test_a_python_without_gstreamer_is_no_judge(monkeypatch: pytest.MonkeyPatch, python: str) -> None:
    monkeypatch.setattr(judges, "SYSTEM_PYTHON", python)
    assert judges._why_no_gstreamer.__wrapped__()
    monkeypatch.setattr(judges, "ELEMENTS", ["no_such_element"])
    monkeypatch.setattr(judges, "SYSTEM_PYTHON", "/usr/bin/python3")
    assert judges._why_no_gstreamer.__wrapped__()
