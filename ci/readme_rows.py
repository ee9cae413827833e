# SPDX-License-Identifier: Apache-2.0
"""What readme_walk.py does with each command of README.md and of the pages in lib/doc."""

from __future__ import annotations

from dataclasses import dataclass

DEMO = "vshm demo --no-browser"
SOUND = "camera-streamer --device testsrc:320x240@15 --audio testaudio"
ELSEWHERE = "run by a stage of its own, or takes hours"
NO_CAMERA = "here is no camera, and that is said"
BOARDS = "needs boards"


@dataclass
class Row:
    """What to do with a command.

    begins: how it begins. expect: what it prints. code: its exit code, None for any. lasts: whether it runs until
    Ctrl-C. beside: what runs meanwhile. more: further arguments. why: why it is left out.
    """

    begins: str
    expect: str = ""
    code: int | None = 0
    lasts: bool = False
    beside: str = ""
    more: str = ""
    why: str = ""
    used: bool = False


ROWS = [
    Row("sudo apt install python3-venv", why="was done, for this walk to have a Python"),
    Row("sudo apt install", more=" -y -q --no-install-recommends"),
    Row("python3 -m venv"),
    Row("pip install 'video-shm[demo]'", more=" -q"),
    Row("vshm demo", "is shown at http://", lasts=True),
    Row("pip install 'video-shm", more=" -q"),
    Row("pip install video-shm", more=" -q"),
    Row("pip install '.", why="from a clone: tests/project/test_package.py"),
    Row("camera-streamer --list", "no camera", code=None),
    Row("camera-streamer --preset", "channel|fps", lasts=True, more=" --device testsrc:320x240@15"),
    Row("camera-streamer --websocket", "fps", lasts=True, more=" --device testsrc:320x240@15"),
    Row("camera-streamer --device usb", "camera|device", code=1),
    Row("camera-streamer --channel 0:1280x720@30 --channel 3", "fps", lasts=True, more=" --device testsrc"),
    Row("camera-streamer --channel 0:1280x720@30", "fps", lasts=True, more=" --device testsrc"),
    Row("camera-streamer --channel 0:slots", "fps", lasts=True, more=" --device testsrc"),
    Row("camera-streamer --channel 0:gop", "fps", lasts=True, more=" --device testsrc:320x240@15"),
    Row("camera-streamer --channel 0:codec=h265", "fps", lasts=True, more=" --device testsrc:320x240@15"),
    Row("camera-streamer --audio alsa", why="needs a microphone: ci/full sound-drift"),
    Row("camera-streamer --completion bash", "complete"),
    Row("camera-streamer", "camera", code=1),
    Row("vshm list", "video_stream", beside=DEMO),
    Row("vshm show 1", "video_stream_ch1", beside="camera-streamer --device testsrc:320x240@15 --channel 1:"),
    Row("vshm show", "video_stream", beside=DEMO),
    Row("vshm watch --log FILE", "", beside=DEMO, more=" -t 3"),
    Row("vshm watch", "", beside=DEMO, more=" -t 3"),
    Row("vshm record --audio", "", beside=SOUND, more=" --force"),
    Row("vshm record --timing", why="vshm record with its option"),
    Row("vshm record", "", beside=DEMO, more=" -t 2 --force"),
    Row("vshm plot FILE"),
    Row("vshm bundle --what", "MEMBER"),
    Row("vshm bundle", "case.tar.zst|bundle", beside=DEMO, more=" --force"),
    Row("vshm serve", "http://", lasts=True),
    Row("vshm export", "http://", lasts=True),
    Row("vshm publish", "-> rtsp://", code=1, beside=DEMO, more=" -t 3"),
    Row("vshm relay export", "relay import", lasts=True, beside=DEMO),
    Row("vshm relay list", why="needs the other machine of its page: tests/bridges/test_relay.py"),
    Row("vshm relay import", why="needs the other machine of its page: tests/bridges/test_relay.py"),
    Row("vshm check --json", "findings", code=None, beside=DEMO),
    Row("vshm check --clean", "OK|finding", code=None, beside=DEMO),
    Row("vshm check", "nothing found|OK", code=None, beside=DEMO),
    Row('eval "$(vshm completion bash)"'),
    Row("vshm completion fish | source", why="is a line of fish: tests/cli/test_completion.py"),
    Row("hil completion bash", "complete"),
    Row(
        "python -m vshm_ctypes.examples.motion_detection --mqtt",
        why="needs a broker: tests/binding/test_example_mqtt.py",
    ),
    Row("python -m vshm_ctypes.examples", "usage"),
    Row("hil vm", why="boots a virtual machine: ci/hil does"),
    Row("hil gate --baseline main", why=ELSEWHERE),
    Row("hil gate promise", why="compiles a build of the library: ci/gate"),
    Row("hil bench --raw", why="takes three minutes: tests/hil/test_bench_peers.py"),
    Row("hil bench --peers", why="takes five minutes: tests/hil/test_bench_peers.py"),
    Row("hil run --camera ring:", why="needs an imported ring: lib/doc/RELAY.md"),
    Row("hil run --camera usb", why="boots a virtual machine: ci/hil does"),
    Row("hil run --camera testsrc", "2 passed", more=" --quick --seconds 2 -k 'consumer_without or nothing_is_left'"),
    Row("hil run", "1 passed", more=" --camera testsrc --quick --seconds 2 -k consumer_without"),
    Row("hil report DIR", "1 passed"),
    Row("hil calibrate", why="runs the suite three times"),
    Row("hil farm", why=BOARDS),
    Row("sudo ci/", why=ELSEWHERE),
    Row("ci/", why=ELSEWHERE),
    Row("gst-inspect-1.0", "Factory Details"),
    Row("gst-launch-1.0", why="needs a camera or a screen, and runs on"),
    Row("cmake -S lib"),
    Row("cmake --build build"),
    Row("ctest", why="needs a build with its tests: ci/test ctest"),
    Row("sudo unshare", why="runs the Python tests: ci/test pytest"),
    Row("sudo cmake --install"),
    Row("cmake --install build-home --prefix"),
    Row("export PKG_CONFIG_PATH"),
    Row("cc reader.c"),
    Row("./reader", "frame [0-9]+: [0-9]+ bytes", lasts=True, beside=DEMO),
]
# What stands for a name in capitals.
NAMES = {"FILE": "walk.log", "DIR": "report", "RING": "video_stream"}
