"""A template as arrays: which bytes are the same in all lines, and where values begin and end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from monitor.decode.templates import Shape, Template, Token
from monitor.decode.views import HEAD, VIEW, Places, Words

_KINDS = (Shape.NUMBER, Shape.INTEGER, Shape.BOOLEAN, Shape.TEXT)
"""Values of one kind stand together, to be turned into columns together."""


@dataclass(frozen=True)
class Skeleton:
    """A compiled template: pieces of its constant parts, and its values, sorted by what they hold.

    Attributes:
        bounds: bound of a token that the window of each piece and of each value is measured from; shape (pieces +
            values,). Token i lies between bounds i and i + 1, which are the places of the separators around it.
        offsets: of the windows from these bounds; shape (pieces + values, 1).
        masks: which bytes of the pieces are compared; shape (pieces, 1, 2).
        words: with what; shape (pieces, 1, 2).
        reach: bytes that must be there to read after the last line.
        quotes: number of quotation marks in a line.
        tokens: number of each token with a value; shape (values,).
        ends: of the values from the bounds behind them, without quotation marks; shape (values, 1).
        lasts: of their last characters from there, which are the quotation marks of texts; shape (values, 1).
        least: fewest characters of each; shape (values, 1).
        kinds: which values are of a kind: positions in `tokens`.
        numbers: which values are numbers, whole or not.
        fixed: tokens without a value. widths: their lengths; shape (fixed, 1).
    """

    bounds: Places
    offsets: Places
    masks: Words
    words: Words
    reach: int
    quotes: int
    tokens: Places
    ends: Places
    lasts: Places
    least: Places
    kinds: dict[Shape, slice]
    numbers: slice
    fixed: Places
    widths: Places


@lru_cache(maxsize=64)
def skeleton(template: Template) -> Skeleton:
    """Compile a template."""
    valued = [(i, token) for i, token in enumerate(template.tokens) if token.shape is not Shape.NOTHING]
    valued.sort(key=lambda found: _KINDS.index(found[1].shape))
    fixed = [(i, token) for i, token in enumerate(template.tokens) if token.shape is Shape.NOTHING]
    shapes = [token.shape for _, token in valued]
    quoted = _indices(int(shape is Shape.TEXT) for shape in shapes)
    sides = [_sides(token) for _, token in valued]
    firsts = np.cumsum([0, *(shapes.count(kind) for kind in _KINDS)]).tolist()
    kinds = {kind: slice(*pair) for kind, pair in zip(_KINDS, pairwise(firsts), strict=True)}
    pieces = list(_pieces(template.tokens))
    values = [(i, 1 + len(before)) for (i, _), (before, _) in zip(valued, sides, strict=True)]
    return Skeleton(
        bounds=_indices([*(i for i, _, _ in pieces), *(i for i, _ in values)]),
        offsets=np.concatenate(
            [_indices(at for _, at, _ in pieces), _indices(at for _, at in values) + quoted - HEAD]
        )[:, None],
        masks=_as_words(b"\xff" * len(piece) for _, _, piece in pieces),
        words=_as_words(piece for _, _, piece in pieces),
        reach=max(len(side) for token in template.tokens for side in _sides(token)) + 2 * VIEW,
        quotes=template.quotes,
        tokens=_indices(i for i, _ in valued),
        ends=(_indices(-len(after) for _, after in sides) - quoted)[:, None],
        lasts=(quoted - 1)[:, None],
        least=(1 - quoted)[:, None],
        kinds=kinds,
        numbers=slice(0, kinds[Shape.INTEGER].stop),
        fixed=_indices(i for i, _ in fixed),
        widths=_indices(len(token.prefix.encode()) for _, token in fixed)[:, None],
    )


def _indices(numbers: Iterable[int]) -> Places:
    return np.fromiter(numbers, np.intp)


def _sides(token: Token) -> tuple[bytes, bytes]:
    """The constant bytes before and after a value; its quotation marks belong to the value."""
    before, after = token.prefix.encode(), token.suffix.encode()
    return (before[:-1], after[1:]) if token.shape is Shape.TEXT else (before, after)


def _pieces(tokens: tuple[Token, ...]) -> Iterator[tuple[int, int, bytes]]:
    """The constant parts in pieces that fit a window: bound, offset from it, bytes."""
    for i, token in enumerate(tokens):
        before, after = _sides(token)
        yield from ((i, 1 + at, before[at : at + VIEW]) for at in range(0, len(before), VIEW))
        yield from ((i + 1, at - len(after), after[at : at + VIEW]) for at in range(0, len(after), VIEW))


def _as_words(pieces: Iterable[bytes]) -> Words:
    joined = b"".join(piece.ljust(VIEW, b"\0") for piece in pieces)
    return np.frombuffer(joined, np.uint64).reshape(-1, 1, VIEW // 8)
