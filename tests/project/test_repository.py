# SPDX-License-Identifier: Apache-2.0
"""What holds for every file of the project."""

import re
import subprocess
import warnings
from pathlib import Path

import pytest
from releases import newest_release
from writers import ROOT

LONG_LINES = 300
TOO_LONG_LINES = 350
# The whole interface, in one header on purpose; and as it was released.
ONE_PIECE = {"lib/include/video_shm.h", "ci/abi/video_shm.h"}
FUZZ_INPUTS = ROOT / "lib" / "fuzz" / "corpus"  # whatever bytes they are
SOURCES = {".c", ".h", ".py", ".sh", ".cmake"}

# Written apart, so that this file does not contain what it looks for.
REGISTRIES = re.compile(
    r"(pypi|pythonhosted|piwheels|npmjs|crates|debian|ubuntu|raspbian|raspberrypi)" + r"\.(org|com|io)\b"
)


def tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return sorted(ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file())


def text_of(path: Path) -> str | None:
    data = path.read_bytes()
    return None if b"\0" in data or path.parent == FUZZ_INPUTS else data.decode(errors="replace")


def is_source(path: Path, text: str) -> bool:
    return path.suffix in SOURCES or path.name == "CMakeLists.txt" or text.startswith("#!")


def violations_in(path: Path, text: str) -> list[str]:
    found = []
    if is_source(path, text):
        count = 0 if str(path.relative_to(ROOT)) in ONE_PIECE else text.count("\n")
        if count > TOO_LONG_LINES:
            found.append(f"{count} lines, more than {TOO_LONG_LINES}")
        elif count > LONG_LINES:
            warnings.warn(f"long file: {path.relative_to(ROOT)} has {count} lines", stacklevel=1)
        if "SPDX-License-Identifier: Apache-2.0" not in "".join(text.splitlines(keepends=True)[:3]):
            found.append("no SPDX line at its begin")
    found += [f"names a registry: {match.group()}" for match in REGISTRIES.finditer(text)]
    if re.search(r"[ \t]+$", text, re.MULTILINE) and path.suffix != ".md":
        found.append("white space at the end of a line")
    return found


def test_every_file_keeps_the_rules() -> None:
    found = {}
    for path in tracked():
        text = text_of(path)
        if text and (wrong := violations_in(path, text)):
            found[str(path.relative_to(ROOT))] = wrong
    assert found == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.c", "int x;\n"),
        ("x", "#!/bin/sh\n"),
        ("x.c", "/* SPDX-License-Identifier: Apache-2.0 */\n" + "\n" * 400),
        ("x.md", "see https://" + "pypi" + ".org\n"),
        ("x.toml", "a = 1 \n"),
    ],
)
def test_a_broken_rule_is_found(name: str, text: str) -> None:
    assert violations_in(ROOT / name, text)


def test_the_licence_is_there() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text and "Version 2.0" in text


def versions_that_can_be(changelog: str) -> list[str]:
    """Return the newest release's version or, once there is something to release, those that can follow."""
    newest = newest_release(changelog)
    unreleased = changelog.partition("## [Unreleased]")[2].partition("\n## ")[0]
    if not unreleased.strip():
        return [newest]
    major, minor, patch = map(int, newest.split("."))
    return [f"{major}.{minor}.{patch + 1}", f"{major}.{minor + 1}.0", f"{major + 1}.0.0"]


def test_the_version_is_the_newest_release_or_the_next() -> None:
    version = (ROOT / "lib" / "VERSION").read_text().strip()
    assert version in versions_that_can_be((ROOT / "CHANGELOG.md").read_text())


def test_newest_release_is_the_first_after_unreleased() -> None:
    assert newest_release("# X\n## [Unreleased]\n## [1.1.0] - 2026-01-01\n## [1.0.0]\n") == "1.1.0"


def test_what_is_not_released_has_a_version_of_its_own() -> None:
    released = "## [1.1.0]\n- first\n"
    assert versions_that_can_be(f"## [Unreleased]\n\n{released}") == ["1.1.0"]
    assert versions_that_can_be(f"## [Unreleased]\n- more\n\n{released}") == ["1.1.1", "1.2.0", "2.0.0"]
