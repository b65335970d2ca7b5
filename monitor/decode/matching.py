"""Many lines of one template at once: columns of values, and which lines really fit.

Lines are cut at their commas by the CSV reader, the constant parts are taken off, and the values are cast. Nothing is
taken on trust: a line counts as fitting only when every byte of it is accounted for; all others are left to the
reader of single lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import polars as pl

from monitor.decode.blocks import Block, Mask, Rows
from monitor.decode.templates import Shape, Template, Token

Offsets = npt.NDArray[np.int64]

_POINT, _E, _LOWER, _QUOTE = 46, 101, 32, 34
_PIECE = 2**18
"""Bytes that are looked through at once, so that they stay in the cache."""

_LINES = 1024


def _pair(text: str) -> int:
    """Two bytes as one little-endian number."""
    return int.from_bytes(text.encode(), "little")


_DIGITS = np.zeros(256, dtype=bool)
_DIGITS[48:58] = True
_NULL, _MINUS_ZERO = _pair("nu"), _pair("-0")
_BEGINNINGS = np.zeros(2**16, dtype=bool)
"""Pairs of bytes that a JSON number, together with what follows it, or a null may begin with."""

for _first in "123456789":
    _BEGINNINGS[np.arange(256) * 256 + ord(_first)] = True
_BEGINNINGS[np.flatnonzero(~_DIGITS) * 256 + ord("0")] = True
_BEGINNINGS[np.flatnonzero(_DIGITS) * 256 + ord("-")] = True
_BEGINNINGS[_NULL] = True


def match(template: Template, block: Block, rows: Rows) -> tuple[Mask, list[pl.Series]]:
    """Read lines by a template.

    Args:
        template: what the lines may look like.
        block: the lines.
        rows: numbers of the plain lines to try.

    Returns:
        Which of them fit (bool, shape (rows,)), and for each token the values (null where the line has a null or does
        not fit; of fixed tokens something unused).
    """
    data = block.joined(rows)
    names = [f"t{i}" for i in range(len(template.tokens))]
    try:
        frame = pl.read_csv(
            data,
            separator=",",
            quote_char=None,
            has_header=False,
            schema=dict.fromkeys(names, pl.String),
            truncate_ragged_lines=True,
        )
    except pl.exceptions.PolarsError:
        return np.zeros(len(rows), dtype=bool), []
    if frame.height != len(rows):
        return np.zeros(len(rows), dtype=bool), []
    found = frame.select(_wanted(template.tokens))
    widths = block.ends[rows] - block.starts[rows]
    return _Matcher(template, frame, found, np.frombuffer(data, np.uint8), widths).run()


@lru_cache(maxsize=64)
def _wanted(tokens: tuple[Token, ...]) -> tuple[pl.Expr, ...]:
    return tuple(part for i, token in enumerate(tokens) for part in _expressions(i, token))


def _expressions(i: int, token: Token) -> Iterator[pl.Expr]:
    """A token's length, its value, and whether its constant parts are there."""
    raw = pl.col(f"t{i}")
    yield raw.str.len_bytes().alias(f"l{i}")
    if token.shape is Shape.NOTHING:
        yield (raw == token.prefix).alias(f"f{i}")
        yield raw.alias(f"v{i}")
        return
    value, there = raw, pl.lit(value=True)
    if token.prefix:
        value, there = value.str.strip_prefix(token.prefix), raw.str.starts_with(token.prefix)
    if token.suffix:
        value, there = value.str.strip_suffix(token.suffix), there & raw.str.ends_with(token.suffix)
    if token.prefix or token.suffix:
        yield there.alias(f"f{i}")
    if token.shape is Shape.BOOLEAN:
        value = pl.when(value == "true").then(statement=True).when(value == "false").then(statement=False)
    elif token.shape is not Shape.TEXT:
        value = value.cast(pl.Int64 if token.shape is Shape.INTEGER else pl.Float64, strict=False)
    yield value.alias(f"v{i}")


@dataclass
class _Matcher:
    """One run over the lines of a block.

    Attributes:
        frame: raw tokens. found: lengths, values and flags. data: the bytes of the lines, uint8.
        widths: of the lines, without their ends, int64, shape (rows,).
    """

    template: Template
    frame: pl.DataFrame
    found: pl.DataFrame
    data: npt.NDArray[np.uint8]
    widths: Offsets

    @property
    def pairs(self) -> npt.NDArray[np.uint16]:
        """The two bytes at each place, as one number: shape (len(data) - 1,)."""
        return np.ndarray((len(self.data) - 1,), "<u2", self.data, 0, (1,))

    def run(self) -> tuple[Mask, list[pl.Series]]:
        """See `match`."""
        ends = np.flatnonzero(self.data == 10)  # noqa: PLR2004 - line end
        starts = np.concatenate([[0], ends + 1])[:-1].astype(np.int64)
        fits = np.ones(len(starts), dtype=bool)
        nulls = np.zeros(len(fits), np.int64)
        values = []
        for i, token in enumerate(self.template.tokens):
            column, good, null = self._fitting(i, token)
            values.append(column)
            fits &= good
            nulls += null
        self._check_bytes(fits, starts)
        self._check_points(fits, starts)
        self._check_quotes(fits, nulls, starts)
        return fits, values

    def _fitting(self, i: int, token: Token) -> tuple[pl.Series, Mask | bool, Mask | bool]:
        """Values of token i, lines in which it is what the template says, and lines in which a text is null."""
        values = self.found[f"v{i}"]
        good = self._flags(i)
        if token.shape is Shape.NOTHING:
            return values, good, False
        if token.shape is Shape.TEXT:
            if good is True:
                return values, True, False
            null = _mask(self.frame[f"t{i}"] == f"{token.prefix[:-1]}null{token.suffix[1:]}")
            return values.set(pl.Series(null), None), good | null, null
        if values.null_count():
            null = _mask(self.frame[f"t{i}"] == f"{token.prefix}null{token.suffix}")
            good = good & (values.is_not_null().to_numpy() | null)
        if token.shape is Shape.NUMBER:
            finite = np.isfinite(values.to_numpy())
            good = good if finite.all() else good & (finite | values.is_null().to_numpy())
        return values, good, False

    def _flags(self, i: int) -> Mask | bool:
        """Lines in which the constant parts of token i are there; True for all."""
        if f"f{i}" not in self.found.columns:
            return True
        flags = self.found[f"f{i}"]
        return True if flags.null_count() == 0 and flags.all() else _mask(flags)

    def _check_bytes(self, fits: Mask, starts: Offsets) -> None:
        """Every byte of a line belongs to a token, and numbers are written as JSON writes them.

        The cast lets `+1`, `.5`, `1.` and `01` pass. Some lines are looked at together, so that they stay in the cache.
        """
        tokens = self.template.tokens
        measured = self.found.select(f"l{i}" for i in range(len(tokens)))
        if any(column.null_count() for column in measured):
            measured = measured.fill_null(0)
        lengths = measured.to_numpy()
        edges = np.asarray([[len(token.prefix.encode()), len(token.suffix.encode())] for token in tokens])
        numbers = np.flatnonzero([token.shape in (Shape.NUMBER, Shape.INTEGER) for token in tokens])
        texts = np.flatnonzero([token.shape is Shape.TEXT for token in tokens])
        for first in range(0, len(fits), _LINES):
            rows = slice(first, first + _LINES)
            widths = lengths[rows].T.astype(np.int64)
            ends = widths + 1
            ends[0] += starts[rows] - 1
            for i in range(1, len(ends)):
                ends[i] += ends[i - 1]
            good = ends[-1] - starts[rows] == self.widths[rows]
            good &= (widths[texts] >= edges[texts].sum(axis=1)[:, None]).all(axis=0)
            begin = (ends - widths)[numbers] + edges[numbers, 0][:, None]
            closing = ends[numbers] - edges[numbers, 1][:, None] - 1
            good &= self._written_well(begin, closing)
            fits[rows] &= good

    def _written_well(self, begin: Offsets, closing: Offsets) -> Mask:
        """Lines whose numbers begin and end as JSON has it, or are null.

        Args:
            begin: of each number in the bytes, int64, shape (numbers, rows).
            closing: its last byte.
        """
        if not len(begin):
            return np.ones(begin.shape[1], dtype=bool)
        last = len(self.data) - 1
        pairs = self.pairs[np.minimum(begin, last - 1)]
        good = _BEGINNINGS[pairs] & (_DIGITS[self.data[np.minimum(closing, last)]] | (pairs == _NULL))
        padded = pairs == _MINUS_ZERO
        if padded.any():
            good &= ~(padded & _DIGITS[self.data[np.minimum(begin + 2, last)]])
        return np.asarray(good.all(axis=0))

    def _check_points(self, fits: Mask, starts: Offsets) -> None:
        """A point before an exponent (`1.e5`) is no JSON either."""
        here = [
            np.flatnonzero((piece[:-1] == _POINT) & ((piece[1:] | _LOWER) == _E)) + place
            for place in range(0, len(self.data), _PIECE)
            if len(piece := self.data[place : place + _PIECE + 1])
        ]
        points = np.concatenate(here)
        if not len(points):
            return
        lines = np.unique(np.searchsorted(starts, points, side="right") - 1)
        for i, token in enumerate(self.template.tokens):
            if token.shape is Shape.NUMBER:
                numbers = self.frame[f"t{i}"].gather(lines).str.strip_prefix(token.prefix)
                fits[lines[_mask(numbers.str.contains(r"\.[eE]"))]] = False

    def _check_quotes(self, fits: Mask, nulls: Offsets, starts: Offsets) -> None:
        """No quotation mark stands where none is accounted for."""
        wanted = self.template.quotes - 2 * nulls
        marks = self.data == _QUOTE
        if fits.all() and np.count_nonzero(marks) == wanted.sum():
            return
        fits &= np.add.reduceat(marks, starts, dtype=np.int64) == wanted


def _mask(series: pl.Series) -> Mask:
    return np.array(series.fill_null(value=False).to_numpy(), dtype=bool)
