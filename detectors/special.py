"""Special functions of scipy, loaded when the first is used.

Importing `scipy.special` takes 0.4 s of processor time, a seventh of a daemon's start; it is needed when the first
window closes.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    """The function of `scipy.special` of this name; kept here, so that it is looked for once."""
    if name.startswith("_"):
        raise AttributeError(name)
    found = getattr(import_module("scipy.special"), name)
    globals()[name] = found
    return found
