# SPDX-License-Identifier: Apache-2.0
"""Which way the arrows run: hil -> vshm_ctypes -> lib, and inside lib from the handles down to the bytes."""

import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from import_order import COMMANDS, imports_of, plant
from writers import BUILD, ROOT

# ---- Python ----

NEVER_IMPORTED = {"tests", "ci", "hil"}
GPL = {"v4l2py", "linuxpy"}
STANDARD = set(sys.stdlib_module_names)

MEASURED = Path("hil/bench/peers/shared_memory.py")  # what this library is compared with


def python_violations(root: Path) -> list[str]:
    found = []
    for layer in ("vshm_ctypes", "hil", "tests", "ci"):
        for path in sorted((root / layer).rglob("*.py")):
            where = path.relative_to(root)
            is_example = where.parts[:2] == ("vshm_ctypes", "examples")
            is_web = where.parts[:3] == ("vshm_ctypes", "cli", "web") or where.parts[1] == "serving"
            is_pictures = where.parts[:2] == ("vshm_ctypes", "pictures")
            is_main = where.parts[:2] == ("vshm_ctypes", "__main__.py") or where.parent.name == "rthooks"
            height = len(COMMANDS) if is_main else COMMANDS.index(where.parts[1]) if where.parts[1] in COMMANDS else -1
            is_cli = height >= 0
            for module, when in imports_of(path, where.parent.parts):
                top = module.partition(".")[0]
                if module.startswith("multiprocessing.shared_memory") and where != MEASURED:
                    found.append(f"{where}: {module} unlinks what it only attached to")
                if top in NEVER_IMPORTED - {"hil", layer} or (top == "hil" and layer not in {"hil", "tests"}):
                    found.append(f"{where} imports {module}")
                if top in GPL and layer != "hil":
                    found.append(f"{where} imports {module}, which is GPL")
                if layer == "hil" and module.startswith("vshm_ctypes.cli"):
                    found.append(f"{where} imports {module}: what both need is no verb's")
                if layer != "vshm_ctypes":
                    continue
                if any(module.startswith(f"vshm_ctypes.{one}") for one in COMMANDS[height + 1 :]):
                    found.append(f"{where} imports {module}, which is above it")
                if module.startswith("vshm_ctypes.examples") and not is_example:
                    found.append(f"{where}: nobody imports examples")
                if module.startswith("vshm_ctypes.cli.web") and not is_web and when == "load":
                    found.append(f"{where} loads the web server")
                if module.startswith("vshm_ctypes.pictures") and not (is_pictures or is_example) and when == "load":
                    found.append(f"{where} loads numpy and PyAV")
                if is_pictures and top in {"av", "numpy"}:  # loaded at its first use only
                    continue
                if top == "PyInstaller" and path.name.startswith("hook-"):  # which alone runs them
                    continue
                if is_example or is_web:  # programs of their own, and what only one verb loads
                    continue
                if top not in STANDARD | {"vshm_ctypes"} and when != "types" and (when == "load" or not is_cli):
                    found.append(f"{where} depends on {module}")
    return found


def test_python_arrows_point_one_way() -> None:
    assert python_violations(ROOT) == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("vshm_ctypes/frame.py", "import hil.fleet"),
        ("vshm_ctypes/frame.py", "from tests import conftest"),
        ("vshm_ctypes/frame.py", "def f():\n    import numpy"),
        ("vshm_ctypes/frame.py", "from .pictures import reader"),
        ("vshm_ctypes/pictures/reader.py", "import cv2"),
        ("vshm_ctypes/pictures/reader.py", "from ..cli import show"),
        ("vshm_ctypes/frame.py", "from linuxpy.video import device"),
        ("vshm_ctypes/frame.py", "from .cli import show"),
        ("vshm_ctypes/frame.py", "from .commandline.output import printable"),
        ("vshm_ctypes/commandline/output.py", "from ..cli import show"),
        ("vshm_ctypes/commandline/output.py", "from ..serving import listening"),
        ("vshm_ctypes/commandline/output.py", "import rich"),
        ("vshm_ctypes/bundles/archive.py", "from ..cli.bundle import page"),
        ("vshm_ctypes/frame.py", "from multiprocessing import shared_memory"),
        ("vshm_ctypes/frame.py", "if TYPE_CHECKING:\n    import hil"),
        ("vshm_ctypes/frame.py", "from . import cli"),
        ("vshm_ctypes/cli/show.py", "import rich"),
        ("vshm_ctypes/cli/show.py", "from ..examples import recorder"),
        ("vshm_ctypes/cli/serve.py", "from .web import app"),
        ("vshm_ctypes/cli/web/app.py", "from v4l2py import Device"),
        ("vshm_ctypes/examples/recorder.py", "import linuxpy"),
        ("vshm_ctypes/examples/recorder.py", "from vshm_ctypes.cli import files"),
        ("vshm_ctypes/cli/show.py", "from ...hil import fleet\nimport av"),
        ("hil/fleet.py", "from ci import x"),
        ("hil/fleet.py", "from vshm_ctypes.cli.output import printable"),
        ("hil/fleet.py", "from multiprocessing.shared_memory import SharedMemory"),
        ("tests/test_x.py", "import v4l2py"),
    ],
)
def test_a_wrong_import_is_found(tmp_path: Path, file: str, line: str) -> None:
    plant(tmp_path, file, line)
    assert python_violations(tmp_path)


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("vshm_ctypes/frame.py", "import ctypes\nfrom . import errors\nfrom vshm_ctypes.errors import X"),
        ("vshm_ctypes/frame.py", "if TYPE_CHECKING:\n    from typing_extensions import Buffer"),
        ("vshm_ctypes/cli/show.py", "from ..errors import X\nfrom . import table"),
        ("vshm_ctypes/cli/bundle/page.py", "from ...commandline.output import X\nfrom ...bundles import members"),
        ("vshm_ctypes/serving/client_limits.py", "import aiohttp\nfrom ..commandline.rate_limited_log import Seldom"),
        ("vshm_ctypes/cli/web/app.py", "import aiohttp\nfrom ..list import listed"),
        ("vshm_ctypes/cli/serve.py", "def f():\n    from .web import app"),
        (
            "vshm_ctypes/examples/recorder.py",
            "import av\nfrom vshm_ctypes import Consumer\nfrom .mqtt import ADVICE",
        ),
        ("vshm_ctypes/cli/show.py", "def f():\n    import rich\n    from vshm_ctypes import Consumer"),
        ("hil/fleet.py", "import linuxpy, vshm_ctypes, multiprocessing\nfrom vshm_ctypes.commandline import output"),
    ],
)
def test_a_right_import_is_let_through(tmp_path: Path, file: str, line: str) -> None:
    plant(tmp_path, file, line)
    assert python_violations(tmp_path) == []


# ---- lib ----

# Each layer may include itself and what its set names; nothing else of ours.
LAYERS = {
    "bytes": {"layout", "geometry", "hot", "shared", "video_shm"},
    "algorithm": {"ring", "ring_v1", "cursor"},
    "system": {
        "segment",
        "beginning",
        "descriptor",
        "wait",
        "wait_any",
        "semaphores",
        "tokens",
        "usher",
        "slices",
        "process",
        "log",
        "cancel",
        "mask",
        "options",
        "pool",
        "probes",
    },
    "sides": {"writer", "takeover", "forks", "attachment", "reader", "reader_any", "reader_figures", "inspect"},
    "handles": {
        "producer",
        "producer_write",
        "consumer",
        "consumer_any",
        "consumer_original",
        "consumer_read",
        "picture",
    },
}
BELOW = {
    "bytes": set[str](),
    "algorithm": {"bytes"},
    "system": {"bytes"},
    "sides": {"bytes", "algorithm", "system"},
    "handles": {"bytes", "algorithm", "system", "sides"},
}
WRITER_SIDE = {"writer", "takeover", "forks", "producer", "producer_write", "semaphores", "usher", "slices", "tokens"}
READER_SIDE = {
    "attachment",
    "reader",
    "reader_any",
    "reader_figures",
    "consumer",
    "consumer_any",
    "consumer_original",
    "consumer_read",
    "cursor",
}

# These make no system call: they see no header that declares one.
PURE = {"layout", "geometry", "ring", "ring_v1", "cursor"}
PURE_HEADERS = {"assert", "errno", "limits", "stdatomic", "stdbool", "stddef", "stdint", "string"}
PURE_SYMBOLS = re.compile(r"mem(cpy|set|move|cmp)|strcmp|__errno_location|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_")


def layer_of(noun: str) -> str | None:
    return next((layer for layer, nouns in LAYERS.items() if noun in nouns), None)


def includes_of(path: Path, quote: str) -> list[str]:
    return re.findall(rf'^\s*#\s*include\s*[{quote}]([\w/]+)\.h[">]', path.read_text(), re.MULTILINE)


def lib_violations(lib: Path) -> list[str]:
    found = []
    headers: dict[str, list[str]] = {}
    for path in sorted([*lib.glob("src/*.[ch]"), *lib.glob("include/*.h")]):
        noun, own = path.stem, includes_of(path, '"')
        layer = layer_of(noun)
        if layer is None:
            found.append(f"{path.name} has no layer: give it one in {Path(__file__).name}")
            continue
        if path.suffix == ".h":
            headers[noun] = own
        for other in own:
            if layer_of(other) not in BELOW[layer] | {layer}:
                found.append(f"{path.name} includes {other}.h, which is not below it")
            for side, far in ((WRITER_SIDE, READER_SIDE), (READER_SIDE, WRITER_SIDE)):
                if noun in side and other in far:
                    found.append(f"{path.name} includes {other}.h of the other side")
        if noun in PURE:
            found += [f"{path.name}: {header}.h" for header in includes_of(path, "<") if header not in PURE_HEADERS]
        if re.search("python|ctypes", path.read_text(), re.IGNORECASE):
            found.append(f"{path.name} speaks of Python")
    try:
        TopologicalSorter(headers).prepare()
    except CycleError as error:
        found.append(f"headers include each other: {error.args[1]}")
    return found


def elements_violations(lib: Path) -> list[str]:
    """Return what the GStreamer elements include of ours beside each other and the public header."""
    folder = lib / "gstreamer"
    own = {path.stem for path in folder.glob("*.h")}
    return [
        f"{path.name} includes {other}.h, which is not the elements' own"
        for path in sorted(folder.glob("*.[ch]"))
        for other in includes_of(path, '"')
        if other not in own
    ]


def test_the_gstreamer_elements_know_the_public_header_alone() -> None:
    assert elements_violations(ROOT / "lib") == []


def test_an_element_that_includes_the_librarys_own_headers_is_found(tmp_path: Path) -> None:
    (tmp_path / "gstreamer").mkdir()
    (tmp_path / "gstreamer" / "source.c").write_text('#include "reader.h"\n')
    assert elements_violations(tmp_path)


def test_lib_includes_point_down() -> None:
    assert lib_violations(ROOT / "lib") == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("ring.c", '#include "wait.h"'),
        ("ring.c", "#include <unistd.h>"),
        ("ring.h", '#include "producer.h"'),
        ("segment.c", '#include "ring.h"'),
        ("wait.c", '#include "reader.h"'),
        ("reader.c", '#include "writer.h"'),
        ("stray.c", ""),
        ("log.c", "/* for Python */"),
        ("segment.h", '#include "process.h"\n#include "semaphores.h"'),
    ],
)
def test_a_wrong_include_is_found(tmp_path: Path, file: str, line: str) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "semaphores.h").write_text('#include "segment.h"\n')
    (tmp_path / "src" / file).write_text(line + "\n")
    assert lib_violations(tmp_path)


@pytest.mark.parametrize("noun", sorted(PURE))
def test_pure_objects_call_nothing_of_the_system(noun: str) -> None:
    compiled = BUILD / "CMakeFiles" / "video_shm_objects.dir" / "src" / f"{noun}.c.o"
    assert compiled.exists(), "ci/test build"
    listing = subprocess.run(["nm", "-u", "-j", compiled], check=True, capture_output=True, text=True).stdout
    own = tuple(f"{pure}_" for pure in PURE)
    foreign = [name for name in listing.split() if not name.startswith(own) and not PURE_SYMBOLS.fullmatch(name)]
    assert foreign == []
