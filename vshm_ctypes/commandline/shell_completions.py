# SPDX-License-Identifier: Apache-2.0
"""What shells offer for an argument, in the format of shtab: a function for each shell, defined in its preamble."""

from __future__ import annotations

from argparse import Action
from typing import Any

# Anybody may choose a name in /dev/shm, and a shell runs what it expands: names are matched by patterns, and quoted
# before they go into the command line. Only regular files are offered, without semaphores and published counters. They
# have the slash that all messages print where one was typed, and where they would be options or numbers of channels.
_BASH_RINGS = r"""_vshm_rings() {
  local typed=${COMP_WORDS[COMP_CWORD]} quote='' ended="'\\''" bang="\"'!'\"" path name word letter
  [[ $typed == [\"\']* ]] && quote=${typed:0:1} typed=${typed:1}
  for path in /dev/shm/*; do
    name=${path#/dev/shm/}
    [[ -f $path && ! -L $path ]] || continue
    case $name in sem.* | vshm_consumer_* | vshm_bridge_* | video_sem_*) continue ;; esac
    [[ $typed == /* || $typed != -* && ($name == -* || $name != *[!0-9]*) ]] && name=/$name
    word=$name
    case $quote in
      "'") word=${word//\'/"$ended"} ;;
      '"')
        for letter in '\' '$' '`' '"'; do word=${word//"$letter"/"\\$letter"}; done
        word=${word//!/"$bang"}
        ;;
      *) printf -v word %q "$name" ;;
    esac
    [[ $quote && $name == *[[:cntrl:]]* ]] && continue
    [[ $name == "$typed"* || $word == "$typed"* ]] && printf '%s\n' "$word"
  done
}"""
_ZSH_RINGS = """_vshm_rings() {
  local -a names
  names=(/dev/shm/*(N.:t))
  names=(${names:#(sem.*|vshm_consumer_*|vshm_bridge_*|video_sem_*)})
  if [[ $PREFIX == /* ]]; then
    names=(/${^names})
  elif [[ $PREFIX != -* ]]; then
    names=(${names:#(-*|<->)} /${^${(M)names:#(-*|<->)}})
  fi
  compadd -- $names
}"""
_FISH_RINGS = r"""function _vshm_rings
  set -l typed (commandline -ct)
  for path in /dev/shm/*
    set -l name (string replace /dev/shm/ '' -- $path | string collect)
    test -f $path; and not test -L $path; or continue
    string match -qr '^(sem\.|vshm_consumer_|vshm_bridge_|video_sem_)|[[:cntrl:]]' -- $name; and continue
    if not string match -q -- '-*' "$typed"; and string match -qr '^(-|\d+$)' -- $name
      or string match -qr '^["\']?/' -- "$typed"
      set name /$name
    end
    printf '%s\n' $name
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
