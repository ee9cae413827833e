# SPDX-License-Identifier: Apache-2.0
"""Makes the streams of the corpus anew, and README.md's table of them.

    python tests/corpus/make.py [NAME...]     these files; without one: all
    python tests/corpus/make.py --table       only the table

What the encoders need is in README.md.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from corpus.encoders import RUN
from corpus.files import FILES
from corpus.readme import write_table
from corpus.table import streams


def main(names: list[str]) -> None:
    for stream in streams():
        if names == ["--table"] or (names and stream.name not in names):
            continue
        stream.path.write_bytes(RUN[stream.encoder](stream.recipe))
        print(f"{stream.name}: {stream.path.stat().st_size} bytes")
    for file in FILES:
        if not names or file.name in names:
            file.make()
    write_table()


if __name__ == "__main__":
    main(sys.argv[1:])
