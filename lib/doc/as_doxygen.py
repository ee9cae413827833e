# SPDX-License-Identifier: Apache-2.0
"""The filter that Doxygen reads video_shm.h through: marks the header's comments as the documentation that they are.

python3 as_doxygen.py FILE: prints it. A comment behind code belongs to that code, one directly above a declaration to
the declaration. What stands alone, such as the heading of a section, stays a comment.
"""

import re
import sys
from pathlib import Path

_BEHIND = re.compile(r"(\S[ \t]+)/\*(?=[^*])")
_ABOVE = re.compile(r"^([ \t]*)/\*(?=[^*](?:(?!\*/).)*\*/\n[ \t]*[^\s/#])", re.DOTALL | re.MULTILINE)

if __name__ == "__main__":
    header = Path(sys.argv[1]).read_text()
    sys.stdout.write(_ABOVE.sub(r"\1/**", _BEHIND.sub(r"\1/**<", header)))
