"""Many lines of one template at once: columns of values, and which lines really fit.

Lines are cut at their commas by the CSV reader, the constant parts are taken off, and the values are cast. Nothing is
taken on trust: a line counts as fitting only when every byte of it is accounted for; all others are left to the
reader of single lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from monitor.decode.blocks import Block, Mask, Rows
from monitor.decode.templates import Shape, Template, Token

Offsets = npt.NDArray[np.int64]

_ZERO, _MINUS, _POINT, _E, _LOWER, _QUOTE = 48, 45, 46, 101, 32, 34
_NINE = 9
_PIECE = 2**18
"""Bytes that are looked through at once, so that they stay in the cache."""


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
    wanted = [part for i, token in enumerate(template.tokens) for part in _expressions(i, token)]
    found = frame.select(wanted)
    widths = block.ends[rows] - block.starts[rows]
    return _Matcher(template, frame, found, np.frombuffer(data, np.uint8), widths).run()


def _expressions(i: int, token: Token) -> Iterator[pl.Expr]:
    """A token's length, its value, and whether its constant parts are there."""
    raw = pl.col(f"t{i}")
    yield raw.str.len_bytes().alias(f"l{i}")
    if token.shape is Shape.NOTHING:
        yield (raw == token.prefix).alias(f"f{i}")
        yield raw.alias(f"v{i}")
        return
    value = raw.str.strip_prefix(token.prefix)
    if token.suffix:
        value = value.str.strip_suffix(token.suffix)
    if token.shape is Shape.TEXT:
        yield (raw.str.starts_with(token.prefix) & raw.str.ends_with(token.suffix)).alias(f"f{i}")
    elif token.shape is Shape.BOOLEAN:
        value = pl.when(value == "true").then(statement=True).when(value == "false").then(statement=False)
    else:
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

    def run(self) -> tuple[Mask, list[pl.Series]]:
        """See `match`."""
        tokens = self.template.tokens
        ends = np.flatnonzero(self.data == 10)  # noqa: PLR2004 - line end
        starts = np.concatenate([[0], ends + 1])[:-1].astype(np.int64)
        lengths = [self.found[f"l{i}"].fill_null(0).to_numpy().astype(np.int64) for i in range(len(tokens))]
        places = np.cumsum([starts, *(length + 1 for length in lengths)], axis=0)
        fits = np.asarray(places[-1] - 1 - starts == self.widths)
        nulls = np.zeros(len(fits), np.int64)
        values = []
        for i, token in enumerate(tokens):
            column, good, null = self._fitting(i, token, lengths[i])
            values.append(column)
            fits &= good
            nulls += null
        self._check_numbers(fits, places, lengths)
        self._check_points(fits, starts)
        self._check_quotes(fits, nulls, starts)
        return fits, values

    def _fitting(self, i: int, token: Token, lengths: Offsets) -> tuple[pl.Series, Mask | bool, Mask | bool]:
        """Values of token i, lines in which it is what the template says, and lines in which a text is null."""
        values = self.found[f"v{i}"]
        if token.shape is Shape.NOTHING:
            return values, _mask(self.found[f"f{i}"]), False
        if token.shape is Shape.TEXT:
            shortest = len(token.prefix.encode()) + len(token.suffix.encode())
            flags = self.found[f"f{i}"]
            good = (_mask(flags) if flags.null_count() or not flags.all() else True) & (lengths >= shortest)
            if good.all():
                return values, True, False
            null = _mask(self.frame[f"t{i}"] == f"{token.prefix[:-1]}null{token.suffix[1:]}")
            return values.set(pl.Series(null), None), good | null, null
        if values.null_count() == 0:
            return values, True, False
        null = _mask(self.frame[f"t{i}"] == f"{token.prefix}null{token.suffix}")
        return values, values.is_not_null().to_numpy() | null, False

    def _check_numbers(self, fits: Mask, places: Offsets, lengths: list[Offsets]) -> None:
        """Numbers are written as JSON writes them: no `+1`, `.5`, `1.`, `01`, which the cast lets pass."""
        for i, token in enumerate(self.template.tokens):
            if token.shape not in (Shape.NUMBER, Shape.INTEGER):
                continue
            begin = places[i] + len(token.prefix.encode())
            first, second = self.data[begin], self.data[begin + 1]
            negative = first == _MINUS
            if negative.any():
                third = self.data[np.minimum(begin + 2, len(self.data) - 1)]
                first, second = np.where(negative, second, first), np.where(negative, third, second)
            closing = self.data[places[i] + lengths[i] - len(token.suffix.encode()) - 1]
            good = (first - _ZERO <= _NINE) & (closing - _ZERO <= _NINE)
            good &= (first != _ZERO) | (second - _ZERO > _NINE)
            if token.shape is Shape.NUMBER:
                good &= np.isfinite(self.found[f"v{i}"].to_numpy())
            if not good.all():
                fits &= good | self.found[f"v{i}"].is_null().to_numpy()

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
