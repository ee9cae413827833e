# SPDX-License-Identifier: Apache-2.0
"""The hosts. What each is there for stands in its second line, how it is made in those after it."""

from __future__ import annotations

import sys

from .host import Host

DESCRIPTORS_LEFT = 3
_OPENS_MANY = """
import os, resource, sys
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, most), most))
while os.open("/", os.O_RDONLY) < 1100:
    pass
for number in range(3, 1101):
    os.set_inheritable(number, True)
os.execvp(sys.argv[1], sys.argv[1:])
"""
ADDRESS_SPACE = 100 << 20


# ---- processes ----

NO_PROC = Host(
    "no /proc",
    "nothing is mounted at /proc, as in a chroot or a small container",
    of=frozenset({"proc"}),
    prepare=("mount -t tmpfs none /proc",),
)
HIDDEN_PROCESSES = Host(
    "hidepid",
    "/proc shows a user its own processes only",
    of=frozenset({"proc"}),
    prepare=("mount -t proc -o hidepid=2 proc /proc",),
)
OTHER_PROCESSES_ALONE = Host(
    "ProcSubset=pid",
    "/proc has the folders of processes and nothing else, as systemd's ProcSubset= makes it",
    of=frozenset({"proc"}),
    prepare=("mount -t proc -o subset=pid proc /proc",),
)
PID_NAMESPACE = Host(
    "pid namespace",
    "a container of its own processes, of which the command is the first",
    of=frozenset({"pids"}),
    namespaces=("--pid", "--fork", "--kill-child", "--mount-proc"),
)
TIME_NAMESPACE = Host(
    "time namespace",
    "a container whose clocks have run for long",
    of=frozenset({"time"}),
    namespaces=("--time", "--monotonic=1000000", "--boottime=1000000", "--fork", "--kill-child"),
)
TIME_NAMESPACE_BEFORE = Host(
    "time namespace before",
    "a container whose time since boot is behind the host's",
    of=frozenset({"time"}),
    namespaces=("--time", "--boottime=-1", "--fork", "--kill-child"),
)

# ---- /dev/shm ----

NO_SHARED_MEMORY = Host(
    "no /dev/shm",
    "there is no folder /dev/shm, as on Android or in a bare chroot",
    of=frozenset({"shm"}),
    prepare=(
        "mount -t tmpfs -o mode=755 none /dev",
        *(
            f"(umask 0; mknod /dev/{name} c {numbers})"
            for name, numbers in {"null": "1 3", "zero": "1 5", "random": "1 8", "urandom": "1 9", "tty": "5 0"}.items()
        ),
        "ln -s /proc/self/fd /dev/fd",
    ),
)
TINY_SHARED_MEMORY = Host(
    "tiny /dev/shm",
    "64 KiB of /dev/shm, and nothing in it",
    of=frozenset({"shm"}),
    prepare=("mount -t tmpfs -o mode=1777,size=64k tmpfs /dev/shm",),
)
NO_INODES = Host(
    "no inodes in /dev/shm",
    "there is room in /dev/shm, and none for another file",
    of=frozenset({"shm"}),
    prepare=("mount -t tmpfs -o mode=1777,nr_inodes=1 tmpfs /dev/shm",),
)
NO_DEVICES = Host(
    "no devices",
    "/dev has no device, so no /dev/null either, as in a chroot made by hand; /dev/shm is there",
    of=frozenset({"shm", "devices"}),
    prepare=(
        "exec 9</dev/shm",
        "mount -t tmpfs -o mode=755 none /dev",
        "mkdir /dev/shm",
        "mount --no-canonicalize --bind /proc/self/fd/9 /dev/shm",
        "exec 9<&-",
    ),
)
READ_ONLY_SHARED_MEMORY = Host(
    "read-only /dev/shm",
    "the rings are there to be looked at, and nothing can be written",
    of=frozenset({"shm"}),
    prepare=("mount -o remount,bind,ro /dev/shm",),
)

# ---- users ----

ANOTHER_USER = Host(
    "another user",
    "a user without a name, of no group, who owns nothing",
    of=frozenset({"user"}),
    unprivileged=True,
)
USER_NAMESPACE = Host(
    "user namespace",
    "root of a container that is nobody outside of it",
    of=frozenset({"user namespace"}),
    unprivileged=True,
    before=("unshare", "--user", "--map-root-user"),
)

# ---- limits ----

FEW_DESCRIPTORS = Host(
    "3 descriptors left",
    f"{DESCRIPTORS_LEFT} descriptors are left beside the standard streams",
    of=frozenset({"descriptors"}),
    before=("prlimit", f"--nofile={3 + DESCRIPTORS_LEFT}"),
)
MANY_DESCRIPTORS = Host(
    "many descriptors",
    "1100 files are open already, so that select() takes none of those that the program opens",
    of=frozenset({"descriptors"}),
    before=(sys.executable, "-c", _OPENS_MANY),
)
NO_THREADS = Host(
    "no threads left",
    "this user may have no further thread or process",
    of=frozenset({"threads"}),
    unprivileged=True,
    before=("prlimit", "--nproc=1"),
)
LITTLE_ADDRESS_SPACE = Host(
    "little address space",
    f"{ADDRESS_SPACE >> 20} MiB of addresses: enough to begin, and not for a ring of the default size",
    of=frozenset({"memory"}),
    before=("prlimit", f"--as={ADDRESS_SPACE}"),
)

# ---- files ----

READ_ONLY_ROOT = Host(
    "read-only root",
    "no file can be written but in /dev/shm, as on a board that is switched off without a word",
    of=frozenset({"files"}),
    prepare=("mount -o remount,bind,ro /",),
)
NO_TEMPORARY_FOLDER = Host(
    "no temporary folder",
    "neither TMPDIR nor the usual folders for temporary files can be written",
    of=frozenset({"files"}),
    environment={"TMPDIR": "/proc/nonexistent", "TEMP": None, "TMP": None},
    prepare=tuple(
        f"mount --rbind {folder} {folder} && mount -o remount,bind,ro {folder}" for folder in ("/tmp", "/var/tmp")
    ),
)
_ELSEWHERE = {"HOME": "/mnt/merged", "TMPDIR": "/mnt/merged", "XDG_CACHE_HOME": None, "XDG_CONFIG_HOME": None}
NOTHING_EXECUTABLE = Host(
    "noexec",
    "nothing can be run, or loaded as code, from the home folder and that of temporary files",
    of=frozenset({"files", "home"}),
    environment=_ELSEWHERE,
    prepare=("mount -t tmpfs tmpfs /mnt", "mkdir /mnt/merged", "mount -t tmpfs -o noexec,mode=1777 tmpfs /mnt/merged"),
)
OVERLAY = Host(
    "overlay",
    "the home folder and that of temporary files are those of a container: overlayfs",
    of=frozenset({"files", "home"}),
    environment=_ELSEWHERE,
    prepare=(
        "mount -t tmpfs tmpfs /mnt",
        "mkdir /mnt/lower /mnt/upper /mnt/work /mnt/merged",
        "chmod 1777 /mnt/lower /mnt/upper",
        "mount -t overlay -o lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/merged",
    ),
)
NO_CURRENT_FOLDER = Host(
    "no current folder",
    "the folder in which it is started was removed, as of a build or a mount that is over",
    of=frozenset({"current folder"}),
    before=("sh", "-c", 'cd "$(mktemp -d -p /tmp 2>&- || mktemp -d -p /dev/shm)" && rmdir "$PWD" && exec "$@"', "sh"),
)
NO_SUCH_HOME = Host(
    "HOME that is not there",
    "the folder that HOME tells is not there, and can not be made, as of a user of a service",
    of=frozenset({"home"}),
    environment={"HOME": "/proc/nonexistent", "XDG_CACHE_HOME": None, "XDG_CONFIG_HOME": None},
)
NO_HOME = Host(
    "no HOME",
    "a service without a home folder, and without the folders that a login makes",
    of=frozenset({"home"}),
    environment=dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "USER", "LOGNAME")),
)


def umask(mask: int) -> Host:
    """Return a host on which files are made with that umask."""
    return Host(
        f"umask {mask:03o}",
        "a service manager or a shell has taken rights away from new files, or has taken none",
        of=frozenset({"umask"}),
        before=("sh", "-c", f'umask {mask:03o} && exec "$@"', "sh"),
    )


# ---- what a program is told ----

ASCII_ONLY = Host(
    "LANG=C",
    "the locale is POSIX, and Python keeps to it: no letters but those of ASCII",
    of=frozenset({"locale"}),
    environment={"LC_ALL": "POSIX", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
)
NO_LOCAL_TIME = Host(
    "no time zone",
    "there is neither /etc/localtime nor any file of time zones, as in a small container",
    of=frozenset({"time zone"}),
    environment={"TZ": None},
    prepare=(
        "mount --bind /dev/null /etc/localtime",
        "if [ -d /usr/share/zoneinfo ]; then mount -t tmpfs none /usr/share/zoneinfo; fi",
    ),
)
CARELESS_PARENT = Host(
    "signals blocked",
    "a parent that takes its signals by a descriptor, and so leaves them blocked, and SIGCHLD ignored",
    of=frozenset({"signals"}),
    before=("env", "--block-signal", "--ignore-signal=CHLD"),
)
DUMB_TERMINAL = Host(
    "TERM=dumb",
    "a terminal that can't move its cursor",
    of=frozenset({"terminal"}),
    environment={"TERM": "dumb"},
    terminal=True,
)


def closed(*numbers: int) -> Host:
    """Return a host on which programs start without these standard streams."""
    said = ", ".join(map(str, sorted(numbers)))
    return Host(
        f"closed {said}",
        f"started without descriptor {said}, as by some service managers",
        of=frozenset({"streams", "terminal"}),
        closed=frozenset(numbers),
    )
