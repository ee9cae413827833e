#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# FFmpeg's aresample=async=N stretches sound until it has as many samples as its times say: documented so, used so. Where
# rate and format need no conversion (libswresample 6.3.102, in PyAV 18.1.0) it never makes good what it tolerated first.
# Up to min_comp samples go through as they are. When they are off by more, the resampler is started, and with that the
# times of the output begin anew at the input's: they jump by all that was off. What drifts later is compensated, this
# offset stays for ever, in the samples: 1 ms by default, but 30 ms for min_comp=0.03, beside a jump in the timestamps that
# async is there to avoid. A conversion of the rate (44100 to 48000) has its resampler from the start, and no jump;
# flags=+res has it too, at the price of bit-exactness.
# Exits 0 while that is so. Needs Python 3.11 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check av==18.1.0
venv/bin/python - <<'PYTHON'
from fractions import Fraction

import av


def jumps(rate, options):
    """Of the output's times, in samples at 48 kHz, for half a minute of a source that is slow by 0.2 %."""
    graph = av.filter.Graph()
    graph.link_nodes(
        graph.add_abuffer(sample_rate=rate, format="s16", layout="mono", time_base=Fraction(1, 1_000_000)),
        graph.add("aresample", f"48000:async=500:min_hard_comp=10:{options}"),
        graph.add("abuffersink"),
    ).configure()
    found, end = [], None
    for at in range(0, rate * 30, 480):
        frame = av.AudioFrame(format="s16", layout="mono", samples=480)
        frame.planes[0].update(bytes(960))
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, 1_000_000), round(at * 1_002_000 / rate)
        graph.push(frame)
        while True:
            try:
                ready = graph.pull()
            except (av.error.BlockingIOError, EOFError):
                break
            if end is not None and abs(ready.pts - end) > 1:
                found.append(ready.pts - end)
            end = ready.pts + ready.samples
    return found


for rate, options, least in (
    (48000, "min_comp=0.001", 48),
    (48000, "min_comp=0.01", 480),
    (48000, "min_comp=0.03", 1440),
    (44100, "min_comp=0.03", 0),
    (48000, "min_comp=0.03:flags=+res", 0),
):
    found = jumps(rate, options)
    print(f"{rate} to 48000, {options}: the output's times jump by {found} samples")
    assert len(found) == (least > 0) and all(least <= jump < least + 48 for jump in found), "this has changed"
PYTHON
