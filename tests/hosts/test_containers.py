# SPDX-License-Identifier: Apache-2.0
"""Writers and readers in containers of their own, which share /dev/shm: frames, books, liveness, rights and advice."""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from vshm import Outcome
from writers import BUILD, wait_until

from hosts import Host, on, require
from hosts.boxes import FIRST_UID, Boxed, box, shared_folder
from vshm_ctypes.bundles.archive import members
from vshm_ctypes.identity import Identity
from vshm_ctypes.processes import tell_program

RING = "/video_stream_ch3"
VIDEO = 44  # the group that rings are made for, in most images
PYTHON = sys.executable

WRITE = """
import signal, sys, time
from vshm_ctypes import Codec, Producer, VideoShmError
over = []
signal.signal(signal.SIGTERM, lambda *_: over.append(1))
try:
    with Producer(sys.argv[1], slots=1000, slot_size=2000, mode=int(sys.argv[2], 8)) as ring:
        number = ring.info().frames
        while not over:
            ring.write(number.to_bytes(8, "big") * 100, keyframe=number % 10 == 0, codec=Codec.H264)
            number += 1
            time.sleep(0.005)
        print(number)
except VideoShmError as error:
    sys.exit(str(error))
"""
READ = """
import asyncio, json, sys
from vshm_ctypes import Consumer, VideoShmError
face, ring = sys.argv[1:]
policy = {"newest": "newest", "keyframes": "keyframes"}.get(face, "every")
torn, numbers = 0, []
def take(number, data):
    global torn
    data = bytes(data)
    torn += data != number.to_bytes(8, "big") * 100
    numbers.append(number)
    if len(numbers) == 1:
        print(json.dumps({"begins": number}), flush=True)
async def wait(stream):
    async for frame in stream.aiter():
        take(frame.number, frame.data)
told = None
with Consumer(ring, policy=policy, publish=face == "publish") as stream:
    try:
        if face == "asyncio":
            asyncio.run(wait(stream))
        while face == "borrow":
            with stream.borrow() as frame:
                take(frame.number, frame.data)
        for frame in stream:
            take(frame.number, frame.data)
    except VideoShmError as error:
        told = type(error).__name__
    info = stream.info()
print(json.dumps({"told": told, "torn": torn, "numbers": numbers, "received": info.received, "missed": info.missed,
    "skipped": info.skipped, "span": info.span}))
"""
FACES = ("for", "borrow", "asyncio", "keyframes", "newest", "publish")


@pytest.fixture
def folder() -> Iterator[Path]:
    with shared_folder() as made:
        yield made
        assert [path.name for path in made.iterdir()] == []


@contextmanager
def running(host: Host, *words: str) -> Iterator[Boxed]:
    boxed = Boxed(host, words)
    try:
        yield boxed
    finally:
        boxed.close()


def writing(host: Host, mode: str = "0660") -> Any:
    return running(host, PYTHON, "-c", WRITE, RING, mode)


def reading(host: Host, face: str) -> Any:
    return running(host, PYTHON, "-c", READ, face, RING)


def vshm(host: Host, *words: str) -> Outcome:
    done = on(host, PYTHON, "-m", "vshm_ctypes", *words)
    return Outcome(done.returncode, done.stdout, done.stderr)


def seen(folder: Path) -> dict[str, Any]:
    """Return what another container sees of the ring, or nothing as long as there is none."""
    outcome = vshm(box(folder, read_only=True), "list", "--json", "-s", "0.2")
    rings: list[dict[str, Any]] = outcome.json["rings"] if outcome.code == 0 else []
    return rings[0] if rings else {}


def until_there(folder: Path) -> None:
    wait_until(lambda: (folder / RING[1:]).exists(), "the ring is there")


def begun(boxed: Boxed) -> None:
    assert boxed.process.stdout is not None
    line = boxed.process.stdout.readline()
    assert "begins" in line, boxed.process.communicate()


def check_books(out: str, face: str, written: int) -> None:
    books = json.loads(out.splitlines()[-1])
    numbers = books["numbers"]
    assert books["torn"] == 0
    assert books["told"] == (None if face in ("for", "publish", "newest", "keyframes", "asyncio") else "ProducerClosed")
    assert numbers == sorted(set(numbers))
    assert len(numbers) == books["received"] > 0
    assert books["received"] + books["missed"] + books["skipped"] == books["span"]
    if face not in ("newest", "keyframes"):
        assert (books["missed"], books["skipped"]) == (0, 0)
        assert numbers == list(range(numbers[0], written))
    if face == "keyframes":
        assert not any(number % 10 for number in numbers)


READERS: list[Callable[[Path], Host]] = [
    lambda folder: box(folder, read_only=True),
    lambda folder: box(folder, read_only=True, user=f"1000:1000:{VIDEO}"),
    lambda folder: box(folder, user=f"1000:{VIDEO}", mapped=FIRST_UID),
]


def test_readers_in_other_containers_get_every_frame_and_their_books_balance(folder: Path) -> None:
    """The mapped reader's group 44 is another one outside: its writer opens the ring to all."""
    require(READERS[2](folder))
    with ExitStack() as stack:
        writer = stack.enter_context(writing(box(folder, user=f"0:{VIDEO}"), "0664"))
        until_there(folder)
        readers = []
        for face in FACES:
            for at, make in enumerate(READERS):
                if face != "publish" or at == 2:
                    readers.append((face, stack.enter_context(reading(make(folder), face))))
        example = [str(BUILD / "tests/video_consumer"), "-n", RING, "-c", "30"]
        in_c = stack.enter_context(running(READERS[1](folder), *example))
        for _, reader in readers:
            begun(reader)
        out, err = in_c.process.communicate(timeout=60)
        assert (in_c.process.returncode, out.count("Frame")) == (0, 30), err
        code, out, err = writer.end(signal.SIGTERM)
        assert code == 0, err
        written = int(out)
        for face, reader in readers:
            out, err = reader.process.communicate(timeout=60)
            assert reader.process.returncode == 0, (face, err)
            check_books(out, face, written)


def test_a_writer_in_another_container_is_known_to_live_or_to_be_dead(folder: Path) -> None:
    with ExitStack() as stack:
        writer = stack.enter_context(writing(box(folder)))
        until_there(folder)
        reader = stack.enter_context(reading(box(folder, read_only=True), "for"))
        begun(reader)
        assert seen(folder)["state"] == "live"
        second = on(box(folder), PYTHON, "-c", WRITE, RING, "0660")
        assert second.returncode == 1
        assert "holds this ring" in second.stderr
        writer.send(signal.SIGKILL)
        out, _ = reader.process.communicate(timeout=60)
        assert json.loads(out.splitlines()[-1])["told"] == "ProducerDied"
        assert seen(folder)["state"] == "dead"
        with writing(box(folder)) as successor:  # its pid, too, is 1
            wait_until(lambda: seen(folder).get("state") == "live", "the next writer takes it over")
            assert successor.end(signal.SIGTERM)[0] == 0


def test_the_process_here_that_has_the_pid_of_a_writer_in_a_container_is_not_said_to_hold_its_ring(
    folder: Path, tmp_path: Path
) -> None:
    outside = Host("the machine", "all processes, and the folder of the containers", prepare=box(folder).prepare)
    program = f"""
from vshm_ctypes import Producer, ProducerBusy
try:
    Producer("{RING}")
except ProducerBusy as error:
    print(error.pid, error)
"""
    with writing(box(folder)) as writer:
        until_there(folder)
        beside = on(box(folder), PYTHON, "-c", program).stdout  # whose pid is 1 as well
        assert beside.startswith("None ")
        assert "another container, or outside of any, where it is process 1, holds this ring: stop it there" in beside
        above = on(outside, PYTHON, "-c", program).stdout
        assert above.startswith(f"{writer.pid} ")
        assert f"another producer, {tell_program(writer.pid)} in a container, holds this ring: stop it, or" in above
        bundle = tmp_path / "case.tar.zst"
        assert vshm(outside, "bundle", "--seconds", "0.1", "-o", str(bundle)).code == 0
        packed = dict(members(bundle))["limits.txt"].decode()
        assert f"process {writer.pid}:" in packed and "process 1:" not in packed
        assert writer.end(signal.SIGTERM)[0] == 0


def test_a_reader_that_publishes_is_seen_from_another_container(folder: Path) -> None:
    with ExitStack() as stack:
        writer = stack.enter_context(writing(box(folder)))
        until_there(folder)
        reader = stack.enter_context(reading(box(folder), "publish"))
        begun(reader)
        shown = vshm(box(folder), "show", "3", "--json", "-s", "0.2").json
        [counts] = shown["published"]
        assert (counts["pid"], counts["missed"], counts["alive"]) == (1, 0, True)
        assert counts["received"] > 0
        refused = on(box(folder, read_only=True), PYTHON, "-c", READ, "publish", RING)
        assert refused.returncode == 1
        assert "read without publish=True" in refused.stderr
        assert writer.end(signal.SIGTERM)[0] == 0
        reader.process.communicate(timeout=60)


def found_by(host: Host) -> dict[str, str]:
    """Return what vshm check finds there: {code: what to do}."""
    return {one["code"]: one["todo"] for one in vshm(host, "check", "--json", "-s", "0.2").json["findings"]}


def test_the_advice_for_a_container_is_one_that_a_container_can_follow(folder: Path) -> None:
    mapped = require(box(folder, user="1001:1001", mapped=FIRST_UID))
    with writing(box(folder, user=f"1000:{VIDEO}")) as writer:
        until_there(folder)
        stranger = box(folder, user="1001:1001")
        assert f"--group-add {VIDEO}" in found_by(stranger)["no-access"]
        followed = found_by(box(folder, read_only=True, user=f"1001:1001:{VIDEO}"))
        assert "no-access" not in followed
        assert "shm-on-disk" not in followed
        assert "--mode 0664" in found_by(mapped)["no-access"]
        assert writer.end(signal.SIGTERM)[0] == 0


def test_what_another_user_left_is_told_and_who_may_remove_it(folder: Path) -> None:
    """A container that is given other users at each start can not replace what its former self has left."""
    with writing(box(folder, user=f"1000:{VIDEO}")) as writer:
        until_there(folder)
        writer.send(signal.SIGKILL)
        writer.process.communicate(timeout=60)
    other = box(folder, user=f"1001:{VIDEO}")
    refused = on(other, PYTHON, "-c", WRITE, RING, "0660")
    assert refused.returncode == 1
    assert "left by a producer of another user" in refused.stderr
    assert "join its group" not in refused.stderr
    kept = vshm(other, "check", "--clean", "-s", "0.2")
    assert "it belongs to uid 1000: remove it as that user or as root" in kept.err
    assert [one["code"] for one in vshm(box(folder, user="1000:1000"), "check", "--clean", "--json").json["removed"]]


def test_a_folder_that_a_writer_may_not_write_is_told_as_such(folder: Path) -> None:
    """So is a volume's that has taken the mode of a folder in the image."""
    folder.chmod(0o755)
    refused = on(box(folder, user=f"1000:{VIDEO}"), PYTHON, "-c", WRITE, RING, "0660")
    assert refused.returncode == 1
    assert "may make no ring in /dev/shm (uid 0, gid 0, mode 0755): give that mode 1777" in refused.stderr


def test_version_1_readers_need_a_mount_that_they_can_write() -> None:
    """Their own library opens its semaphores and the header to be written."""
    program = [str(BUILD / "tests/v1/v1_reader"), "-c", "3", "-n", "5", "-d", "10000"]
    with shared_folder() as folder, running(box(folder), str(BUILD / "tests/seed/seed_producer"), "-c", "3") as writer:
        until_there(folder)
        assert '"received":5' in on(box(folder, user=f"0:{VIDEO}"), *program).stdout
        assert on(box(folder, read_only=True), *program).returncode != 0
        writer.end(signal.SIGTERM)


def test_the_64_mb_of_a_container_hold_four_rings_and_the_fifth_is_told_what_to_do() -> None:
    program = """
from contextlib import ExitStack
from vshm_ctypes import Producer, RingFull
from vshm_ctypes.cli.main import main
with ExitStack() as stack:
    try:
        for number in range(5):
            stack.enter_context(Producer(number))
    except RingFull as error:
        print(number, error)
    main(["check", "-s", "0.2"])
"""
    done = on(box(None), PYTHON, "-c", program)
    assert done.stdout.startswith("4 "), done
    assert "/dev/shm is full: the ring needs 15.0 MiB" in done.stdout
    assert "--shm-size" in done.stdout


def test_a_dev_shm_on_a_disk_is_told(tmp_path: Path) -> None:
    with writing(box(tmp_path)) as writer:
        until_there(tmp_path)
        assert "tmpfs" in found_by(box(tmp_path))["shm-on-disk"]
        assert writer.end(signal.SIGTERM)[0] == 0


def test_seen_from_the_machine_a_containers_writer_is_no_reader(folder: Path) -> None:
    """Its pid there is another than the 1 that it tells, and a reader's is 1 too."""
    outside = Host("the machine", "all processes, and the folder of the containers", prepare=box(folder).prepare)
    with ExitStack() as stack:
        writer = stack.enter_context(writing(box(folder)))
        until_there(folder)
        reader = stack.enter_context(reading(box(folder, read_only=True), "for"))
        counted = stack.enter_context(reading(box(folder), "publish"))
        begun(reader)
        begun(counted)
        [told] = vshm(outside, "list", "--json", "-s", "0.2").json["rings"]
        assert told["writer"]["pid"] == 1
        assert [one["pid"] for one in told["readers"]] == sorted([reader.pid, counted.pid])
        lines = vshm(outside, "show", "3", "-s", "0.2").out.splitlines()
        counts = {line.split()[1]: " received, 0 missed" in line for line in lines if line.startswith("reader:")}
        assert counts == {str(reader.pid): False, str(counted.pid): True}
        assert "1 (out of sight here): " in vshm(box(folder), "show", "3", "-s", "0.2").out
        assert writer.end(signal.SIGTERM)[0] == 0


def test_objects_are_the_same_in_each_container(folder: Path) -> None:
    """What a mapping tells of the object is what the file's status tells, though each has mounted it anew."""
    program = f"import os; s = os.stat('/dev/shm{RING}'); print(s.st_dev, s.st_ino)"
    mapped = require(box(folder, read_only=True, mapped=FIRST_UID))
    with writing(box(folder)) as writer:
        until_there(folder)
        outside = Identity.of((folder / RING[1:]).stat())
        inside = on(mapped, PYTHON, "-c", program).stdout.split()
        assert Identity(*map(int, inside)) == outside
        assert writer.end(signal.SIGTERM)[0] == 0
