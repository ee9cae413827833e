#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# "A KeyboardInterrupt that was caught is over and done with" is not true in CPython where it came out of exec() of a text.
# The interpreter notes such an interrupt as unhandled before anybody can catch it, and looks at the note when the program
# has run to its end: all is done, everything is printed, and then the process kills itself by SIGINT (130 in a shell; what
# waits for it says "interrupted"). Seen with CPython 3.11.7, and so from 3.8.18 to 3.13.0, not in 3.7.16 and 3.6.15:
#     exec("raise KeyboardInterrupt"), caught, the end is reached     killed by SIGINT
#     the same with the text compiled first                           0
#     the same with a subclass of KeyboardInterrupt                   0
#     the same, and then sys.exit(7)                                  7
#     the same, and then any other exec() of a text                   0: it takes the note away
# Who hands texts to exec() while people press Ctrl-C: dataclasses and namedtuple at import, *.pth files, consoles in
# services. vshm raises a subclass for a signal, so that its exit code stays its own.
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.8 to 3.13.
set -euo pipefail

python3 - <<'PYTHON'
import subprocess
import sys

TRY = "try:\n    {}\nexcept KeyboardInterrupt:\n    pass\n"
TEXT = TRY.format("exec('raise KeyboardInterrupt')")
CASES = {
    "text": (TEXT, -2),
    "compiled": (TRY.format("exec(compile('raise KeyboardInterrupt', 'text', 'exec'))"), 0),
    "subclass": ("class Ours(KeyboardInterrupt):\n    pass\n" + TRY.format("exec('raise Ours')"), 0),
    "text, sys.exit(7)": (TEXT + "import sys\nsys.exit(7)\n", 7),
    "text, another text": (TEXT + "exec('pass')\n", 0),
}
print("CPython", sys.version.split()[0])
changed = False
for name, (program, expected) in CASES.items():
    seen = subprocess.run([sys.executable, "-S", "-c", program]).returncode
    print(f"{name}: {seen}")
    changed |= seen != expected
sys.exit(changed)
PYTHON
