# SPDX-License-Identifier: Apache-2.0
"""Finds rings that this user may not read, and says which user, group or option of a container may."""

from __future__ import annotations

import grp
import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from ...containers import has_no_number, in_container
from .findings import Finding


def check_access(name: str, path: Path) -> Iterator[Finding]:
    """Check that this user may read the ring."""
    if os.access(path, os.R_OK):
        return
    try:
        status = path.stat()
    except FileNotFoundError:
        return  # its writer has removed it meanwhile
    try:
        group = grp.getgrgid(status.st_gid).gr_name
    except KeyError:
        group = str(status.st_gid)
    yield Finding(
        "no-access",
        name,
        f"this user may not read it (mode {status.st_mode & 0o777:04o}, group {group})",
        "consumers of this user fail with EACCES",
        _todo(status, group),
    )


def _todo(status: os.stat_result, group: str) -> str:
    if has_no_number(status.st_gid, "gid"):
        return (
            "its group has no number in this container's user namespace: start both containers as the same user and "
            "with the same mapping of users, or let the writer give the ring mode 0664 (camera-streamer --mode 0664)"
        )
    if in_container():
        return (
            f"start this container with --group-add {status.st_gid} (Compose: group_add, Kubernetes: "
            f"supplementalGroups), or as the writer's user, --user {status.st_uid}"
        )
    if status.st_gid not in {os.getegid(), *os.getgroups()} and _is_member(group):
        return (
            f"this user has been in the group {group} only since after this login: log in anew, or run newgrp {group}"
        )
    return f"add the user to the group (usermod -aG {group} USER, then log in anew), or run as another user"


def _is_member(group: str) -> bool:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name in grp.getgrnam(group).gr_mem
    except KeyError:
        return False
