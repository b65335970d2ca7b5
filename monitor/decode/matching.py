"""Many lines of one template at once: columns of values, and which lines really fit.

Lines are cut at their commas, the constant parts are compared where they must stand, values must begin and end as JSON
has it, and quotation marks are counted. Numbers are then parsed from where they stand. Nothing is taken on trust: a
line counts as fitting only when every byte of it is accounted for; all others are left to the reader of single lines.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

import numpy as np
import numpy.typing as npt
import polars as pl

from monitor.decode.blocks import Block, Bytes, Mask, Rows, count_where, find_byte, find_pair
from monitor.decode.skeleton import Skeleton, skeleton
from monitor.decode.templates import Shape, Template
from monitor.decode.views import HEAD, VIEW, Places, Words, texts_at, views_of, windows_at

Columns = list[pl.Series]
Values = dict[int, pl.Series]

_QUOTE, _COMMA, _POINT, _E, _N, _ZERO, _NINE, _MINUS = b'",.en09-'
_NULL = np.frombuffer(b"null", np.uint8)
_BOUNDS = 2**16
"""Most bounds of tokens that are looked at together; lines are shared out evenly among the looks."""


def match(template: Template, block: Block, rows: Rows) -> tuple[Mask, Values]:
    """Read lines by a template.

    Args:
        template: what the lines may look like.
        block: the lines.
        rows: numbers of the plain lines to try.

    Returns:
        Which of them fit (bool, shape (rows,)), and for each token with a value the values of the lines that fit (null
        where the line has a null).
    """
    bones = skeleton(template)
    chars = np.frombuffer(block.joined(rows, bones.reach), np.uint8)
    fits, bounds = _cut(block, rows, chars[: len(chars) - bones.reach], len(template.tokens))
    step = max(ceil(bounds.shape[1] / max(ceil(bounds.size / _BOUNDS), 1)), 1)
    marks: list[Mask] = []
    columns: Columns = []
    for first in range(0, bounds.shape[1], step):
        look = _Look(bones, chars, np.ascontiguousarray(bounds[:, first : first + step]))
        found = look.columns()
        columns = [one.append(more) for one, more in zip(columns, found, strict=True)] if marks else found
        marks.append(look.good)
    if not marks:
        return fits, {}
    fits[fits] = np.concatenate(marks)
    return fits, dict(zip(bones.tokens.tolist(), columns, strict=True))


def _cut(block: Block, rows: Rows, data: Bytes, tokens: int) -> tuple[Mask, Places]:
    """Which lines have so many tokens between commas, and the bounds of these; shape (tokens + 1, lines)."""
    widths = block.ends[rows] - block.starts[rows]
    whole = len(rows) == len(block)
    starts = block.starts if whole else np.cumsum(widths + 1) - (widths + 1)
    commas = find_byte(data, _COMMA)
    counts = np.diff(np.searchsorted(commas, starts), append=len(commas))
    fits = counts == tokens - 1
    if not fits.all():
        commas = commas[np.repeat(fits, counts)]
    bounds = np.empty((tokens + 1, int(fits.sum())), np.intp)
    bounds[0], bounds[-1] = starts[fits] - 1, (starts + widths)[fits]
    bounds[1:-1] = commas.reshape(bounds.shape[1], tokens - 1).T
    return fits, bounds


@dataclass
class _Look:
    """A look at some lines.

    Attributes:
        bones: what they should be like. data: the bytes, with room behind them.
        bounds: of their tokens; shape (tokens + 1, lines).
        good: lines that may fit; shape (lines,).
        nulls: values that are null; shape (values, good lines).
    """

    bones: Skeleton
    data: Bytes
    bounds: Places
    good: Mask = field(init=False)
    nulls: npt.NDArray[np.bool_] = field(init=False)

    def columns(self) -> Columns:
        """The values of the lines that turn out to fit; one column for each value."""
        bones = self.bones
        places = self.bounds[bones.bounds] + bones.offsets
        # before a value there is at least `{"":`: what would begin before the first line is in lines that do not fit
        np.maximum(places, 0, out=places)
        windows = windows_at(self.data, places)
        ends = self.bounds[bones.tokens + 1] + bones.ends
        values = slice(len(bones.masks), None)
        widths = ends - places[values] - HEAD
        last = self.data.take(ends + bones.lasts, mode="clip")
        self.good = self._constants(windows[: len(bones.masks)])
        self.good &= self._right_values(windows[values], widths, last)
        self._at_points()
        self._at_quotes()
        windows, begins = windows[values], places[values] + HEAD
        if not self.good.all():
            windows, begins, widths, self.nulls = (
                array.compress(self.good, axis=1) for array in (windows, begins, widths, self.nulls)
            )
        return self._read(views_of(windows, widths, begins))

    def _constants(self, windows: Words) -> Mask:
        """Lines in which the constant parts stand where they must; `windows` are their pieces."""
        bones = self.bones
        differences = np.zeros(windows.shape[:2], np.uint64)
        for i in range(VIEW // 8):
            differences |= (windows[:, :, i] & bones.masks[:, :, i]) ^ bones.words[:, :, i]
        good = np.bitwise_or.reduce(differences, axis=0) == 0
        if len(bones.fixed):
            widths = self.bounds[bones.fixed + 1] - self.bounds[bones.fixed] - 1
            good &= (widths == bones.widths).all(axis=0)
        return np.asarray(good)

    def _right_values(self, windows: Words, widths: Places, last: Bytes) -> Mask:
        """Lines whose values begin and end as JSON has it; the parser lets `+1`, `.5`, `1.` and `01` pass.

        Args:
            windows: of the values; shape (values, lines, 2).
            widths: of the values without their quotation marks; shape (values, lines).
            last: characters of the values, quotation marks included; shape (values, lines).
        """
        bones, chars = self.bones, windows.view(np.uint8)
        fine = widths >= bones.least
        texts, first = bones.kinds[Shape.TEXT], chars[:, :, HEAD].copy()
        first[texts] = chars[texts, :, HEAD - 1]
        fine[texts] &= (first[texts] == _QUOTE) & (last[texts] == _QUOTE)
        fine[bones.numbers] &= _well_written(windows[bones.numbers], last[bones.numbers])
        self.nulls = first == _N
        if self.nulls.any():
            self.nulls &= (chars[:, :, HEAD + 1 : HEAD + 4] == _NULL[1:]).all(axis=2) & (widths == len(_NULL))
            quoted = chars[texts, :, HEAD : HEAD + 3]
            self.nulls[texts] = (first[texts] == _N) & (quoted == _NULL[1:]).all(axis=2)
            self.nulls[texts] &= widths[texts] == len(_NULL) - 2
            fine |= self.nulls
        return np.asarray(fine.all(axis=0))

    def _at_points(self) -> None:
        """A point before an exponent (`1.e5`) is no JSON either."""
        start, end = int(self.bounds[0, 0]) + 1, int(self.bounds[-1, -1])
        points = start + find_pair(self.data[start:end], _POINT, _E)
        if not len(points):
            return
        lines = np.searchsorted(self.bounds[0], points) - 1
        tokens = (self.bounds[1:, lines] < points).sum(axis=0)
        wrong = np.isin(tokens, self.bones.tokens[self.bones.numbers])
        self.good[lines[wrong]] = False

    def _at_quotes(self) -> None:
        """No quotation mark stands where none is accounted for."""
        wanted = self.bones.quotes - 2 * self.nulls[self.bones.kinds[Shape.TEXT]].sum(axis=0)
        start, end = int(self.bounds[0, 0]) + 1, int(self.bounds[-1, -1])
        data = self.data[start : end + 1]
        if self.good.all() and count_where(data, lambda piece: piece == _QUOTE) == wanted.sum():
            return
        edges = np.stack([self.bounds[0] + 1 - start, self.bounds[-1] - start], axis=1).ravel()
        self.good &= np.add.reduceat(data == _QUOTE, edges, dtype=np.intp)[::2] == wanted

    def _read(self, views: Words) -> Columns:
        """Turn views into columns; lines with values that cannot be are no longer good.

        Args:
            views: shape (values, good lines, 2).
        """
        lines = views.shape[1]
        right = np.ones(lines, dtype=bool)
        columns: Columns = []
        for kind, values in self.bones.kinds.items():
            count = values.stop - values.start
            if not count:
                continue
            nulls = self.nulls[values].ravel()
            found, there = _turned(kind, texts_at(views[values].reshape(-1, 2), self.data), nulls)
            if there is not None:
                there = there | nulls if nulls.any() else there
                right &= there.reshape(count, lines).all(axis=0)
            columns += [found.slice(i * lines, lines) for i in range(count)]
        if right.all():
            return columns
        self.good[self.good] = right
        return [column.filter(pl.Series(right)) for column in columns]


def _well_written(windows: Words, last: Bytes) -> npt.NDArray[np.bool_]:
    """Numbers that begin with a digit or a minus and a digit, without needless zeros, and end with a digit.

    Args:
        windows: of the numbers; shape (numbers, lines, 2).
        last: character of each; shape (numbers, lines).
    """
    begin = _BEGINNINGS.take(windows.view(np.uint16)[:, :, HEAD // 2])
    good = begin > _digits(windows.view(np.uint8)[:, :, HEAD + 2])
    good &= _digits(last)
    return good


def _digits(characters: Bytes) -> npt.NDArray[np.bool_]:
    return characters - np.uint8(_ZERO) < np.uint8(10)


def _beginnings() -> Bytes:
    """By the first two characters of a number: 0 wrong, 1 right before any but a digit, 2 right."""
    found = np.zeros((256, 256), np.uint8)
    digits = np.arange(_ZERO, _NINE + 1)
    found[digits[1:]] = 2
    found[_ZERO] = 2
    found[_ZERO, digits] = 0
    found[_MINUS, digits] = 2
    found[_MINUS, _ZERO] = 1
    pairs = np.arange(2**16, dtype=np.uint16).view(np.uint8).reshape(-1, 2)
    return found[pairs[:, 0], pairs[:, 1]]


_BEGINNINGS = _beginnings()


def _turned(kind: Shape, texts: pl.Series, nulls: Mask) -> tuple[pl.Series, Mask | None]:
    """Texts as what they stand for, and which of them stand for something, None if all do; both shape (texts,)."""
    if kind is Shape.TEXT:
        found = texts + ""  # a copy
        return found.set(pl.Series(nulls), None) if nulls.any() else found, None
    if kind is Shape.BOOLEAN:
        values = {"true": True, "false": False}
        found = texts.replace_strict(values, default=None, return_dtype=pl.Boolean)
        return found, found.is_not_null().to_numpy()
    if kind is Shape.INTEGER:
        found = texts.cast(pl.Int64, strict=False)
        return found, found.is_not_null().to_numpy() if found.null_count() else None
    found = texts.cast(pl.Float64, strict=False)
    return found, np.isfinite(found.to_numpy())
