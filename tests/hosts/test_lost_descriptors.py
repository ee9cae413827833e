# SPDX-License-Identifier: Apache-2.0
"""Programs that close descriptors they do not know, as daemons do: rings and counters stay, and so do their files."""

import subprocess

from children import running
from vshm import vshm
from writers import wait_until

from vshm_ctypes.published import PublishedConsumer, list_published

# Each number is /dev/null's by the time that it says "begun".
DAEMON = """
import os, sys
from vshm_ctypes import Consumer, Producer, ProducerBusy
name = sys.argv[1]
null, numbers = os.stat(os.devnull), range(3, 128)
ring, stream = Producer(name, slots=4), Consumer(name, publish=True)

def fill():
    with ring.reserve() as slot:
        slot.data[:1] = b"x"
        slot.commit(1, keyframe=True)

fill()
kept = stream.borrow(timeout=5)
whole = kept.data[:]
kept.give_back()
os.closerange(numbers[0], numbers[-1] + 1)
while os.open(os.devnull, os.O_RDWR) < numbers[-1]:
    pass
fill()
assert stream.receive(timeout=5).number == 1
try:
    Producer(name)
    raise SystemExit("a second one was let in")
except ProducerBusy:
    print("begun", flush=True)
while sys.stdin.readline():  # empty at its end
    fill()
    stream.receive(timeout=5)
stream.close()
ring.close()
assert bytes(whole) == b"x"
del kept, whole, stream, ring
lost = [number for number in numbers if not os.path.samestat(os.fstat(number), null)]
assert lost == [], lost
"""


def test_files_that_have_got_the_numbers_stay_open(ring: str) -> None:
    with running(DAEMON, ring) as daemon:
        assert daemon.stdin is not None
        daemon.stdin.close()
        assert daemon.wait(60) == 0


def test_its_counters_go_on_and_are_left_by_clean(ring: str, alone: None) -> None:
    def go_on(daemon: "subprocess.Popen[str]") -> PublishedConsumer:
        assert daemon.stdin is not None
        daemon.stdin.write("\n")
        daemon.stdin.flush()
        (shown,) = list_published()
        assert shown.alive
        return shown

    with running(DAEMON, ring) as daemon:
        findings = vshm("check", "--clean", "--json").json["findings"]
        assert [found for found in findings if found["code"] == "stale-publication"] == []
        wait_until(lambda: go_on(daemon).received > 5, "the reader's counters rise")
