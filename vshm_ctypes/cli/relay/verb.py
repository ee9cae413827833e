# SPDX-License-Identifier: Apache-2.0
"""vshm relay: makes a ring of another machine one of this machine, over Zenoh."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, Namespace

from ...commandline.verb import VerbParser
from . import export_verb, import_verb, list_verb

WORDS = {
    "export": ("publish rings of this machine", export_verb),
    "import": ("make rings of other machines here, with the same frames, times and flags", import_verb),
    "list": ("list what is exported on the network", list_verb),
}


def add_arguments(parser: ArgumentParser) -> None:
    chooser = parser.add_subparsers(title="what to do", metavar="WHAT", required=True, parser_class=VerbParser)
    for word, (told, module) in WORDS.items():
        one = chooser.add_parser(word, help=told, description=told)
        # Here again, so that it may stand behind the word, too; SUPPRESS leaves alone what stood before it.
        one.add_argument("--json", action="store_true", default=SUPPRESS, help="JSON for programs instead of text")
        module.add_arguments(one)
        one.set_defaults(relay=module.run)


def run(arguments: Namespace) -> int:
    """Exit 0 after Ctrl-C or SIGTERM; 1: nothing came, the network can't be used, or Zenoh is not installed."""
    code: int = arguments.relay(arguments)
    return code
