# SPDX-License-Identifier: Apache-2.0
"""vshm completion: what a shell needs to complete vshm's words."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from .output import complain, print_json
from .verb import COMPLETE_RING, Exit, Verb

# Names are anybody's choice, and a shell runs what it expands: they are matched by patterns, and quoted where they go
# into the command line. Only regular files are offered, without semaphores and what readers publish.
_BASH = """{function}() {{
  local path
  for path in /dev/shm/*; do
    [[ -f $path && ! -L $path && ${{path#/dev/shm/}} == "$1"* ]] || continue
    case ${{path#/dev/shm/}} in sem.* | vshm_consumer_* | video_sem_*) continue ;; esac
    printf '%q\\n' "${{path#/dev/shm/}}"
  done
}}"""
_ZSH = """{function}() {{
  local -a names
  names=(/dev/shm/*(N.:t))
  compadd -- ${{names:#(sem.*|vshm_consumer_*|video_sem_*)}}
}}"""
PREAMBLE = {
    "bash": _BASH.format(function=COMPLETE_RING["bash"]),
    "zsh": _ZSH.format(function=COMPLETE_RING["zsh"]),
}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="which shell")


def run(arguments: Namespace) -> int:
    """Print the script that makes the shell complete: ``eval "$(vshm completion bash)"``."""
    try:
        import shtab
    except ModuleNotFoundError:
        complain("completion needs shtab: pip install 'video-shm[cli]'")
        return Exit.FINDING
    from .main import build_parser

    script = shtab.complete(build_parser(), arguments.shell, preamble=PREAMBLE.get(arguments.shell, ""))
    if arguments.json:
        print_json({"shell": arguments.shell, "script": script})
    else:
        print(script)
    return Exit.HEALTHY


VERB = Verb("completion", "print a shell's completion script", add_arguments, run)
