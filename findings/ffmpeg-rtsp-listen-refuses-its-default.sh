#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# FFmpeg 8.1 and 9.0 no longer listen for RTSP by "-rtsp_flags listen" alone, which lets ffplay and ffprobe be published
# to: the option's own default, a listen_timeout of -1 s that means for ever, is handed to TCP in ms since, where -1000 is
# out of range: "Numerical result out of range", at once. With any listen_timeout they listen as before.
# FFmpeg 8.0 and older listen with the default.
#
# Seen: VERSION default: answer, with a time: answer (listens: until PyAV had waited for as long as it may)
#     8.0 default: listens, with a time: listens
#     8.1.2 default: OverflowError, with a time: listens
# So does 9.0.2, in PyAV 19.0.2, which needs Python 3.12 and is not asked here.
# Exits 0 while that is so, 1 where it has changed. Needs Python 3.11 to 3.14 with pip, and a network.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/look.py" <<'PYTHON'
import sys

import av


def answer(**options: str) -> str:
    """Return what comes of listening where nobody will publish."""
    try:
        av.open("rtsp://127.0.0.1:18554/live", options={"rtsp_flags": "listen", **options}, timeout=(3, 3))
    except (av.error.TimeoutError, av.error.ExitError):
        return "listens"
    except av.error.FFmpegError as error:
        return type(error).__name__
    return "opened"


default, timed = answer(), answer(listen_timeout="2")
print(f"{av.ffmpeg_version_info} default: {default}, with a time: {timed}")
raise SystemExit((default, timed) != (sys.argv[1], "listens"))
PYTHON

for versions in 16.0.1:listens 18.1.0:OverflowError; do
	python3 -m venv --clear "$folder/venv"
	"$folder/venv/bin/pip" install --quiet --only-binary av --disable-pip-version-check "av==${versions%:*}"
	"$folder/venv/bin/python" "$folder/look.py" "${versions#*:}"
done
