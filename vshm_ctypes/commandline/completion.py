# SPDX-License-Identifier: Apache-2.0
"""What a shell needs to complete the words of one of our commands."""

from __future__ import annotations

from argparse import Action, ArgumentParser
from collections.abc import Iterator
from pathlib import Path

from .output import complain, print_json
from .shell_completions import COMPLETE_FILE, completed
from .verb import Exit

SHELLS = ("bash", "zsh", "fish", "tcsh")


def _arguments(parser: ArgumentParser) -> Iterator[Action]:
    """Yield the arguments of a parser and of its verbs."""
    for action in parser._actions:
        yield action
        verbs = action.choices if action.nargs == "A..." and isinstance(action.choices, dict) else {}
        for verb in verbs.values():
            yield from _arguments(verb)


def script_of(parser: ArgumentParser, shell: str) -> str:
    """Return the completion script for a shell. Raises ModuleNotFoundError if shtab is not installed."""
    import shtab

    for argument in _arguments(parser):
        if argument.type is Path and not hasattr(argument, "complete"):
            completed(argument, COMPLETE_FILE)
    script: str = shtab.complete(parser, shell)
    # The end of it registers the function by eval, and runs it if it was autoloaded; <(...) is a file that is sourced.
    return script.replace("[[ $zsh_eval_context[-1] == eval ]]", "[[ $zsh_eval_context[-1] == (eval|file) ]]")


def print_script(program: str, parser: ArgumentParser, shell: str, as_json: bool = False) -> int:
    """Print the completion script, for ``eval "$(...)"`` or ``source <(...)``.

    Returns exit code 0, or 1 if shtab is not installed.
    """
    try:
        script = script_of(parser, shell)
    except ModuleNotFoundError as error:
        if error.name != "shtab":
            raise
        complain("completion needs shtab: pip install 'video-shm[cli]'", program)
        return Exit.FINDING
    print_json({"shell": shell, "script": script}) if as_json else print(script)
    return Exit.HEALTHY


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of a verb that prints a completion script."""
    parser.add_argument("shell", choices=SHELLS, help="which shell")
