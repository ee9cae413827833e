# SPDX-License-Identifier: Apache-2.0
"""The programs in the documents, C and Python: compiled, run beside a writer, and ended as by Ctrl-C."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from corpus.table import streams
from documents import programs
from writers import BUILD, ROOT, wait_until

PICTURE = next(stream for stream in streams() if stream.name == "idr_pictures_only.h264")
JPEG = b"\xff\xd8\xff\xd9"
# Writes a picture, its sound, and a raw picture, ten times a second; and the picture to channels too.
WRITER = """
import sys
import time
from pathlib import Path
from vshm_ctypes import AudioFormat, Codec, Media, Producer, picture_layout

raw = picture_layout(Codec.RGB24, 32, 10)
with (
    Producer() as pictures,
    Producer("audio_stream", media=Media.AUDIO) as sounds,
    Producer(3, slots=240, slot_size=raw.size) as raws,  # a program that borrows may need seconds for its imports
):
    rings = [pictures, *(Producer(channel) for channel in sys.argv[2:])]
    print("ready", flush=True)
    while True:
        sounds.write(bytes(9600), codec=Codec.PCM_S16LE, **AudioFormat(48000, 1, 4800).meta())
        for ring in rings:
            ring.write(Path(sys.argv[1]).read_bytes(), keyframe=True, width=64, height=48, fps=10)
        raws.write(bytes(raw.size), fps=10, **raw.meta())
        time.sleep(0.1)
"""
C, PYTHON = dict(programs("c")), dict(programs("python"))


@pytest.fixture
def writer(request: pytest.FixtureRequest, alone: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    picture = tmp_path_factory.mktemp("writer") / "picture.h264"
    picture.write_bytes(PICTURE.data[: PICTURE.sizes[0]])
    program = (C | PYTHON)[request.node.callspec.params["name"]]
    channels = [] if "producer" in program.lower() else ["0", "1"]  # it may write to them itself
    command = [sys.executable, "-c", WRITER, str(picture), *channels]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        yield
        process.kill()


def run_until_it_prints(command: list[str], folder: Path) -> None:
    """Run a program that ends by itself, with 0, or goes on until Ctrl-C once it has printed something."""
    said, errors = folder / "said", folder / "errors"
    with said.open("w") as output, errors.open("w") as trouble:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=trouble)
    try:
        wait_until(lambda: bool(said.read_text()) or process.poll() is not None, f"{command} prints")
        assert said.read_text() or process.poll() == 0, errors.read_text()
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
    finally:
        try:
            code = process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    trouble_told = errors.read_text()
    assert code in (0, -signal.SIGINT, 130), trouble_told
    assert "Traceback" not in trouble_told or "KeyboardInterrupt" in trouble_told, trouble_told


def test_there_are_programs_in_both_languages() -> None:
    assert len(C) >= 5 and len(PYTHON) >= 10


@pytest.mark.parametrize("name", C)
@pytest.mark.usefixtures("writer")
def test_each_program_in_c(tmp_path: Path, name: str) -> None:
    (tmp_path / "program.c").write_text(C[name])
    flags = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{ROOT / 'lib' / 'include'}"]
    link = [f"-L{BUILD}", f"-Wl,-rpath,{BUILD}", "-lvideo_shm"]
    subprocess.run(["cc", *flags, "program.c", "-o", "program", *link], cwd=tmp_path, check=True)
    run_until_it_prints(["stdbuf", "-oL", "./program"], tmp_path)


@pytest.mark.parametrize("name", PYTHON)
@pytest.mark.usefixtures("writer")
def test_each_program_in_python(tmp_path: Path, name: str) -> None:
    if "import numpy" in PYTHON[name]:
        pytest.importorskip("numpy")
    (tmp_path / "picture.jpg").write_bytes(JPEG)
    (tmp_path / "program.py").write_text(PYTHON[name])
    run_until_it_prints([sys.executable, "-u", "program.py"], tmp_path)
