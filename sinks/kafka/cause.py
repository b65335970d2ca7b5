"""What a cause of failure is, and how one is written down."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason for which Kafka cannot be used.

    Attributes:
        name: its word in logs and tests.
        pattern: what gives it away in an error's or record's text.
        message: one sentence; named groups of the pattern, `{brokers}` and `{mechanism}` may stand in it.
        hint: what to do about it.
        passing: it may heal without anybody's doing.
    """

    name: str
    pattern: re.Pattern[str]
    message: str
    hint: str
    passing: bool = False


def cause(name: str, pattern: str, message: str, hint: str, *, passing: bool = False) -> Cause:
    """A cause by a pattern that is looked for in any case of letters."""
    return Cause(name, re.compile(pattern, re.IGNORECASE), message, hint, passing)
