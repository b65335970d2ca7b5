"""Special functions of scipy, loaded when the first is used.

Importing `scipy.special` takes a tenth of the time of a daemon's start; it is needed when the first window closes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np

_UNUSED = frozenset({"f2py", "ma", "testing"})
"""Parts of numpy that are loaded when somebody asks for them, with most of what they weigh."""


def __getattr__(name: str) -> Any:
    """The function of `scipy.special` of this name; kept here, so that it is looked for once."""
    if name.startswith("_"):
        raise AttributeError(name)
    with _not_on_offer(_UNUSED):
        found = getattr(import_module("scipy.special"), name)
    globals()[name] = found
    return found


@contextmanager
def _not_on_offer(names: frozenset[str]) -> Iterator[None]:
    """Let numpy not list some of its parts meanwhile.

    scipy copies all that numpy lists, which loads these parts although nothing needs them: 8 MB of memory, and two
    fifths of the time of the import. They can be imported as ever.
    """
    offered: dict[str, Any] = vars(np)
    listed, listing = offered["__all__"], offered["__dir__"]
    offered["__all__"] = [name for name in listed if name not in names]
    offered["__dir__"] = lambda: [name for name in listing() if name not in names]
    try:
        yield
    finally:
        offered["__all__"], offered["__dir__"] = listed, listing
