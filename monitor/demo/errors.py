"""How the demo says that it cannot begin."""

from __future__ import annotations


class DemoError(Exception):
    """The demo cannot begin; `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
