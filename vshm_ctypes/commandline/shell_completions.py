# SPDX-License-Identifier: Apache-2.0
"""What shells offer for an argument, in the format of shtab: a function for each shell, defined in its preamble."""

from __future__ import annotations

from argparse import Action
from typing import Any

# Anybody may choose a name in /dev/shm, and a shell runs what it expands: names are matched by patterns, and quoted
# before they go into the command line. Only regular files are offered, without semaphores and published counters.
_BASH_RINGS = """_vshm_rings() {
  local path
  for path in /dev/shm/*; do
    [[ -f $path && ! -L $path && ${path#/dev/shm/} == "$1"* ]] || continue
    case ${path#/dev/shm/} in sem.* | vshm_consumer_* | vshm_bridge_* | video_sem_*) continue ;; esac
    printf '%q\\n' "${path#/dev/shm/}"
  done
}"""
_ZSH_RINGS = """_vshm_rings() {
  local -a names
  names=(/dev/shm/*(N.:t))
  compadd -- ${names:#(sem.*|vshm_consumer_*|vshm_bridge_*|video_sem_*)}
}"""
_FISH_RINGS = """function _vshm_rings
  for path in /dev/shm/*
    set -l name (string replace /dev/shm/ '' -- $path | string collect)
    test -f $path; and not test -L $path; or continue
    string match -qr '^(sem\\.|vshm_consumer_|vshm_bridge_|video_sem_)|[[:cntrl:]]' -- $name; or printf '%s\\n' $name
  end
end"""

COMPLETE_RING: dict[str, Any] = {
    "bash": "_vshm_rings",
    "zsh": "_vshm_rings",
    "fish": "(_vshm_rings)",
    "preamble": {"bash": _BASH_RINGS, "zsh": _ZSH_RINGS, "fish": _FISH_RINGS},
}
COMPLETE_FILE: dict[str, Any] = {
    "bash": "_shtab_compgen_files",
    "zsh": "_files",
    "tcsh": "f",
    "fish": "(__fish_complete_path (commandline -ct))",
}


def words_and(words: tuple[str, ...], pattern: str, function: str) -> dict[str, Any]:
    """Return completion by a function of that name: the given words, and the files that match pattern, if not empty.

    The pattern must match names that only the system chooses.
    """
    listed = " ".join(words)
    found = pattern and f"{pattern}(N)"
    return {
        "bash": function,
        "zsh": function,
        "fish": f"({function})",
        "preamble": {
            "bash": f"""{function}() {{
  local word
  for word in {listed} {pattern}; do
    [[ $word == "$1"* && ($word != /* || -e $word) ]] && printf '%s\\n' "$word"
  done
}}""",
            "zsh": f"""{function}() {{
  compadd -- {listed} {found}
}}""",
            "fish": f"""function {function}
  set -l found {pattern}
  printf '%s\\n' {listed} $found
end""",
        },
    }


def completed(argument: Action, by: dict[str, Any]) -> None:
    """Set what a shell offers for an argument."""
    argument.complete = by  # type: ignore[attr-defined]
