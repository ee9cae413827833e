# SPDX-License-Identifier: Apache-2.0
"""vshm check --clean beside files of other programs that bear names as ours do: what is not provably ours stays."""

import errno
import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from children import running
from hosts import on, refusing_reads_of_rings
from vshm import vshm
from writers import SHARED_MEMORY

from vshm_ctypes import IncompatibleRing, Producer, ProducerBusy
from vshm_ctypes.cli.check.ownership import V1_RING_BYTES
from vshm_ctypes.processes import find_users
from vshm_ctypes.publication import Publication
from vshm_ctypes.published import PREFIX, RECORD

RING = SHARED_MEMORY / "video_stream_ch9"
SEMAPHORE = SHARED_MEMORY / "sem.video_sem_write_ch9"
PIECE_BYTES = 16384  # in which the library looks for anything but zeros: lib/src/beginning.c

pytestmark = pytest.mark.usefixtures("alone")


def sized(path: Path, size: int, begin: bytes = b"") -> Path:
    with path.open("xb") as file:
        file.write(begin)
        file.truncate(size)
    return path


def untouched(path: Path) -> tuple[int, ...]:
    """Return what changes with an object if it is written to or made anew; looking changes the time of access."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mode, status.st_mtime_ns, status.st_ctime_ns


def linked(path: Path) -> Path:
    path.with_name("kept").hardlink_to(path)
    return path


def begun_by_another() -> Path:
    path = sized(RING, V1_RING_BYTES)
    with path.open("r+b") as file:
        file.seek(V1_RING_BYTES - 1)
        file.write(b"x")
    return path


V1 = struct.pack("<II", 0x56494445, 1)
STRANGERS: dict[str, tuple[Callable[[], Path], str]] = {
    "sparse": (lambda: sized(RING, 1 << 40), "1099511627776 bytes"),
    "zeros": (lambda: sized(RING, V1_RING_BYTES + 1), "bytes"),
    "data at its end": (begun_by_another, "something else in it"),
    "a text": (lambda: sized(RING, 8, b"my notes"), "not a ring"),
    "a database": (lambda: sized(RING, 1 << 20, b"SQLite format 3\0"), "not a ring"),
    "begun, and linked": (lambda: linked(sized(RING, V1_RING_BYTES)), "more names"),
    "a ring of version 1, huge": (lambda: sized(RING, 1 << 40, V1), ""),
    "a ring of version 1, linked": (lambda: linked(sized(RING, V1_RING_BYTES, V1)), ""),
    "a text for a semaphore": (lambda: sized(SEMAPHORE, 32, b"a shopping list of 32 characters"), "not a semaphore"),
    "a huge semaphore": (lambda: sized(SEMAPHORE, 1 << 40), "not a semaphore"),
    "a linked semaphore": (lambda: linked(sized(SEMAPHORE, 32)), ""),
}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_what_only_bears_a_name_of_ours_stays(stranger: str) -> None:
    make, told = STRANGERS[stranger]
    path = make()
    outcome = vshm("check", "--clean", "-s", "0.1")
    assert path.exists()
    assert "\nremoved " not in f"\n{outcome.out}"
    assert told in outcome.out
    if told:
        assert f"ls -l {path}" in outcome.out
        assert ("[not-a-semaphore]" if path == SEMAPHORE else "[not-a-ring]") in outcome.out


BEGINNINGS: dict[str, Callable[[], Path]] = {
    "of no size yet": lambda: sized(RING, 0),
    "of its size": lambda: sized(RING, V1_RING_BYTES),
    "with magic": lambda: sized(RING, V1_RING_BYTES, V1[:4]),
    "with version": lambda: sized(RING, V1_RING_BYTES, bytes(4) + V1[4:]),
}
NO_BEGINNINGS: dict[str, Callable[[], Path]] = {
    "of another name": lambda: sized(SHARED_MEMORY / "video_stream_mine", V1_RING_BYTES),
    "empty, of another name": lambda: sized(SHARED_MEMORY / "video_stream_mine", 0),
    "of another size": lambda: sized(RING, 20 << 20),
    "data behind its header": lambda: sized(RING, V1_RING_BYTES, bytes(4096) + b"hello"),
    "data in its header": lambda: sized(RING, V1_RING_BYTES, bytes(40) + b"hello"),
    "linked": lambda: linked(sized(RING, V1_RING_BYTES)),
}


@pytest.mark.parametrize("what", [*BEGINNINGS, *NO_BEGINNINGS])
def test_check_and_show_say_of_zeros_what_a_writer_does_with_them(what: str) -> None:
    path = (BEGINNINGS | NO_BEGINNINGS)[what]()
    begun = what in BEGINNINGS
    shown, checked = vshm("show", f"/{path.name}"), vshm("check", "-s", "0.1").out
    assert ("try again in a moment" in shown.err) is begun
    assert ("is no ring of this format" in shown.err) is not begun
    assert ("writers and readers of this name fail" in checked) is not begun
    if begun:
        if find_users().complete:
            assert "start the writer again, or remove it" in checked
        Producer(f"/{path.name}").close()
        assert not path.exists()
    else:
        before = untouched(path)
        with pytest.raises(IncompatibleRing):
            Producer(f"/{path.name}")
        assert untouched(path) == before


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOMEM])
def test_a_beginning_whose_zeros_can_not_be_read_is_not_called_no_ring(error: int) -> None:
    before = untouched(sized(RING, V1_RING_BYTES))
    host = refusing_reads_of_rings(error, PIECE_BYTES)
    shown = vshm("show", f"/{RING.name}", host=host)
    assert shown.code == 1
    assert "no ring" not in shown.err
    assert "remove" not in shown.err
    result = on(host, sys.executable, "-c", f"import vshm_ctypes; vshm_ctypes.Producer('/{RING.name}')")
    assert f"VideoShmError: [Errno {error}]" in result.stderr
    assert untouched(RING) == before


def test_a_writer_leaves_a_beginning_to_the_program_that_has_it_and_names_the_remedy() -> None:
    with sized(RING, V1_RING_BYTES).open("rb"):
        with pytest.raises(ProducerBusy, match=f"fuser -v {RING}"):
            Producer("/video_stream_ch9")
        assert RING.stat().st_size == V1_RING_BYTES


def test_a_writer_leaves_what_is_no_semaphore_alone_as_check_says() -> None:
    os.mkfifo(SEMAPHORE)
    link = SHARED_MEMORY / "sem.video_sem_read_ch9"
    link.symlink_to("/etc/hostname")
    with Producer("/video_stream_ch9"):
        checked = vshm("check", "-s", "0.1").out
        for path in (SEMAPHORE, link):
            assert f"{path}: the object of this name is not a semaphore: it is no file" in checked
        assert "a writer of this ring leaves it alone" in checked
    assert SEMAPHORE.is_fifo()
    assert link.is_symlink()


@pytest.mark.parametrize("path", [RING, SEMAPHORE])
def test_what_a_program_has_open_stays_and_it_is_said_how_to_find_it(path: Path) -> None:
    """Open, not mapped: what is mapped is no leftover to begin with."""
    if not find_users().complete:
        pytest.skip("not all processes can be seen from here: nothing may be concluded")
    sized(path, V1_RING_BYTES if path == RING else 32)
    program = "import sys\nwith open(sys.argv[1]):\n    print('open', flush=True); sys.stdin.read()"
    with running(program, str(path)) as process:
        assert process.stdout is not None
        outcome = vshm("check", "--clean", "-s", "0.1")
        assert path.exists()
        assert f"not removed: another program has it open: see which (fuser -v {path})" in outcome.err
    assert "removed" in vshm("check", "--clean", "-s", "0.1").out
    assert not path.exists()


def test_a_dead_ring_that_somebody_keeps_by_another_name_stays() -> None:
    with Producer("/video_stream_ch9"):
        linked(RING)
        stopped = RING.read_bytes()
    RING.with_name("kept").unlink()
    RING.write_bytes(stopped)
    linked(RING)
    outcome = vshm("check", "--clean", "-s", "0.1")
    assert RING.exists()
    assert "1 more names, by which somebody keeps it: remove it by hand" in outcome.err


@pytest.mark.parametrize("size", [RECORD.size + 1, 1 << 40])
def test_a_publication_of_another_size_is_none(size: int) -> None:
    with Producer("/video_stream_ch9") as producer:
        publication = Publication("/video_stream_ch9", producer.info())
    content = publication.path.read_bytes()
    publication.close()
    path = sized(SHARED_MEMORY / f"{PREFIX}{os.getpid()}_copy", size, content)
    vshm("check", "--clean", "-s", "0.1")
    assert path.exists()
