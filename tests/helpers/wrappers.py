# SPDX-License-Identifier: Apache-2.0
"""Wrapper libraries that pass each call on to the library, in every possible way."""

import re
import subprocess
from pathlib import Path

from writers import BUILD, ROOT

from hil.gate.promises.header import read_header

LIBRARY = (BUILD / "libvideo_shm.so").resolve()
SONAME = "libvideo_shm.so.1"
HEAD = "#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <errno.h>\n#include <string.h>\n#include <time.h>\n"
BY_PATH = 'dlsym(dlopen("{library}", RTLD_NOW | RTLD_LOCAL), name)'
BY_ORDER = "dlsym(RTLD_NEXT, name)"
FORWARD = """
{result} {name}({given})
{{
    static __typeof__(&{name}) next;
    if (next == NULL)
        next = (__typeof__(next))real("{name}");
    {body}
}}
"""
RESOLVED = """
static void *resolve_{name}(void) {{ return real("{name}"); }}
__attribute__((ifunc("resolve_{name}"))) __typeof__({name}) {name};
"""


def compiled(folder: Path, name: str, source: str, *options: str | Path, compiler: str = "cc") -> Path:
    """Compile a shared library from one file."""
    (folder / f"{name}.c").write_text(source)
    made = folder / f"{name}.so"
    command: list[str | Path] = [
        compiler,
        "-shared",
        "-fPIC",
        f"-I{ROOT / 'lib' / 'include'}",
        "-o",
        made,
        folder / f"{name}.c",
    ]
    subprocess.run([*command, *options], check=True, timeout=60)
    return made


def needing(library: Path) -> list[str | Path]:
    """Return linker options that make the library before them needed."""
    return ["-Wl,--no-as-needed", library, f"-Wl,-rpath,{library.parent}"]


def wrapped(folder: Path, source: str, library: Path = LIBRARY) -> Path:
    """Return a library with some calls of its own, linked with the library, which has the others."""
    return compiled(folder, "wrapper", source, *needing(library))


def forwarding(looked_up: str, bodies: dict[str, str] | None = None, each: str = FORWARD) -> str:
    """Return the source of a library that passes each call on. looked_up: how it finds the next library.

    bodies: by name of a call, the code that replaces it; next is the call of the other library.
    """
    parts = [HEAD, "#include <video_shm.h>\n", f"static void *real(const char *name) {{ return {looked_up}; }}\n"]
    for name, call in read_header().calls.items():
        given = call.text[call.text.index("(") + 1 : call.text.rindex(")")]
        names = ", ".join(re.findall(r"(\w+)(?:,|$)", given)) if call.arguments else ""
        body = (bodies or {}).get(name, f"{'' if call.result == 'void' else 'return '}next({names});")
        parts.append(each.format(result=call.result, name=name, given=given, body=body))
    return "".join(parts)


def by_path(folder: Path, bodies: dict[str, str] | None = None, library: Path = LIBRARY) -> Path:
    """Return a library that opens the library at the first call."""
    return compiled(folder, "by_path", forwarding(BY_PATH.format(library=library), bodies), "-ldl")
