"""One value read from the beginning of records, without looking at what comes after it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from monitor.decode.plan import Plan
from monitor.decode.templates import Shape, Template, Token, learn

Numbers = npt.NDArray[np.int64]

_SCALAR = rb'(?:"[^"\\\x00-\x1f]*"|[-+0-9.eE]+|true|false|null)'
_WANTED = rb'(?:"([^"\\\x00-\x1f]*)"|(0|-?[1-8][0-9]{18}|-?[1-9][0-9]{0,17}))(?=[ \t\r\n]*[,}\]])'
"""Texts without escapes, and whole numbers as they are written anyway."""

MOST_PATTERNS = 4
_EXEMPLARS = 4
_LEAST_SHARE = 0.1


class HeadReader:
    """Reads the first target of a plan by patterns that reach from the beginning of a record to its value.

    What stands behind the value is not looked at: a record that turns out to be none later has given a value here.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._patterns: list[re.Pattern[bytes]] = []

    def read(self, data: bytes, starts: Numbers, ends: Numbers) -> tuple[list[bytes | None], Numbers]:
        """The values as bytes, and the numbers of records that have to be read in another way.

        Args:
            data: holds the records.
            starts: of each in `data`; shape (n,).
            ends: of each; shape (n,).
        """
        left = np.arange(len(starts))
        found: list[bytes | None] = [None] * len(starts)
        for pattern in self._known_and_new(data, starts, ends, found):
            left = np.array([i for i in left.tolist() if found[i] is None], np.int64)
            bounds = zip(left.tolist(), starts[left].tolist(), ends[left].tolist(), strict=True)
            match = pattern.match
            for i, start, end in bounds:
                if (hit := match(data, start, end)) is not None:
                    found[i] = hit[hit.lastindex or 0]
        left = np.array([i for i in left.tolist() if found[i] is None], np.int64)
        return found, left

    def _known_and_new(
        self, data: bytes, starts: Numbers, ends: Numbers, found: list[bytes | None]
    ) -> Iterator[re.Pattern[bytes]]:
        """Patterns as long as they help: those that are known, then such of records that none has fitted."""
        yield from tuple(self._patterns)
        for _ in range(MOST_PATTERNS):
            left = [i for i, value in enumerate(found) if value is None]
            if not left or len(left) < _LEAST_SHARE * len(found):
                return
            chosen = np.linspace(0, len(left) - 1, min(_EXEMPLARS, len(left))).astype(int).tolist()
            lines = (data[starts[left[i]] : ends[left[i]]].strip() for i in chosen)
            new = next((p for line in lines if (p := self._learn(line)) is not None), None)
            if new is None or new in self._patterns:
                return
            self._patterns = [new, *self._patterns][:MOST_PATTERNS]
            yield new

    def _learn(self, line: bytes) -> re.Pattern[bytes] | None:
        template = learn(self._plan, line)
        return None if template is None else head_pattern(template)


def head_pattern(template: Template) -> re.Pattern[bytes] | None:
    """What the records of a template begin with, up to the value of its first target."""
    place = template.places[0]
    if place is None or template.tokens[place].shape in {Shape.BOOLEAN, Shape.NOTHING}:
        return None
    parts = [_token(token, _SCALAR) + b"," for token in template.tokens[:place]]
    before, _ = _sides(template.tokens[place])
    return re.compile(b"".join(parts) + re.escape(before) + _WANTED)


def _token(token: Token, value: bytes) -> bytes:
    before, after = _sides(token)
    return re.escape(before) + (b"" if token.shape is Shape.NOTHING else value) + re.escape(after)


def _sides(token: Token) -> tuple[bytes, bytes]:
    """The constant bytes around a value; its quotation marks belong to the value."""
    before, after = token.prefix.encode(), token.suffix.encode()
    return (before[:-1], after[1:]) if token.shape is Shape.TEXT else (before, after)
