# SPDX-License-Identifier: Apache-2.0
"""The releases that CHANGELOG.md tells of."""

import re


def newest_release(changelog: str) -> str:
    releases: list[str] = re.findall(r"^## \[?([^\]\s]+)", changelog, re.MULTILINE)
    return next(name for name in releases if name != "Unreleased")
