# SPDX-License-Identifier: Apache-2.0
"""A host whose users and groups are kept elsewhere, and hard to ask for, as by LDAP."""

from __future__ import annotations

import functools

from .host import Host
from .preloads import preloaded

SLOW_NAMES = Host(
    "slow names",
    "users and groups are asked for elsewhere first, where each question takes a second and is not answered",
    of=frozenset({"preload"}),
    prepare=(
        "mount -t tmpfs tmpfs /mnt",
        "printf 'passwd: slow files\\ngroup: slow files\\ninitgroups: slow files\\n' >/mnt/nsswitch.conf",
        "mount --bind /mnt/nsswitch.conf /etc/nsswitch.conf",
    ),
    # The C library looks for the module by its name, and finds that it is loaded.
    preload=functools.partial(preloaded, "slow_names.c", "-DSLOW_S=1", "-Wl,-soname,libnss_slow.so.2"),
)
