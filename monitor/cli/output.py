"""What commands print: text for people or JSON for machines on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

WELL, FAILED, BAD_USAGE, DRIFT_FOUND = 0, 1, 2, 3


class Format(StrEnum):
    """Who reads the output."""

    TEXT = "text"
    JSON = "json"


FormatOption = Annotated[
    Format,
    typer.Option(
        "--format", help="text for people, or json for machines: then nothing else is on standard output."
    ),
]


class FailOn(StrEnum):
    """What makes a command end with exit code 3."""

    DRIFT = "drift"
    WARNING = "warning"


FailOnOption = Annotated[
    FailOn | None,
    typer.Option("--fail-on", help="End with exit code 3 when a verdict is this bad, or worse."),
]


class CommandError(Exception):
    """A command cannot do what it was asked for.

    Attributes:
        hint: what the user can do about it; "" where there is nothing to add.
        code: exit code.
    """

    def __init__(self, message: str, hint: str = "", code: int = FAILED) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code


def console() -> Console:
    """The terminal on standard output; 100 columns where it is no terminal."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else 100
    return Console(highlight=False, soft_wrap=False, width=width)


def print_json(value: Any) -> None:
    """One line of JSON on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")


def note(text: str) -> None:
    """A line for people on standard error."""
    sys.stderr.write(text + "\n")
