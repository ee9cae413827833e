# SPDX-License-Identifier: Apache-2.0
"""How long a person at the page of vshm serve waits until a killed producer is told: the median and the longest.

python tests/bench/page.py [--json]    exit 1: over the limit; 2: no Chromium, ci/bootstrap base web installs it
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from browser import CHROMIUM, DIED, DRIVER, Page, chromium
from serving import camera, serving

DEATHS = 7
LIMIT_S = 2.0
PATIENCE_S = 60.0


def seconds_until_told(page: Page, address: str, ring: str) -> float:
    """Return the seconds from SIGKILL until the message is on the page, which is asked as often as it can be."""
    page.open(f"{address}#{ring}")
    try:
        with camera(ring) as process:
            page.wait(lambda: page.shown > 10 and page.text("message") == "", "it plays")
            begin = time.monotonic()
            process.kill()
            while page.text("message") != DIED:
                if time.monotonic() - begin > PATIENCE_S:
                    raise TimeoutError(f"nothing is told; the page says {page.text('message')!r}")
                time.sleep(0.01)
            return time.monotonic() - begin
    finally:
        Path(f"/dev/shm{ring}").unlink(missing_ok=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if CHROMIUM is None or DRIVER is None:
        print("no Chromium here: ci/bootstrap base web installs it", file=sys.stderr)
        return 2
    rings = [f"/vshm_bench_page_{os.getpid()}_{number}" for number in range(DEATHS)]
    with tempfile.TemporaryDirectory() as folder, chromium(Path(folder)) as driver, serving() as server:
        seconds = [seconds_until_told(Page(driver), server.url("/"), ring) for ring in rings]
        driver.get("about:blank")
    longest = max(seconds)
    if arguments.json:
        print(json.dumps({"seconds": seconds, "limit": LIMIT_S, "over": longest > LIMIT_S}))
    else:
        verdict = "FAIL" if longest > LIMIT_S else "PASS"
        print(
            f"a death is told after {statistics.median(seconds):.2f} s, {longest:.2f} s at the most of {DEATHS}; "
            f"at most {LIMIT_S:g} s: {verdict}"
        )
    return int(longest > LIMIT_S)


if __name__ == "__main__":
    raise SystemExit(main())
