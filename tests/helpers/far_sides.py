# SPDX-License-Identifier: Apache-2.0
"""The far sides of bridges: servers and receivers of others, and what they got, as ffprobe tells."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from judges import SYSTEM_PYTHON, ffmpeg, ffprobe, missing
from writers import WATCHDOG_S, wait_until

# How ffprobe listens for RTSP: without a time, FFmpeg from 8.1 on refuses its own default.
RTSP = ("-rtsp_flags", "listen", "-listen_timeout", "600")
ASK_RTSP_SERVER = """
import gi
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GstRtspServer
"""
# What GStreamer's server does with what clients RECORD, by their session descriptions' order.
RTSP_SERVER = """
import sys
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
gi.require_version("GstRtsp", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtsp, GstRtspServer
Gst.init(None)
port, launch, user, password, certificate, key = sys.argv[1:]
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)
factory = GstRtspServer.RTSPMediaFactory()
factory.set_launch(launch)
factory.set_transport_mode(GstRtspServer.RTSPTransportMode.RECORD)
if user or certificate:
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "user")
    if user:
        auth.add_digest(user, password, token)
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    else:
        auth.set_default_token(token)
    if certificate:
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_files(certificate, key))
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("user", "media.factory.access", True)
    permissions.add_permission_for_role("user", "media.factory.construct", True)
    factory.set_permissions(permissions)
server.get_mount_points().add_factory("/live", factory)
if server.attach(None) == 0:
    raise SystemExit("the port is in use")
print("ready", flush=True)
GLib.MainLoop().run()
"""
LEAVE_S = 10.0
PICTURES = {"h264": "rtph264depay name=depay0 ! h264parse", "h265": "rtph265depay name=depay0 ! h265parse"}


class Packet(NamedTuple):
    """A packet that arrived: its stream, its time in seconds, whether it is a keyframe, and its bytes' MD5."""

    stream: int
    pts_s: float | None
    key: bool
    md5: str


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a port of this machine that nobody uses."""
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def packets(source: str | Path, *options: str) -> list[Packet]:
    """Return the packets of a file."""
    command = [ffprobe(), "-v", "error", *options, *PACKETS, str(source)]
    return told_packets(subprocess.run(command, capture_output=True, text=True, timeout=WATCHDOG_S, check=True).stdout)


# A packet a line, so that what was told before ffprobe was ended can be read.
PACKETS = ["-show_packets", "-show_data_hash", "md5", "-of", "compact"]


def told_packets(text: str) -> list[Packet]:
    """Return the packets that ffprobe told, also where it was ended in the middle of a line."""
    found = []
    for line in text.replace("\n|", "|").splitlines():  # ffprobe breaks the line after side data
        told = dict(part.partition("=")[::2] for part in line.split("|"))
        if line.startswith("packet|") and "data_hash" in told:
            pts_s = None if told["pts_time"] == "N/A" else float(told["pts_time"])
            md5 = told["data_hash"].removeprefix("MD5:")
            found.append(Packet(int(told["stream_index"]), pts_s, "K" in told["flags"], md5))
    return found


def picture_hashes(source: str | Path, *options: str) -> list[str]:
    """Return the hash of each decoded picture of a file. Fails if the decoder says anything of damage."""
    command = [ffmpeg(), "-v", "error", "-xerror", *options, "-i", str(source), "-map", "0:v:0", "-fps_mode"]
    # A second each: in the time base that FFmpeg chooses for them, two pictures may have one time.
    command += ["passthrough", "-vf", "setpts=N/TB", "-f", "framehash", "-hash", "md5", "-"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=WATCHDOG_S, check=False)
    assert result.returncode == 0, result.stderr
    return [line.rpartition(",")[2].strip() for line in result.stdout.splitlines() if not line.startswith("#")]


@contextmanager
def rtsp_server(
    port: int, pipeline: str, user: str = "", password: str = "", *, certificate: str | Path = "", key: str | Path = ""
) -> Iterator["subprocess.Popen[str]"]:
    """Run GStreamer's RTSP server, which takes what is published to /live, until the block ends.

    certificate, key: files in PEM, with which it speaks TLS.
    """
    asked = subprocess.run([SYSTEM_PYTHON, "-c", ASK_RTSP_SERVER], capture_output=True, check=False)
    if asked.returncode:
        missing("no GStreamer RTSP server here")
    command = [
        SYSTEM_PYTHON,
        "-c",
        RTSP_SERVER,
        str(port),
        f"( {pipeline} )",
        user,
        password,
        str(certificate),
        str(key),
    ]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


@contextmanager
def listening_ffprobe(url: str, path: Path, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """Run ffprobe as a server of its own, which writes to path what it is sent.

    At the end of the block it has time to end by itself, as it does once its client has taken leave.
    """
    command = [ffprobe(), "-v", "error", *options, *PACKETS, url]
    with path.open("w") as file, subprocess.Popen(command, stdout=file, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
            with suppress(subprocess.TimeoutExpired):
                process.wait(LEAVE_S)
        finally:
            process.terminate()


@contextmanager
def listener(reads: bool) -> Iterator[tuple[int, list[int]]]:
    """Accept connections on a port, and read from them or not. Yields the port, and the bytes read of each."""
    over, counts, taken = threading.Event(), list[int](), list[socket.socket]()

    def serve() -> None:
        server.settimeout(0.1)
        while not over.is_set():
            try:
                taken.append(server.accept()[0])
                counts.append(0)
                taken[-1].settimeout(0.02)
            except TimeoutError:
                pass
            for at, one in enumerate(taken if reads else []):
                try:
                    counts[at] += len(one.recv(1 << 20))
                except OSError:
                    continue

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1], counts
        finally:
            over.set()
            thread.join()
            for one in taken:
                one.close()


def wait_for_port(port: int) -> None:
    """Wait until somebody listens on a TCP port, without connecting to it."""
    needle = f":{port:04X} "

    def listens() -> bool:
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        return any(needle in line and line.split()[3] == "0A" for line in lines)

    wait_until(listens, f"somebody listens on port {port}")


def into(path: Path) -> str:
    """Return the end of a pipeline that writes whatever it gets into a file, at once."""
    return f"filesink location={path} sync=false async=false buffer-mode=unbuffered"


def wait_for_begin(path: Path) -> None:
    """Wait until a far side has written something into a file: on a busy machine it may take seconds to.

    What had been sent to it before is lost if the session ends meanwhile.
    """
    wait_until(lambda: path.exists() and path.stat().st_size > 0, "the file has begun")


def whole_size(path: Path) -> int:
    """Return the size of a file once it has begun, and does not grow any more."""
    wait_for_begin(path)
    before = -1
    while (now := path.stat().st_size) != before:
        before = now
        time.sleep(1)
    return now
