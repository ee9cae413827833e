# SPDX-License-Identifier: Apache-2.0
"""What camera-streamer asks of malloc and the kernel so that its process stays small."""

import platform
import subprocess
import sys

import pytest

# Each thread takes memory of a size that malloc serves from a heap; then malloc itself says how many heaps there are.
THREADS = """
import ctypes, sys, threading
from hil.streamer.footprint import Settling, stay_small
if sys.argv[1] == "small":
    stay_small()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
held = threading.Barrier(9)

def take():
    libc.malloc(50_000)
    held.wait()

threads = [threading.Thread(target=take) for _ in range(8)]
for thread in threads:
    thread.start()
held.wait()
for thread in threads:
    thread.join()
Settling()
print(libc.prctl(42, 0, 0, 0, 0), flush=True)  # PR_GET_THP_DISABLE
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc, whose malloc has a heap for each thread")
@pytest.mark.parametrize(("asked", "huge_pages_off", "heaps"), [("small", 1, range(1, 2)), ("not", 0, range(2, 99))])
def test_all_threads_share_one_heap_and_pages_stay_small(asked: str, huge_pages_off: int, heaps: range) -> None:
    told = subprocess.run([sys.executable, "-c", THREADS, asked], capture_output=True, text=True, check=True).stdout
    first, _, malloc = told.partition("\n")
    assert int(first) == huge_pages_off
    assert malloc.count("<heap nr=") in heaps


# As many pictures as may wait, long after the start; between them and the end of the heap something is kept.
WAITED = """
import ctypes
from pathlib import Path
from types import SimpleNamespace
from hil.streamer import footprint

footprint.stay_small()
now_s = 100.0
footprint.time = SimpleNamespace(monotonic=lambda: now_s)
settling = footprint.Settling()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]

def private_kb():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

def after(seconds):
    global now_s
    now_s += seconds
    settling.tick()
    return private_kb()

settled = after(footprint.SETTLED_S)
pictures = [libc.malloc(2 << 20) for _ in range(8)]
for picture in pictures:
    ctypes.memset(picture, 1, 2 << 20)
kept = libc.malloc(1000)
for picture in pictures:
    libc.free(picture)
print(after(footprint.AGAIN_S / 2) - settled, after(footprint.AGAIN_S / 2) - settled)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc, whose malloc gives memory back")
def test_what_waiting_pictures_took_is_given_back_in_time() -> None:
    told = subprocess.run([sys.executable, "-c", WAITED], capture_output=True, text=True, check=True).stdout
    before_kb, after_kb = map(int, told.split())
    assert before_kb > 15_000
    assert after_kb < 3_000


FORGOTTEN = """
import sys
sys.argv = ["camera-streamer", "--device", "testsrc:160x96@25", "--channel", sys.argv[1] + ":"]
from hil.streamer import main
from hil.streamer.__main__ import main as camera_streamer
main.stream = lambda *_: True
assert camera_streamer() == 0
import gc
names = ("argparse", "locale", "gettext", "hil.streamer.arguments", "vshm_ctypes.commandline.verb")
print([name for name in names if name in sys.modules])
print([kept.__name__ for kept in gc.get_objects() if isinstance(kept, type) and kept.__module__ == "argparse"])
"""


def test_what_only_a_command_line_needs_is_gone_while_it_streams(ring: str) -> None:
    told = subprocess.run([sys.executable, "-c", FORGOTTEN, ring], capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == ["[]", "[]"]
