# SPDX-License-Identifier: Apache-2.0
"""Subinterpreters: a writer there goes on, also when the library logs a line for the main interpreter's logger."""

from children import run

# Writes a ring in a subinterpreter that shares the GIL, and whose name is taken away, of which the library logs a line.
WRITES_IN_A_SUBINTERPRETER = """
import logging, sys
from vshm_ctypes import log_to
try:
    import _interpreters
    interpreter = _interpreters.create("legacy")
except ImportError:  # before Python 3.13
    import _xxsubinterpreters as _interpreters
    interpreter = _interpreters.create(isolated=False)

logger = logging.getLogger("camera")
logger.setLevel(logging.INFO)
logger.addHandler(logging.NullHandler())
logger.propagate = False
log_to(logger)
_interpreters.run_string(interpreter, f'''
import os, sys, time
sys.path[:] = {sys.path}
from vshm_ctypes import Producer
with Producer("{sys.argv[1]}") as producer:
    os.unlink("/dev/shm{sys.argv[1]}")
    time.sleep(0.6)  # the library looks at the name every half second
    assert producer.write(b"x")
    print("written", flush=True)
''')
_interpreters.destroy(interpreter)
"""


def test_a_log_of_a_writer_in_a_subinterpreter_hangs_nobody(ring: str) -> None:
    assert run(WRITES_IN_A_SUBINTERPRETER, ring) == "written\n"
