# SPDX-License-Identifier: Apache-2.0
"""The shell script that runs inside the virtual machine: it loads the cameras and runs the command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import join, quote

from .host_files import HostFiles

OUTPUT, EXIT_CODE, UP, SCRIPT, BOOT_LOG = "output.log", "exit-code", "up", "guest.sh", "boot.log"
KILL_AFTER_S = 10
# Of the webcam input: sizes from 320x180 on, rates up to 60.
CAMERA_PARAMETERS = {"node_types": "0x1", "num_inputs": "1", "input_types": "0x0"}
ONE_PLANE, SEVERAL_PLANES = "1", "2"


def load_words(cameras: int) -> list[str]:
    """Return the command that creates vivid cameras, each with a capture node only, and a multi-planar one last."""
    parameters = {name: [value] * (cameras + 1) for name, value in CAMERA_PARAMETERS.items()}
    parameters["multiplanar"] = [ONE_PLANE] * cameras + [SEVERAL_PLANES]
    words = [f"{name}={','.join(values)}" for name, values in parameters.items()]
    return ["modprobe", "vivid", f"n_devs={cameras + 1}", *words]


def guest_script(
    command: Sequence[str],
    folder: Path,
    files: HostFiles,
    cameras: int,
    seconds: float,
    environment: Mapping[str, str],
) -> str:
    """Return the script. Its output goes into files, since the console would mix it with the kernel's and truncate it.

    folder: of this run, in the results, which are writable. files: what the command sees. seconds: a limit that applies
    even if whoever started the machine is gone.
    """
    in_folder = {name: quote(str(folder / name)) for name in (OUTPUT, EXIT_CODE, UP)}
    limit = f"timeout --foreground -k {KILL_AFTER_S} {seconds:g}"
    lines = [
        "#!/bin/sh",
        f"exec >{in_folder[OUTPUT]} 2>&1 </dev/null",
        f'end() {{ echo "$1" >{in_folder[EXIT_CODE]}.part; mv {in_folder[EXIT_CODE]}.part {in_folder[EXIT_CODE]}; '
        "exit 0; }",
        # A /dev/shm of its own, without the host's rings.
        '[ "$(stat -f -c %T /dev/shm)" = tmpfs ] || mount -t tmpfs -o mode=1777 tmpfs /dev/shm || end "no /dev/shm"',
    ]
    if cameras:
        lines += [
            f"{join(load_words(cameras))} || end 'vivid could not be loaded'",
            "command -v udevadm >/dev/null && udevadm settle --timeout=30",
        ]
    lines += [f"{line} || end 'the files of the host could not be mounted'" for line in files.mount_lines()]
    lines += [
        f"{files.inside('true')} || end 'the folder is not there: {files.cwd.name}'",
        *(f"export {name}={quote(value)}" for name, value in sorted(environment.items())),
        f"HOME=$({files.inside('mktemp -d')}) && export HOME",  # the host's home is read-only
        f": >{in_folder[UP]}",
        f"{limit} {files.inside(join(command))}",
        "end $?",
    ]
    return "\n".join(lines) + "\n"
