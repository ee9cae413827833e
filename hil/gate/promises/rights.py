# SPDX-License-Identifier: Apache-2.0
"""Promises about permissions: modes under every umask, read-only readers, full or missing file systems."""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

from ...workers.shared_memory import SHARED_MEMORY, ring_names
from . import house
from .raw import Guarded, Info
from .scene import FRAME, PATIENCE_MS, Scene, at_home, promise, until
from .sides import Reader, Writer, inspect

UMASKS = (0o000, 0o022, 0o077, 0o777)


def _mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o7777)


def _as_nobody_special(scene: Scene, play: Callable[[], Iterator[str]]) -> list[str]:
    """Return what a process without root's rights says."""

    def without() -> Iterator[str]:
        house.give_up_rights()
        yield from play()

    return scene.ask(without)


@promise
def gives_its_ring_the_mode_it_is_told(scene: Scene) -> None:
    """Ring and semaphores have the mode in the options, 0660 by default, whatever the umask."""
    house.give_up_rights()
    for umask in UMASKS:
        for mode, expected in ((0, "0o660"), (0o600, "0o600"), (0o640, "0o640"), (0o666, "0o666"), (0o604, "0o604")):
            os.umask(umask)
            writer = scene.writer(scene.channel_name, mode=mode)
            for path in ring_names(scene.channel):
                scene.expect(f"mode {oct(mode)} of {path.name[:20]}, umask {oct(umask)}", _mode(path), expected)
            writer.destroy()


@promise
def gives_the_originals_ring_its_mode(scene: Scene) -> None:
    """A ring that the original's call makes has mode 0660, whatever the umask."""
    house.give_up_rights()
    for umask in UMASKS:
        os.umask(umask)
        writer = scene.writer()
        modes = {_mode(path) for path in ring_names(scene.channel)}
        scene.expect(f"modes with umask {oct(umask)}", modes, {"0o660"})
        writer.destroy()


@promise
def serves_readers_that_may_only_read(scene: Scene) -> None:
    """A reader without permission to write joins, reads, sleeps, is woken, and inspects."""

    def read() -> Iterator[str]:
        reader = scene.reader(start=2)
        yield str(reader.numbers())
        yield "waits"
        yield str(reader.wait(PATIENCE_MS).answer)
        yield str(reader.look(PATIENCE_MS).frame)
        yield str(inspect(scene.library, scene.channel_name).frames)

    writer = scene.writer(scene.channel_name, mode=0o640)
    writer.write(FRAME)
    scene.path(scene.channel_name).chmod(0o440)

    def without() -> Iterator[str]:
        house.give_up_rights()
        yield from read()

    actor = scene.start(without)
    scene.expect("frames that are there", [actor.hear(), actor.hear()], ["[0]", "waits"])
    writer.write(FRAME)
    scene.expect("the next one", actor.hear(), "1000")
    writer.write(FRAME)
    scene.expect("one by acquire, frames from outside", [actor.hear(), actor.hear()], ["2", "3"])


@promise
def refuses_whom_the_permissions_refuse(scene: Scene) -> None:
    """A reader that may not read, or a writer that may not write, gets EACCES; the ring stays as it was."""

    def play() -> Iterator[str]:
        yield str(Reader(scene.library).open(name))
        yield str(scene.library("inspect", name.encode(), Guarded(Info)))
        scene.path(name).chmod(0o440)
        yield str(Writer(scene.library).open(name, slots=2, slot_size=1000))
        yield str(Reader(scene.library).open(name))

    name = scene.new_name()
    scene.write_and_die(2, name, slots=2, slot_size=1000)
    scene.path(name).chmod(0)
    told = _as_nobody_special(scene, play)
    scene.expect("reader, inspect; then writer, reader", told, ["-1 EACCES", "-1 EACCES", "-1 EACCES", "0"])
    scene.expect("frames in it", inspect(scene.library, name).frames, 2)


@promise
def sets_the_mode_of_a_ring_it_takes_over(scene: Scene) -> None:
    """A writer that takes a ring over sets its own mode, of the semaphores, too."""
    scene.write_and_die(1, scene.channel_name, mode=0o600)
    paths = ring_names(scene.channel)
    scene.expect("modes of the first one's", [_mode(path) for path in paths], ["0o600"] * 3)
    scene.writer(scene.channel_name, mode=0o664)
    scene.expect("modes of the next one's", [_mode(path) for path in paths], ["0o664"] * 3)


@promise
def refuses_a_second_writer_while_the_first_is_stopped(scene: Scene) -> None:
    """A stopped writer is not dead: a second one gets EBUSY, and the first goes on undisturbed."""
    actor = scene.start_writer(2)
    os.kill(actor.pid, signal.SIGSTOP)
    reader = scene.reader(start=2)
    for _ in range(3):
        scene.expect("a second writer", str(Writer(scene.library).init_channel(scene.channel)), "-1 EBUSY")
        reader.wait(300)
    scene.expect("what a reader is told meanwhile", str(reader.wait(700).answer), "0")
    os.kill(actor.pid, signal.SIGCONT)
    info = inspect(scene.library, scene.channel_name)
    scene.expect(
        "state, epoch, frames, writer_pid", (info.state, info.epoch, info.frames, info.writer_pid), (1, 1, 2, actor.pid)
    )


# ---- hosts that lack something ----


@promise
def says_what_the_system_said(scene: Scene) -> None:
    """Opening or inspecting a ring without a free descriptor fails with EMFILE, and leaves nothing."""
    writer = scene.writer()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = max(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
    lowest = next(number for number in range(used + 2) if not Path(f"/proc/self/fd/{number}").exists())
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, most))
    reader, second = Reader(scene.library), Writer(scene.library)
    told = {
        "a reader": reader.open(scene.channel_name),
        "inspect": scene.library("inspect", scene.channel_name.encode(), Guarded(Info)),
    }
    told["a writer"] = second.open(scene.new_name(), slots=2, slot_size=64)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for who, answer in told.items():
        scene.expect(f"{who} with no descriptor left", str(answer), "-1 EMFILE")
    scene.expect("the writer goes on", str(writer.write(FRAME)), "0")
    scene.expect("a reader then", str(Reader(scene.library).open(scene.channel_name)), "0")


@promise
def says_that_a_file_would_be_too_large(scene: Scene) -> None:
    """Making a ring larger than RLIMIT_FSIZE fails with EFBIG and leaves nothing; a smaller one is made."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # as in other programs, which it ends; Python ignores it
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, most))
    name, small = scene.new_name(), scene.new_name()
    told = Writer(scene.library).open(name, slots=30, slot_size=512 * 1024)
    scene.expect("a ring of 15 MiB where files may have 1", str(told), "-1 EFBIG")
    scene.expect("its name", scene.path(name).exists(), False)
    writer = Writer(scene.library)
    scene.expect("a small one", str(writer.open(small, slots=2, slot_size=1000)), "0")
    size = scene.path(small).stat().st_size
    writer.destroy()
    for limit, answer in ((size - 1, "-1 EFBIG"), (size, "0")):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))
        told = writer.open(small, slots=2, slot_size=1000)
        scene.expect(f"a ring of {size} bytes where files may have {limit}", str(told), answer)


@at_home
def says_that_there_is_no_room(scene: Scene) -> None:
    """Making a ring that does not fit into /dev/shm fails with ENOSPC and leaves nothing; a smaller one is made."""
    house.shrink(4 << 20)
    refused = Writer(scene.library).open("/large", slots=30, slot_size=512 * 1024)
    scene.expect("a ring of 15 MiB in 4", str(refused), "-1 ENOSPC")
    scene.expect("what is there", list(SHARED_MEMORY.iterdir()), [])
    scene.expect("a ring of 1 MiB", str(Writer(scene.library).open("/small", slots=2, slot_size=500_000)), "0")


@at_home
def counts_what_found_no_room(scene: Scene) -> None:
    """A ring that must be made anew while /dev/shm is full fails with ENOSPC, counted, until there is room."""
    writer = scene.writer("/ring", slots=2, slot_size=500_000)
    (SHARED_MEMORY / "ring").unlink()
    house.shrink(64 << 10)
    full = until(lambda: writer.write(FRAME).error == "ENOSPC")
    scene.need("write says ENOSPC", full, True)
    scene.expect("reserve says", str(writer.reserve()[0]), "-1 ENOSPC")
    info = writer.info()
    scene.expect("dropped, and since there was no room", info.dropped == info.dropped_no_space >= 2, True)
    house.shrink(4 << 20)
    there = until(lambda: writer.write(FRAME).result == 0 and (SHARED_MEMORY / "ring").exists())
    scene.expect("it is there again", there, True)
    info = writer.info()
    scene.expect("remade", info.remade, 1)
    sides = {"inspect": inspect(scene.library, "/ring"), "a reader": scene.reader("/ring").info()}
    for side, told in sides.items():
        what = f"dropped, and since there was no room, by {side}"
        scene.expect(what, (told.dropped, told.dropped_no_space), (info.dropped, info.dropped_no_space))


@at_home
def says_that_the_host_has_no_shared_memory(scene: Scene) -> None:
    """Without /dev/shm a writer, a reader and inspect get ENOSYS."""
    house.hide("/dev")
    told = {
        "a writer": Writer(scene.library).open("/ring", slots=2, slot_size=64),
        "a reader": Reader(scene.library).open("/ring"),
        "inspect": scene.library("inspect", b"/ring", Guarded(Info)),
    }
    for who, answer in told.items():
        scene.expect(f"{who} without /dev/shm", str(answer), "-1 ENOSYS")


@at_home
def says_that_the_host_has_no_proc(scene: Scene) -> None:
    """Without /proc a writer gets ENOSYS; a reader needs none."""
    writer = scene.writer("/ring", slots=2, slot_size=1000)
    writer.write(FRAME)
    house.hide("/proc")
    scene.expect("a writer without /proc", str(Writer(scene.library).open("/new", slots=2, slot_size=64)), "-1 ENOSYS")
    scene.expect("frames of a reader", scene.reader("/ring", start=2).numbers(), [0])


@promise
def keeps_off_the_standard_descriptors(scene: Scene) -> None:
    """The library keeps none of descriptors 0, 1 and 2, where others would print into its ring."""
    writer, reader = Writer(scene.library), Reader(scene.library)
    kept = [os.dup(number) for number in range(3)]
    for number in range(3):
        os.close(number)
    opened = writer.init_channel(scene.channel), reader.init_channel(scene.channel)
    free = [number for number in range(3) if not Path(f"/proc/self/fd/{number}").exists()]
    for number, copy in enumerate(kept):
        os.dup2(copy, number)
    scene.expect("writer and reader", tuple(map(str, opened)), ("0", "0"))
    scene.expect("descriptors that are free", free, [0, 1, 2])


@promise
def keeps_its_descriptors_to_itself(scene: Scene) -> None:
    """No descriptor of a ring is passed on to a program that is executed."""
    writer, reader = scene.writer(), scene.reader()
    writer.write(FRAME)
    reader.wait()
    inherited = []
    for entry in Path("/proc/self/fd").iterdir():
        number = int(entry.name)
        try:
            if str(scene.channel) in str(entry.readlink()) and os.get_inheritable(number):
                inherited.append(entry.name)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.EBADF):
                raise
    scene.expect("descriptors of the ring that are inherited", inherited, [])


@promise
def survives_a_ring_that_was_cut_short(scene: Scene) -> None:
    """A ring that somebody has truncated ends with EPIPE, and a reader's counters do not go back."""
    name = scene.new_name()
    writer = scene.writer(name, slots=4, slot_size=1000)
    reader = scene.reader(name)
    for _ in range(3):
        writer.write(FRAME)
    reader.numbers()
    before = reader.info()

    def cut() -> Iterator[str]:
        os.truncate(scene.path(name), before.object_bytes - 64)
        told = str(reader.wait(PATIENCE_MS).answer)
        yield told
        info = reader.info()
        yield str((info.frames, info.received) == (before.frames, before.received))

    scene.expect("the wait, and its counters", scene.ask(cut), ["-1 EPIPE", "True"])
