# SPDX-License-Identifier: Apache-2.0
"""Named tuples by annotations, as typing has them, without typing: a third of what an import of this package took.

Type checkers see typing's own NamedTuple in its place.
"""

from __future__ import annotations

from collections import namedtuple

_MADE_ALREADY = {"__annotations__", "__module__", "__slots__"}


class _Fields(type):
    """Makes a named tuple of each subclass, with the annotated fields and the defaults and methods of its body."""

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, object]) -> type:
        if not bases:
            return super().__new__(cls, name, bases, body)
        fields = body["__annotations__"]
        assert isinstance(fields, dict)
        defaults = [body[field] for field in fields if field in body]
        made = namedtuple(name, fields, defaults=defaults, module=str(body["__module__"]))  # type: ignore[misc]
        made.__annotations__ = fields
        for key, value in body.items():
            if key not in _MADE_ALREADY and key not in fields:
                setattr(made, key, value)
        return made


class NamedTuple(metaclass=_Fields):
    """The base of named tuples; what is derived from it are tuples, and not of this class."""
