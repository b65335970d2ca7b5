"""A template as arrays: which bytes are the same in all lines, and where values begin and end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import polars as pl

from monitor.decode.templates import Shape, Template, Token

WINDOW = 16
"""Constant bytes that are compared at once."""

Indices = npt.NDArray[np.intp]
Words = npt.NDArray[np.uint64]
_TYPES = {Shape.INTEGER: pl.Int64(), Shape.NUMBER: pl.Float64()}


@dataclass(frozen=True)
class Windows:
    """Pieces of the constant parts.

    Attributes:
        bounds: bound of a token that each piece is measured from; shape (pieces,). Token i lies between bounds i and
            i + 1, which are the places of the separators around it.
        offsets: of the pieces from that bound.
        masks, words: which bytes are compared, and with what; shape (pieces, words).
        reach: bytes that must be there to read after the last line.
    """

    bounds: Indices
    offsets: Indices
    masks: Words
    words: Words
    reach: int


@dataclass(frozen=True)
class Skeleton:
    """A compiled template.

    Attributes:
        windows: the constant parts.
        tokens: number of each token with a value.
        begins, ends: of the values from the bounds of their tokens, quotation marks included; shape (values,).
        numbers, texts: which values are such: positions in `tokens`.
        before, after: which values have constant bytes on that side.
        fixed, widths: tokens without a value, and their lengths.
        schema: types of the fields once there is a comma on both sides of each value.
        names: of the values' fields.
    """

    windows: Windows
    tokens: Indices
    begins: Indices
    ends: Indices
    numbers: Indices
    texts: Indices
    before: Indices
    after: Indices
    fixed: Indices
    widths: Indices
    schema: dict[str, pl.DataType]
    names: list[str]


@lru_cache(maxsize=64)
def skeleton(template: Template) -> Skeleton:
    """Compile a template."""
    tokens = template.tokens
    valued = [(i, token) for i, token in enumerate(tokens) if token.shape is not Shape.NOTHING]
    fixed = [(i, token) for i, token in enumerate(tokens) if token.shape is Shape.NOTHING]
    quoted = [token.shape is Shape.TEXT for _, token in valued]
    sides = [_sides(token) for _, token in valued]
    schema, names = _fields(tokens)
    return Skeleton(
        windows=_windows(tokens),
        tokens=_indices(i for i, _ in valued),
        begins=_indices(1 + len(before) for before, _ in sides),
        ends=_indices(-len(after) for _, after in sides),
        numbers=_indices(j for j, (_, token) in enumerate(valued) if token.shape in _TYPES),
        texts=np.flatnonzero(quoted),
        before=_indices(j for j, (before, _) in enumerate(sides) if before),
        after=_indices(j for j, (_, after) in enumerate(sides) if after),
        fixed=_indices(i for i, _ in fixed),
        widths=_indices(len(token.prefix.encode()) for _, token in fixed),
        schema=schema,
        names=names,
    )


def _indices(numbers: Iterator[int]) -> Indices:
    return np.fromiter(numbers, np.intp)


def _sides(token: Token) -> tuple[bytes, bytes]:
    """The constant bytes before and after a value; its quotation marks belong to the value."""
    before, after = token.prefix.encode(), token.suffix.encode()
    return (before[:-1], after[1:]) if token.shape is Shape.TEXT else (before, after)


def _windows(tokens: tuple[Token, ...]) -> Windows:
    pieces: list[tuple[int, int, bytes]] = []
    reach = 0
    for i, token in enumerate(tokens):
        before, after = _sides(token)
        pieces += [(i, 1 + at, before[at : at + WINDOW]) for at in range(0, len(before), WINDOW)]
        pieces += [(i + 1, at - len(after), after[at : at + WINDOW]) for at in range(0, len(after), WINDOW)]
        reach = max(reach, len(before), len(after))
    masks = b"".join((b"\xff" * len(piece)).ljust(WINDOW, b"\0") for _, _, piece in pieces)
    words = b"".join(piece.ljust(WINDOW, b"\0") for _, _, piece in pieces)
    shape = (len(pieces), WINDOW // 8)
    return Windows(
        bounds=_indices(i for i, _, _ in pieces),
        offsets=_indices(offset for _, offset, _ in pieces),
        masks=np.frombuffer(masks, np.uint64).reshape(shape),
        words=np.frombuffer(words, np.uint64).reshape(shape),
        reach=reach + 2 * WINDOW,
    )


def _fields(tokens: tuple[Token, ...]) -> tuple[dict[str, pl.DataType], list[str]]:
    """The fields of a line: constant parts as text, which nobody reads, and values in their types."""
    types: list[pl.DataType] = []
    homes: list[int] = []
    for token in tokens:
        before, after = _sides(token)
        if before:
            types.append(pl.String())
        if token.shape is not Shape.NOTHING:
            homes.append(len(types))
            types.append(_TYPES.get(token.shape, pl.String()))
            types += [pl.String()] if after else []
    names = [f"column_{i + 1}" for i in range(len(types))]
    return dict(zip(names, types, strict=True)), [names[i] for i in homes]
