# SPDX-License-Identifier: Apache-2.0
"""The odd hosts are odd: each lacks what it says, alone and together with others."""

import errno
import os
import sys
from pathlib import Path

import pytest

from hosts import (
    ALL_HOSTS,
    ANOTHER_USER,
    ASCII_ONLY,
    CARELESS_PARENT,
    CLOCK_STEPS_BACK,
    CLOCK_STEPS_FORWARD,
    DUMB_TERMINAL,
    FEW_DESCRIPTORS,
    HIDDEN_PROCESSES,
    JEMALLOC,
    LITTLE_ADDRESS_SPACE,
    MANY_DESCRIPTORS,
    NO_CURRENT_FOLDER,
    NO_DEVICES,
    NO_HOME,
    NO_INODES,
    NO_LOCAL_TIME,
    NO_PROC,
    NO_SHARED_MEMORY,
    NO_SUCH_HOME,
    NO_TEMPORARY_FOLDER,
    NO_THREADS,
    NOTHING_EXECUTABLE,
    OTHER_PROCESSES_ALONE,
    OVERLAY,
    PID_NAMESPACE,
    PLAIN,
    READ_ONLY_ROOT,
    READ_ONLY_SHARED_MEMORY,
    SLOW_NAMES,
    TIME_NAMESPACE,
    TIME_NAMESPACE_BEFORE,
    TINY_SHARED_MEMORY,
    USER_NAMESPACE,
    Host,
    closed,
    on,
    refusing_nameless_files,
    refusing_rare_calls,
    refusing_sockets,
    refusing_threads,
    refusing_timers,
    umask,
)

CALL = "import ctypes, errno; call = ctypes.CDLL(None, use_errno=True).syscall"  # clone3 has no wrapper
# What is only so on that host; each exits with 0 where it is.
UNTRUE_AT_HOME = [
    (NO_PROC, "assert not os.path.exists('/proc/self')"),
    (HIDDEN_PROCESSES | ANOTHER_USER, "assert os.path.exists('/proc/self') and not os.path.exists('/proc/1')"),
    (OTHER_PROCESSES_ALONE, "assert os.path.exists('/proc/1') and not os.path.exists('/proc/meminfo')"),
    (PID_NAMESPACE, "assert os.getpid() == 1 and len([n for n in os.listdir('/proc') if n.isdecimal()]) == 1"),
    (TIME_NAMESPACE, "assert time.monotonic() > 1e6 and time.clock_gettime(time.CLOCK_BOOTTIME) > 1e6"),
    (TIME_NAMESPACE_BEFORE, "assert 'boottime           -1' in open('/proc/self/timens_offsets').read()"),
    (NO_SHARED_MEMORY, "assert not os.path.exists('/dev/shm') and open('/dev/null', 'w').write('x')"),
    (TINY_SHARED_MEMORY, "v = os.statvfs('/dev/shm'); assert v.f_blocks * v.f_frsize == 65536"),
    (NO_INODES, "v = os.statvfs('/dev/shm'); assert v.f_files and not v.f_favail and v.f_bavail"),
    (NO_DEVICES, "assert os.listdir('/dev') == ['shm']"),
    (READ_ONLY_SHARED_MEMORY, "assert os.statvfs('/dev/shm').f_flag & os.ST_RDONLY"),
    (ANOTHER_USER, "assert os.getuid() >= 200000 and os.getgroups() == []"),
    (USER_NAMESPACE, "assert os.getuid() == 0 and open('/proc/self/uid_map').read().split()[2] == '1'"),
    (FEW_DESCRIPTORS, "r = [os.open('/', 0) for _ in range(3)]; fails(lambda: os.open('/', 0))"),
    (MANY_DESCRIPTORS, "assert os.open('/', 0) > 1023"),
    (NO_THREADS, "import threading; fails(threading.Thread(target=int).start); fails(os.fork)"),
    (LITTLE_ADDRESS_SPACE, "import mmap; fails(lambda: mmap.mmap(-1, 100 << 20))"),
    (READ_ONLY_ROOT, "fails(lambda: open(sys.argv[1] + '/x', 'w'))"),
    (NO_TEMPORARY_FOLDER, "import tempfile; os.chdir('/proc'); fails(tempfile.gettempdir)"),
    (NO_HOME, "assert 'HOME' not in os.environ"),
    (NO_SUCH_HOME, "assert not os.path.exists(os.path.expanduser('~'))"),
    (NO_CURRENT_FOLDER, "fails(os.getcwd)"),
    (NOTHING_EXECUTABLE, "assert os.statvfs(os.environ['HOME']).f_flag & os.ST_NOEXEC"),
    (OVERLAY, "assert [l for l in open('/proc/mounts') if l.split()[1:3] == ['/mnt/merged', 'overlay']]"),
    (umask(0o077), "assert os.umask(0) == 0o077"),
    (umask(0), "assert os.umask(0) == 0"),
    (umask(0o777), "assert os.umask(0) == 0o777"),
    (NO_LOCAL_TIME, "assert not os.path.isfile('/etc/localtime')"),
    (SLOW_NAMES, "import grp; b = time.monotonic(); grp.getgrgid(0); assert time.monotonic() - b >= 1"),
    (JEMALLOC, "assert 'jemalloc' in open('/proc/self/maps').read()"),
    (ASCII_ONLY, "assert sys.stdout.encoding == 'ascii' or fails(lambda: print(chr(0x2581)))"),
    (CARELESS_PARENT, "import signal; assert signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, ())"),
    (DUMB_TERMINAL, "assert os.environ['TERM'] == 'dumb' and all(os.isatty(n) for n in (0, 1, 2))"),
    (CLOCK_STEPS_BACK, "b = time.time(); m = time.monotonic(); time.sleep(0.6); assert stepped(b, m) < -3000"),
    (CLOCK_STEPS_FORWARD, "b = time.time(); m = time.monotonic(); time.sleep(0.6); assert stepped(b, m) > 9e8"),
    (refusing_timers(errno.ENOSYS), "import signal; fails(lambda: signal.setitimer(signal.ITIMER_REAL, 9))"),
    (refusing_rare_calls(errno.EPERM), "fails(lambda: os.memfd_create('x'))"),
    (refusing_threads(errno.EPERM), f"{CALL}; assert (call(435, None, 0), ctypes.get_errno()) == (-1, errno.EPERM)"),
    (refusing_nameless_files(errno.EOPNOTSUPP), "fails(lambda: os.open('/dev/shm', os.O_TMPFILE | os.O_RDWR))"),
    (refusing_sockets("AF_UNIX"), "import socket; fails(socket.socketpair)"),
    (refusing_sockets("AF_INET"), "import socket; fails(socket.socket)"),
    (closed(0), "assert sys.stdin is None"),
    (closed(1), "assert sys.stdout is None"),
    (closed(2), "assert sys.stderr is None"),
    (closed(0, 1, 2), "assert (sys.stdin, sys.stdout, sys.stderr) == (None, None, None)"),
]
BEGIN = """
import os, sys, time
def fails(call):
    try:
        call()
    except (OSError, RuntimeError, UnicodeError):
        return True
    raise SystemExit("it works")
def stepped(wall, monotonic):
    return time.time() - wall - (time.monotonic() - monotonic)
"""


def code_on(host: Host, claim: str, *words: str) -> int:
    return on(host, sys.executable, "-c", BEGIN + claim, *words).returncode


@pytest.mark.parametrize(("host", "claim"), UNTRUE_AT_HOME, ids=[host.name for host, _ in UNTRUE_AT_HOME])
def test_each_host_is_what_it_says(host: Host, claim: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = str(tmp_path_factory.getbasetemp())
    assert code_on(host, claim, folder) == 0
    assert code_on(PLAIN, claim, folder) != 0


def test_all_of_them_are_tried() -> None:
    assert {host.name for host in ALL_HOSTS} == {host.name for host, _ in UNTRUE_AT_HOME}


def test_hosts_go_together() -> None:
    claims = {host.name: claim for host, claim in UNTRUE_AT_HOME}
    hosts = (NO_PROC, TINY_SHARED_MEMORY, ANOTHER_USER, LITTLE_ADDRESS_SPACE, CLOCK_STEPS_BACK, closed(0))
    together = PLAIN
    for host in hosts:
        together = together | host
    for host in hosts:
        assert code_on(together, claims[host.name]) == 0, host.name
    with pytest.raises(ValueError, match="do not go together"):
        _ = together | HIDDEN_PROCESSES


@pytest.mark.parametrize("host", [NO_PROC | TINY_SHARED_MEMORY | READ_ONLY_ROOT, Host("open", "", opened=True)])
def test_nothing_of_a_host_is_left(host: Host, alone: None) -> None:
    before = Path("/proc/thread-self/mountinfo").read_text()
    assert on(host, "true").returncode == 0
    assert Path("/proc/thread-self/mountinfo").read_text() == before
    assert os.access("/dev/shm", os.W_OK)
