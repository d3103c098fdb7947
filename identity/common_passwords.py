"""Which passwords are guessed first: the most common ones, and little made of them.

The ranked list of `zxcvbn` is read as data, without its package, which would keep all its lists in memory.
Layer: identity.
"""

from __future__ import annotations

import string
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Final

RANKED: Final = 10_000
UNIT_MIN: Final = 4  # characters that a password must have before it repeats itself
_AROUND: Final = string.digits + string.punctuation + string.whitespace


@cache
def common_passwords() -> frozenset[str]:
    """The most common passwords, case-folded. The first call reads for about 20 ms: not while others wait."""
    package = find_spec("zxcvbn")
    folders = None if package is None else package.submodule_search_locations
    spec = PathFinder.find_spec("frequency_lists", folders) if folders else None
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError("zxcvbn has no frequency_lists")
    lists = module_from_spec(spec)
    spec.loader.exec_module(lists)
    return frozenset(word.casefold() for word in lists.FREQUENCY_LISTS["passwords"][:RANKED])


def why_guessable(password: str, name: str) -> str | None:
    """Why `password` of the user `name` is guessed soon, as the end of a sentence; None when it is not. In any case."""
    folded = password.casefold()
    unit = _repeated(folded)
    if len(unit) < UNIT_MIN:
        return "is a few characters, repeated"
    core = _core(unit)
    if {folded, unit, core} & common_passwords():
        return "is one of the most common, or one with digits and signs around it"
    if name.casefold() in (folded, unit) or (core and core == _core(name.casefold())):
        return "is the user's name"
    return None


def _core(text: str) -> str:
    """`text` without the digits and signs around it, once."""
    return _repeated(text.strip(_AROUND))


def _repeated(text: str) -> str:
    """The shortest text that `text` repeats; itself when it repeats none."""
    return text[: (text + text).find(text, 1)] if text else text
