"""Lines that look alike: what is the same in all of them, and where their values stand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from monitor.decode.json_line import BadLineError, read_line
from monitor.decode.paths import ABSENT
from monitor.decode.plan import Plan, Want
from monitor.decode.rows import RowReader

MAX_TOKENS = 2_000
_SCALAR = re.compile(rb'"[^"]*"(\s*:)?|-?[0-9][0-9.eE+-]*|true|false|null')
_WHOLE = re.compile(rb"-?[0-9]{1,19}")
_NUMBERS = frozenset({Want.NUMERIC, Want.LATENCY, Want.WEIGHT})


class Shape(Enum):
    """What stands between the constant parts of a token."""

    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Token:
    """A part of a line between two commas: `"inputs":{"age":` 31 `}`.

    Attributes:
        prefix, suffix: what is the same in all lines; of texts the quotes are part of it.
        shape: of the value between them; `NOTHING` where the whole token is the same.
    """

    prefix: str
    suffix: str
    shape: Shape


@dataclass(frozen=True)
class Template:
    """Lines with the same keys in the same order, which differ in their values alone.

    Attributes:
        tokens: parts of a line between commas.
        places: token of each target, None where such lines do not have it.
        unknown: unknown columns that such lines carry.
        quotes: number of quotation marks in a line.
    """

    tokens: tuple[Token, ...]
    places: tuple[int | None, ...]
    unknown: tuple[str, ...]
    quotes: int


def learn(plan: Plan, line: bytes) -> Template | None:
    """The template of a line; None when the line is none that others are compared with.

    A text with a comma, a backslash in the line, an array of records or an object in the place of a value make
    a line that is read by itself.
    """
    if plan.expand is not None or b"\\" in line or line.count(b",") >= MAX_TOKENS:
        return None
    try:
        record = read_line(line)
        leaves: list[Any] = []
        marked = _marked(record, leaves)
        reader = RowReader(plan)
        (found,) = reader.rows(marked)
    except BadLineError:
        return None
    spans = [m.span() for m in _SCALAR.finditer(line) if not m[1]]
    if len(spans) != len(leaves) or any(type(v) is not int and v is not ABSENT for v in found):
        return None
    wants = {leaf: plan.targets[i].want for i, leaf in enumerate(found) if leaf is not ABSENT}
    cut = _tokens(line, spans, wants)
    if cut is None:
        return None
    tokens, homes = cut
    places = tuple(None if leaf is ABSENT else homes[leaf] for leaf in found)
    return Template(tokens, places, tuple(reader.unknown), line.count(b'"'))


def _marked(value: Any, leaves: list[Any]) -> Any:
    """The same objects and arrays with each value replaced by its number in the order of the line."""
    if type(value) is dict:
        return {key: _marked(v, leaves) for key, v in value.items()}
    if type(value) is list:
        return [_marked(v, leaves) for v in value]
    leaves.append(value)
    return len(leaves) - 1


def _tokens(
    line: bytes, spans: list[tuple[int, int]], wants: dict[int, Want]
) -> tuple[tuple[Token, ...], list[int]] | None:
    """Cut a line at its commas; the token of each value. None when a text or a key holds a comma."""
    tokens: list[Token] = []
    homes: list[int] = []
    place, leaf = 0, 0
    for part in line.split(b","):
        end = place + len(part)
        if leaf < len(spans) and spans[leaf][0] < end:
            start, stop = spans[leaf]
            if stop > end or (leaf + 1 < len(spans) and spans[leaf + 1][0] < end):
                return None
            shape = _shape(line[start:stop], wants.get(leaf))
            quote = 1 if shape is Shape.TEXT and line[start : start + 1] == b'"' else 0
            prefix, suffix = line[place : start + quote], line[stop - quote : end]
            if shape is Shape.TEXT and not quote:
                prefix, suffix = prefix + b'"', b'"' + suffix
            tokens.append(Token(prefix.decode(), suffix.decode(), shape))
            homes.append(len(tokens) - 1)
            leaf += 1
        else:
            tokens.append(Token(part.decode(), "", Shape.NOTHING))
        place = end + 1
    if any(token.shape is Shape.NOTHING and token.prefix.count('"') % 2 for token in tokens):
        return None
    return tuple(tokens), homes


def _shape(value: bytes, want: Want | None) -> Shape:
    if value.startswith(b'"'):
        return Shape.TEXT
    if value in (b"true", b"false"):
        return Shape.BOOLEAN
    if value == b"null":
        return Shape.NUMBER if want in _NUMBERS else Shape.TEXT
    if _WHOLE.fullmatch(value) and want not in _NUMBERS:
        return Shape.INTEGER
    return Shape.NUMBER
