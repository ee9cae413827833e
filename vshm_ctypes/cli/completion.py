# SPDX-License-Identifier: Apache-2.0
"""vshm completion: what a shell needs to complete vshm's words."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from .output import complain, print_json
from .verb import COMPLETE_RING, Exit, Verb

# What else than rings there is in /dev/shm: semaphores, and what readers publish.
_RINGS = r"cd /dev/shm && ls | grep -v -e '^sem\.' -e '^vshm_consumer_' -e '^video_sem_'"
PREAMBLE = {
    "bash": f'{COMPLETE_RING["bash"]}() {{ compgen -W "$({_RINGS})" -- "$1"; }}',
    "zsh": f'{COMPLETE_RING["zsh"]}() {{ compadd -- ${{(f)"$({_RINGS})"}}; }}',
}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"), help="which shell")


def run(arguments: Namespace) -> int:
    """Print the script that makes the shell complete: ``eval "$(vshm completion bash)"``."""
    try:
        import shtab
    except ImportError:
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
